using System.Buffers.Binary;

namespace Watari.Checkpoint.Archives;

/// <summary>
/// What comes out of a packed archive, counted: a bomb ends before it goes off. While <see cref="ReadsHeader"/>, it looks at each block
/// of tar before tar's reader does, which would make room for names and attributes of any length.
/// </summary>
internal sealed class UnpackedArchive(Stream packed, Stream unpacked, ArchiveLimits limits) : Stream
{
    private const int BlockBytes = 512, SizeAt = 124, SizeBytes = 12, TypeAt = 156;

    private long _read;

    public bool ReadsHeader { get; set; }

    /// <summary>A block of zeroes was read, with which a tar ends.</summary>
    public bool HasEnded { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        // A header is read in one go, so that it can be looked at.
        bool block = ReadsHeader && buffer.Length == BlockBytes;
        int read = block ? unpacked.ReadAtLeast(buffer, BlockBytes, throwOnEndOfStream: false) : unpacked.Read(buffer);
        _read += read;
        if (_read > limits.UnpackedBytes) throw new ArchiveException($"more than {limits.UnpackedBytes >> 20} MiB come out of it");
        if (_read > limits.RatioFree && _read / limits.Ratio > packed.Position) throw new ArchiveException($"more than {limits.Ratio} times its size comes out of it: that is no checkpoint");
        if (block && read == BlockBytes) Look(buffer);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && unpacked != packed) unpacked.Dispose();
        base.Dispose(disposing);
    }

    private void Look(ReadOnlySpan<byte> block)
    {
        HasEnded |= block.IndexOfAnyExcept((byte)0) < 0;
        // Attributes of pax (x, g), long names and links of GNU (L, K).
        if (block[TypeAt] is (byte)'x' or (byte)'g' or (byte)'L' or (byte)'K' && SizeOf(block.Slice(SizeAt, SizeBytes)) is var size && (size < 0 || size > limits.HeaderBytes))
            throw new ArchiveException($"the name or the attributes of an entry take {size} bytes; at most {limits.HeaderBytes} are read");
    }

    /// <summary>Octal digits, or a binary number where the first bit is set.</summary>
    private static long SizeOf(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0) return BinaryPrimitives.ReadInt64BigEndian(field[^sizeof(long)..]);
        long size = 0;
        foreach (byte digit in field)
        {
            if (digit is >= (byte)'0' and <= (byte)'7') size = (size << 3) | (uint)(digit - '0');
        }

        return size;
    }
}
