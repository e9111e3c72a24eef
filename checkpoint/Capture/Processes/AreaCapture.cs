using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Mm;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>One area of a process's memory.</summary>
internal static class AreaCapture
{
    private const uint AccessMode = 3; // O_ACCMODE
    private const int PageShift = 12;

    // The bits of madvise(2) by the flag that each sets.
    private static readonly (VmFlags Flag, MemoryAdvice Advice)[] Advice =
    [
        (VmFlags.RandomRead, MemoryAdvice.RandomAccess),
        (VmFlags.SequentialRead, MemoryAdvice.Sequential),
        (VmFlags.DontCopy, MemoryAdvice.DontFork),
        (VmFlags.Mergeable, MemoryAdvice.Mergeable),
        (VmFlags.HugePage, MemoryAdvice.HugePage),
        (VmFlags.NoHugePage, MemoryAdvice.NoHugePage),
        (VmFlags.DontDump, MemoryAdvice.DontDump),
        (VmFlags.WipeOnFork, MemoryAdvice.WipeOnFork),
    ];

    private static readonly (VmFlags Flag, string Reason)[] Refused =
    [
        (VmFlags.HugeTlb, "memory of huge pages (hugetlbfs, MAP_HUGETLB)"),
        (VmFlags.UffdMissing | VmFlags.UffdWriteProtect, "its faults are handled by userfaultfd(2)"),
        (VmFlags.ShadowStack, "a shadow stack"),
    ];

    /// <summary>The area; null where it has no place in a checkpoint and was refused.</summary>
    public static VmArea? Capture(VmAreaStruct area, MmStruct mm, int pid, CaptureContext context)
    {
        VmFlags flags = area.VmFlags;
        string subject = FileHolder.Mapping(pid, area.VmStart).ToString();
        foreach ((VmFlags flag, string reason) in Refused)
        {
            if ((flags & flag) != 0)
                context.Refuse(subject, reason);
        }
        // The kernel gives memory that may only be executed a key by itself.
        if ((flags & VmFlags.ProtectionKey) != 0 && (flags & (VmFlags.Read | VmFlags.Write | VmFlags.Exec)) != VmFlags.Exec)
            context.Refuse(subject, "memory with a protection key (pkey_mprotect)");

        if (area.VmPolicy is { IsNull: false })
            context.NeedsHelp(subject, "its NUMA policy is not carried (mbind)");

        var captured = new VmArea
        {
            Start = area.VmStart.Value,
            End = area.VmEnd.Value,
            Kind = VmAreaKind.PrivateAnonymous,
            Protection = ProtectionsOf(flags),
            Traits = TraitsOf(area, mm),
            Advice = AdviceOf(flags),
        };
        if (area.SpecialName is { } name)
            return Special(captured, name, subject, context);
        // A private mapping of /dev/zero has a file and is anonymous all the same (vma_is_anonymous).
        if (!area.VmFile.TryGet(out FileStruct file) || (area.VmOps.IsNull && !area.IsShared))
            return captured;
        if ((flags & (VmFlags.PfnMap | VmFlags.Io)) != 0)
        {
            context.Refuse(subject, "memory of a device");
            return null;
        }

        MappedFile mapped = context.Files.CaptureMapping(file, FileHolder.Mapping(pid, area.VmStart));
        captured = captured with
        {
            Kind = mapped.SharedMemory is not null ? VmAreaKind.SharedAnonymous : area.IsShared ? VmAreaKind.SharedFile : VmAreaKind.PrivateFile,
            File = mapped.File,
            FileFlags = mapped.File is null ? 0 : file.FFlags & AccessMode,
            SharedMemory = mapped.SharedMemory,
            Offset = area.VmPgoff << PageShift,
        };
        if (captured.Kind == VmAreaKind.SharedFile && flags.HasFlag(VmFlags.Write) && FileKinds.Of(file) == FileKind.Path && !IsMemory(file))
            context.NeedsHelp(subject, "what is written to it stays on the VM's disk: the destination must have the same file");
        return mapped.IsMemfd ? captured with { Traits = captured.Traits | VmAreaTraits.Memfd } : captured;
    }

    private static bool IsMemory(FileStruct file) => file.FInode.Value.ISb.Value.SType.Value.Name.SequenceEqual("tmpfs"u8);

    private static VmArea? Special(VmArea area, string name, string subject, CaptureContext context)
    {
        switch (name)
        {
            case "[vdso]":
                return area with { Kind = VmAreaKind.Vdso };
            case "[vvar]" or "[vvar_vclock]":
                return area with { Kind = VmAreaKind.Vvar, Advice = MemoryAdvice.DontDump };
            default:
                context.Refuse(subject, $"memory of the kernel's own, {name}");
                return null;
        }
    }

    private static Protections ProtectionsOf(VmFlags flags) =>
        (flags.HasFlag(VmFlags.Read) ? Protections.Read : 0)
        | (flags.HasFlag(VmFlags.Write) ? Protections.Write : 0)
        | (flags.HasFlag(VmFlags.Exec) ? Protections.Execute : 0);

    private static VmAreaTraits TraitsOf(VmAreaStruct area, MmStruct mm)
    {
        VmFlags flags = area.VmFlags;
        bool heap = area.VmFile.IsNull && area.VmStart < mm.Brk && area.VmEnd > mm.StartBrk;
        return (heap ? VmAreaTraits.Heap : 0)
            | (flags.HasFlag(VmFlags.GrowsDown) ? VmAreaTraits.GrowsDown : 0)
            | (flags.HasFlag(VmFlags.NoReserve) ? VmAreaTraits.NoReserve : 0)
            | (flags.HasFlag(VmFlags.Locked) ? VmAreaTraits.Locked : 0);
    }

    private static MemoryAdvice AdviceOf(VmFlags flags)
    {
        var advice = MemoryAdvice.None;
        foreach ((VmFlags flag, MemoryAdvice bit) in Advice)
        {
            if (flags.HasFlag(flag))
                advice |= bit;
        }
        return advice;
    }
}
