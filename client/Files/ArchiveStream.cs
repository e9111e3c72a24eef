using Watari.GrainInterfaces.Model;

namespace Watari.Client.Files;

/// <summary>An archive that a host gives piece by piece, as a stream.</summary>
/// <param name="read">Gives a piece by its number.</param>
/// <param name="problem">Is told what is not in the archive as it should be.</param>
internal sealed class ArchiveStream(Func<int, Task<ArchivePiece>> read, Action<string> problem) : Stream
{
    private ReadOnlyMemory<byte> _rest;
    private int _next;
    private bool _isLast;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_rest.IsEmpty && !_isLast)
        {
            ArchivePiece piece = await read(_next++);
            foreach (string text in piece.Problems) problem(text);
            (_rest, _isLast) = (piece.Bytes.AsMemory(), piece.IsLast);
        }

        int count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("It is read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
