using System.Buffers.Binary;
using System.IO.Hashing;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Channel;

/// <summary>The data that follow a request, while they arrive.</summary>
internal abstract class Upload(Deadline deadline) : IDisposable
{
    private readonly XxHash3 hash = new();

    public Deadline Deadline => deadline;

    /// <summary>Takes the next part.</summary>
    /// <exception cref="AgentException">More or other than was announced, or too late.</exception>
    public void Append(ReadOnlySpan<byte> part)
    {
        deadline.Check("data were awaited");
        hash.Append(part);
        Take(part);
    }

    /// <summary>All is there: is it what was sent?</summary>
    /// <exception cref="AgentException">corrupt-data.</exception>
    public void End(ReadOnlySpan<byte> sent)
    {
        if (sent.Length != sizeof(ulong) || BinaryPrimitives.ReadUInt64LittleEndian(sent) != hash.GetCurrentHashAsUInt64())
            throw Corrupt("the hash over the data is another than the sender's");
        Finish();
    }

    public abstract void Dispose();

    protected abstract void Take(ReadOnlySpan<byte> part);

    protected abstract void Finish();

    protected static AgentException Corrupt(string why) => new(new AgentError(AgentErrorCode.CorruptData, $"The data did not arrive as they were sent ({why}): send them again."));
}

/// <summary>A file of the image set.</summary>
internal sealed class ImageUpload(KernelFile file, long length, Action drop, Deadline deadline) : Upload(deadline)
{
    private long written;
    private bool whole;

    public override void Dispose()
    {
        file.Dispose();
        if (!whole)
            drop();
    }

    protected override unsafe void Take(ReadOnlySpan<byte> part)
    {
        if (written + part.Length > length)
            throw Corrupt($"more than the announced {length} bytes");
        fixed (byte* from = part)
        {
            for (int done = 0; done < part.Length;)
            {
                nint put = Libc.pwrite(file.Fd, from + done, (nuint)(part.Length - done), written + done);
                if (put < 0 && System.Runtime.InteropServices.Marshal.GetLastPInvokeError() is Libc.ENOSPC or Libc.ENOMEM)
                    throw new AgentException(new AgentError(AgentErrorCode.NotEnoughMemory, "The guest has no room for what is sent: free memory, or space on its disk, or choose another destination."));
                done += (int)KernelException.Check(put, "writing an image");
            }
        }
        written += part.Length;
    }

    protected override void Finish()
    {
        if (written != length)
            throw Corrupt($"{written} of {length} bytes");
        whole = true;
    }
}

/// <summary>Ranges of pages.</summary>
internal sealed class RangesUpload(Deadline deadline) : Upload(deadline)
{
    public List<PageRange> Ranges { get; } = [];

    public override void Dispose()
    {
    }

    protected override void Take(ReadOnlySpan<byte> part)
    {
        if (part.Length % PageRange.WireSize != 0 || Ranges.Count + (part.Length / PageRange.WireSize) > TouchRequest.MaxRanges)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"A list of page ranges has whole ranges of {PageRange.WireSize} bytes, at most {TouchRequest.MaxRanges}."));
        for (int at = 0; at < part.Length; at += PageRange.WireSize)
            Ranges.Add(PageRange.Read(part[at..]));
    }

    protected override void Finish()
    {
    }
}

/// <summary>A piece of a command's standard input.</summary>
internal sealed class InputUpload : Upload
{
    private readonly byte[] bytes;
    private int filled;

    /// <exception cref="AgentException">More than a piece may have.</exception>
    public InputUpload(int length, Deadline deadline)
        : base(deadline)
    {
        if (length is < 0 or > ExecWriteRequest.MaxBytes)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"A piece of a command's standard input has at most {ExecWriteRequest.MaxBytes} bytes."));
        bytes = new byte[length];
    }

    public ReadOnlyMemory<byte> Bytes => bytes;

    public override void Dispose()
    {
    }

    protected override void Take(ReadOnlySpan<byte> part)
    {
        if (filled + part.Length > bytes.Length)
            throw Corrupt($"more than the announced {bytes.Length} bytes");
        part.CopyTo(bytes.AsSpan(filled));
        filled += part.Length;
    }

    protected override void Finish()
    {
        if (filled != bytes.Length)
            throw Corrupt($"{filled} of {bytes.Length} bytes");
    }
}
