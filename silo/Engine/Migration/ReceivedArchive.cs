using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>The archive of a container's files as it was received, to be read from front to back. The transfer has compared its hash.</summary>
internal sealed class ReceivedArchive(ReceivedFile file) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => file.Length.Bytes;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        long page = _position / PageCount.Size;
        long left = file.Length.Value - page;
        if (left <= 0 || buffer.IsEmpty) return 0;
        int skip = (int)(_position % PageCount.Size);
        ReadOnlySpan<byte> contents = file.From(page, Math.Min(left, (buffer.Length + skip + PageCount.Size - 1) / PageCount.Size))[skip..];
        int read = Math.Min(contents.Length, buffer.Length);
        contents[..read].CopyTo(buffer);
        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
