using System.Runtime.ExceptionServices;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Introspection.Memory;
using Watari.Transfer;
using PageRun = Watari.Transfer.PageRun;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// The pages that travel, copied out of the source VM in its pauses by one thread and sent meanwhile by others. Pages are sent as
/// soon as they are there.
/// </summary>
/// <param name="staging">Where they are copied to.</param>
/// <param name="pages">Pages of memory and of images that will come.</param>
internal sealed class OutgoingPages(StagingMemory staging, Transfer.PageCount pages) : IPageSource, IPageTaker
{
    private static readonly byte[] s_zeroes = GC.AllocateArray<byte>(FrozenPageReader.MostPages * Transfer.PageCount.Size, pinned: true);

    private readonly object _gate = new();
    private readonly List<PageRun> _runs = [];
    private int _next;
    private bool _complete;
    private ExceptionDispatchInfo? _failure;

    /// <inheritdoc/>
    public Transfer.PageCount Pages { get; private set; } = pages;

    /// <summary>Copies the pages of an image file. The guest must stand still meanwhile.</summary>
    public void Add(PageImage image, IPageContents contents)
    {
        var page = new VirtualPage(0);
        foreach (Checkpoint.Model.PageRun run in image.Runs)
        {
            for (ulong done = 0; done < run.Bytes;)
            {
                ReadOnlySpan<byte> part = contents.At(run.Location.Advance(done), (int)Math.Min(run.Bytes - done, StagingMemory.BlockBytes));
                Add(PageRun.Over(ImagePages.SpaceOf(image.PagesId), page, staging.Append(part)));
                page += part.Length / Transfer.PageCount.Size;
                done += (ulong)part.Length;
            }
        }
    }

    /// <summary>Adds a file, before anything is sent.</summary>
    /// <param name="file">It does not move until all is sent.</param>
    /// <param name="space">What it travels as.</param>
    public void Add(MappedFile file, AddressSpaceId space)
    {
        foreach (PageRun run in file.Runs(space)) Add(run);
        Pages += file.Pages;
    }

    /// <inheritdoc/>
    public void Take(int pid, GuestVirtualAddress start, ReadOnlySpan<byte> contents) => Add(PageRun.Over(new AddressSpaceId((uint)pid), PageAt(start), staging.Append(contents)));

    /// <inheritdoc/>
    public void TakeZeroes(int pid, GuestVirtualAddress start, Introspection.Memory.PageCount count) =>
        Add(PageRun.Over(new AddressSpaceId((uint)pid), PageAt(start), s_zeroes.AsSpan(0, (int)count.Bytes)));

    /// <summary>There will be no more pages: all are there, or the reading of them failed and so must their sending.</summary>
    public void Complete(Exception? failure = null)
    {
        lock (_gate)
        {
            _failure = failure is null ? null : ExceptionDispatchInfo.Capture(failure);
            _complete = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits for pages that are still to be copied.</summary>
    public int Take(Span<PageRun> runs)
    {
        lock (_gate)
        {
            while (_next == _runs.Count && !_complete) Monitor.Wait(_gate);
            _failure?.Throw();
            int taken = Math.Min(runs.Length, _runs.Count - _next);
            for (int i = 0; i < taken; i++) runs[i] = _runs[_next++];
            return taken;
        }
    }

    private void Add(PageRun run)
    {
        lock (_gate)
        {
            _runs.Add(run);
            Monitor.Pulse(_gate);
        }
    }

    private static VirtualPage PageAt(GuestVirtualAddress address) => new(address.Value / Transfer.PageCount.Size);
}
