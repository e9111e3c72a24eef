using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;
using PageRun = Watari.Checkpoint.Model.PageRun;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>Which pages of a process are its own, and where they lie. Contents are not touched.</summary>
internal sealed class PageCapture(AddressSpace space, CaptureContext context)
{
    private readonly ImmutableArray<PageRun>.Builder runs = ImmutableArray.CreateBuilder<PageRun>();
    private PageRun pending;

    /// <summary>The pages of an area that its file does not have.</summary>
    public void Add(VmAreaStruct area, VmArea captured, string subject)
    {
        bool fileBacked = captured.Kind == VmAreaKind.PrivateFile;
        // Until a process writes to a private mapping of a file, all that it sees there is the file's.
        if (fileBacked && area.AnonVma.IsNull)
            return;
        foreach (Introspection.Paging.PageRun run in space.PageRuns(area.Range, PageFlags.None))
        {
            if (run.Kind == PageRunKind.Swapped)
                context.Refuse(subject, "pages of it are in swap; free memory in the VM or turn swap off there");
            if (run.Kind != PageRunKind.Present)
                continue;
            context.Budget.TakePages((ulong)run.Count.Value);
            context.Kernel.TakeSteps(run.Count.Value);
            AddOwn(run, fileBacked);
        }
    }

    /// <summary>Pages of the vdso: the kernel's own, mapped or not.</summary>
    public void AddVdso(VmArea area, VdsoImage image)
    {
        ulong pages = Math.Min((area.End - area.Start) >> GuestPage.Shift, image.Size >> GuestPage.Shift);
        context.Budget.TakePages(pages);
        context.Kernel.TakeSteps((long)pages);
        for (ulong page = 0; page < pages; page++)
        {
            GuestPhysicalAddress physical = image.Kernel.AddressSpace.Translate(image.Data + (page << GuestPage.Shift));
            Append(area.Start + (page << GuestPage.Shift), physical, 1);
        }
    }

    public ImmutableArray<PageRun> Complete()
    {
        Flush();
        return runs.ToImmutable();
    }

    private void AddOwn(in Introspection.Paging.PageRun run, bool fileBacked)
    {
        long first = 0;
        for (long page = 0; page <= run.Count.Value; page++)
        {
            PageFrameNumber frame = run.Physical.Frame + new PageCount(page);
            bool own = page < run.Count.Value
                && !context.ZeroPages.Contains(frame)
                && (!fileBacked || PageStruct.At(context.Kernel, context.Kernel.Pages.PageOf(frame)).IsAnonymous);
            if (own)
                continue;
            if (page > first)
                Append((run.Start + ((ulong)first << GuestPage.Shift)).Value, run.Physical + ((ulong)first << GuestPage.Shift), (ulong)(page - first));
            first = page + 1;
        }
    }

    private void Append(ulong start, GuestPhysicalAddress physical, ulong pages)
    {
        if (pending.Pages != 0 && pending.End == start && pending.Location.Advance(pending.Bytes).Value == physical.Value)
        {
            pending = pending with { Pages = pending.Pages + pages };
            return;
        }
        Flush();
        pending = new PageRun(start, pages, new PageLocation(physical.Value));
    }

    private void Flush()
    {
        if (pending.Pages != 0)
        {
            context.Budget.TakeRuns(1);
            runs.Add(pending);
        }
        pending = default;
    }
}
