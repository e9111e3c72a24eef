namespace Watari.Silo.Engine.Checkpoints;

/// <summary>A part of an archive while it is written: what a guest calls a file may have any length, and no host has that much room.</summary>
/// <param name="file">Gets the bytes.</param>
/// <param name="take">Is told how many come, and throws where they are too many.</param>
internal sealed class PartStream(FileStream file, Action<int> take) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        take(buffer.Length);
        file.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => file.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
