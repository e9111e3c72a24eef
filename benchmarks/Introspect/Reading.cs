using Watari.Introspection.Accounting;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;
using Watari.Introspection.Tasks;

namespace Watari.Benchmarks.Introspect;

/// <summary>What was read.</summary>
/// <param name="Objects">How many.</param>
/// <param name="Sum">Over all that was read of them, so that no reading of it can be left out.</param>
internal readonly record struct Reading(long Objects, ulong Sum)
{
    /// <summary>Of every process what ps shows.</summary>
    public static Reading Processes(GuestKernel kernel)
    {
        Reading read = default;
        Span<byte> name = stackalloc byte[16];
        foreach (TaskStruct process in kernel.Processes)
        {
            int length = process.Comm.CopyTo(name);
            var usage = TaskUsage.Of(process);
            read = read.And((ulong)process.Pid + (ulong)process.RealParent.Value.Tgid + process.State + (ulong)process.ExitState
                + usage.Utime + usage.Stime + process.StartBoottime + name[Math.Max(0, length - 1)]);
        }

        return read;
    }

    /// <summary>Of every area of a process what its maps show, but for the path.</summary>
    public static Reading Areas(TaskStruct process)
    {
        Reading read = default;
        if (!process.Mm.TryGet(out MmStruct mm)) return read;
        foreach (VmAreaStruct area in mm.Areas)
            read = read.And(area.VmStart.Value + area.VmEnd.Value + (ulong)area.VmFlags + area.VmPgoff + area.VmFile.Address.Value);
        return read;
    }

    /// <summary>Of every open descriptor of a process its number, its file's flags and position, and the file's inode.</summary>
    public static Reading Descriptors(TaskStruct process)
    {
        Reading read = default;
        if (!process.Files.TryGet(out FilesStruct files)) return read;
        foreach (OpenFile open in files.Open)
            read = read.And((ulong)open.Descriptor + open.File.FFlags + (ulong)open.File.FPos + open.File.FInode.Value.IIno);
        return read;
    }

    /// <summary>The pages of a process, as runs that lie together in the guest's RAM: an object is a page.</summary>
    public static Reading Pages(TaskStruct process)
    {
        Reading read = default;
        foreach (PageRun run in Runs(process))
        {
            if (run.Kind == PageRunKind.Present) read = read.And(run.Physical.Value + (ulong)run.Flags, run.Count.Value);
        }

        return read;
    }

    /// <summary>How many of the runs have memory.</summary>
    public static long RunsOf(TaskStruct process)
    {
        long runs = 0;
        foreach (PageRun run in Runs(process)) runs += run.Kind == PageRunKind.Present ? 1 : 0;
        return runs;
    }

    /// <summary>The same of every process.</summary>
    public static Reading OfAll(GuestKernel kernel, Func<TaskStruct, Reading> reading)
    {
        Reading read = default;
        foreach (TaskStruct process in kernel.Processes)
        {
            Reading of = reading(process);
            read = read.And(of.Sum, of.Objects);
        }

        return read;
    }

    private Reading And(ulong value, long objects = 1) => new(Objects + objects, unchecked(Sum + value));

    private static PageRuns Runs(TaskStruct process) =>
        process.Mm.Value.AddressSpace.PageRuns(new GuestVirtualRange(new GuestVirtualAddress(0), process.Kernel.Paging.UserEnd));
}
