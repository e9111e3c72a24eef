using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Archives;

/// <summary>A pages-N.img to be read from front to back: its pages are copied from where they lie.</summary>
internal sealed class PageImageStream(PageImage image, IPageContents contents) : Stream
{
    private int _run;
    private ulong _inRun;
    private long _position;

    public override bool CanRead => true;

    /// <summary>Its length is known, which tar asks for first.</summary>
    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length { get; } = (long)image.Bytes;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        while (_run < image.Runs.Length && _inRun == image.Runs[_run].Bytes) (_run, _inRun) = (_run + 1, 0);
        if (_run == image.Runs.Length || buffer.IsEmpty) return 0;
        PageRun run = image.Runs[_run];
        ReadOnlySpan<byte> part = contents.At(run.Location.Advance(_inRun), (int)Math.Min(run.Bytes - _inRun, (ulong)buffer.Length));
        part.CopyTo(buffer);
        _inRun += (ulong)part.Length;
        _position += part.Length;
        return part.Length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
