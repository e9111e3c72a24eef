using System.IO.MemoryMappedFiles;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>A file of this host in memory that does not move until it is disposed, filled up with zeroes to a whole page.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly FileStream _file;
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private bool _disposed;

    private MappedFile(FileStream file)
    {
        _file = file;
        file.Flush();
        Pages = new PageCount((file.Length + PageCount.Size - 1) / PageCount.Size);
        file.SetLength(Pages.Bytes);
        _mapping = MemoryMappedFile.CreateFromFile(file, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _mapping.CreateViewAccessor(0, Pages.Bytes, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    public PageCount Pages { get; }

    /// <param name="file">Not empty. It is this one's from here on.</param>
    /// <exception cref="IOException">It cannot be read as memory.</exception>
    public static MappedFile Of(FileStream file)
    {
        try
        {
            return new MappedFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>All of it, from front to back, as pages of an address space.</summary>
    public IReadOnlyList<PageRun> Runs(AddressSpaceId space)
    {
        List<PageRun> runs = [];
        for (long done = 0; done < Pages.Bytes; done += StagingMemory.BlockBytes)
        {
            int part = (int)Math.Min(Pages.Bytes - done, StagingMemory.BlockBytes);
            runs.Add(PageRun.Over(space, new VirtualPage((ulong)(done / PageCount.Size)), new ReadOnlySpan<byte>(_start + done, part)));
        }

        return runs;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapping.Dispose();
        _file.Dispose();
    }
}

/// <summary>A file by itself as what a transfer sends.</summary>
internal sealed class MappedPages(MappedFile file, AddressSpaceId space) : IPageSource
{
    private readonly IReadOnlyList<PageRun> _runs = file.Runs(space);
    private int _next;

    /// <inheritdoc/>
    public PageCount Pages => file.Pages;

    /// <inheritdoc/>
    public int Take(Span<PageRun> runs)
    {
        int taken = 0;
        while (taken < runs.Length && _next < _runs.Count) runs[taken++] = _runs[_next++];
        return taken;
    }
}
