namespace Watari.Silo.Engine.Checkpoints;

/// <summary>A part of an archive while it is written: what a guest calls a file may have any length, and no host has that much room.</summary>
/// <param name="file">Gets the bytes; empty yet.</param>
/// <param name="take">Is told how much longer it becomes, and throws where that is too much.</param>
internal sealed class PartStream(FileStream file, Action<long> take) : Stream
{
    private long _length;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position
    {
        get => file.Position;
        set => file.Position = value;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        long end = file.Position + buffer.Length;
        if (end > _length)
        {
            take(end - _length);
            _length = end;
        }

        file.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(byte[] buffer, int offset, int count) => file.Read(buffer, offset, count);

    public override void Flush() => file.Flush();

    public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

    public override void SetLength(long value) => throw new NotSupportedException();
}
