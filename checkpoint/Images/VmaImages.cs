using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Areas of memory in an mm image (criu/include/image.h VMA_…, asm-generic/mman.h MAP_…).</summary>
internal static class VmaImages
{
    private const uint AreaRegular = 1;
    private const uint AreaVsyscall = 1 << 2;
    private const uint AreaVdso = 1 << 3;
    private const uint AreaHeap = 1 << 5;
    private const uint FilePrivate = 1 << 6;
    private const uint FileShared = 1 << 7;
    private const uint AnonShared = 1 << 8;
    private const uint AnonPrivate = 1 << 9;
    private const uint AreaVvar = 1 << 12;
    private const uint AreaMemfd = 1 << 14;
    private const uint Known = AreaRegular | AreaVdso | AreaHeap | FilePrivate | FileShared | AnonShared | AnonPrivate | AreaVvar | AreaMemfd;

    private const uint MapShared = 1;
    private const uint MapPrivate = 2;
    private const uint MapAnonymous = 0x20;
    private const uint MapGrowsDown = 0x100;
    private const uint MapLocked = 0x2000;
    private const uint MapNoReserve = 0x4000;

    public static Proto.VmaEntry Build(VmArea area)
    {
        (uint status, uint flags) = area.Kind switch
        {
            VmAreaKind.PrivateAnonymous => (AnonPrivate, MapPrivate | MapAnonymous),
            VmAreaKind.SharedAnonymous => (AnonShared, MapShared | MapAnonymous),
            VmAreaKind.PrivateFile => (FilePrivate, MapPrivate),
            VmAreaKind.SharedFile => (FileShared, MapShared),
            VmAreaKind.Vdso => (AnonPrivate | AreaVdso, MapPrivate | MapAnonymous),
            VmAreaKind.Vvar => (AnonPrivate | AreaVvar, MapPrivate | MapAnonymous),
            _ => throw new ArgumentException($"An area of the kind {area.Kind} has no place in the images.", nameof(area)),
        };
        var entry = new Proto.VmaEntry
        {
            Start = area.Start,
            End = area.End,
            Pgoff = area.Offset,
            Shmid = area.File?.Value ?? area.SharedMemory?.Value ?? 0,
            Prot = (uint)area.Protection,
            Flags = flags
                | (area.Traits.HasFlag(VmAreaTraits.GrowsDown) ? MapGrowsDown : 0)
                | (area.Traits.HasFlag(VmAreaTraits.NoReserve) ? MapNoReserve : 0)
                | (area.Traits.HasFlag(VmAreaTraits.Locked) ? MapLocked : 0),
            Status = AreaRegular | status
                | (area.Traits.HasFlag(VmAreaTraits.Heap) ? AreaHeap : 0)
                | (area.Traits.HasFlag(VmAreaTraits.Memfd) ? AreaMemfd : 0),
            Fd = -1,
        };
        if (area.Advice != MemoryAdvice.None)
            entry.Madv = (ulong)area.Advice;
        if (area.File is not null)
            entry.Fdflags = area.FileFlags;
        return entry;
    }

    public static VmArea Parse(Proto.VmaEntry entry, string name)
    {
        if ((entry.Status & ~Known) != 0 || (entry.Status & AreaVsyscall) != 0)
            throw new CriuImageException(name, $"the area at {entry.Start:x} has the status {entry.Status:x}, which is not carried");
        if (entry.Start >= entry.End)
            throw new CriuImageException(name, $"the area at {entry.Start:x} ends at {entry.End:x}");
        VmAreaKind kind = (entry.Status & (FilePrivate | FileShared | AnonShared | AreaVdso | AreaVvar)) switch
        {
            FilePrivate => VmAreaKind.PrivateFile,
            FileShared => VmAreaKind.SharedFile,
            AnonShared => VmAreaKind.SharedAnonymous,
            AreaVdso => VmAreaKind.Vdso,
            AreaVvar => VmAreaKind.Vvar,
            0 => VmAreaKind.PrivateAnonymous,
            _ => throw new CriuImageException(name, $"the area at {entry.Start:x} has the contradictory status {entry.Status:x}"),
        };
        return new VmArea
        {
            Start = entry.Start,
            End = entry.End,
            Kind = kind,
            Protection = (Protections)entry.Prot,
            Traits = (entry.Status & AreaHeap) != 0 ? VmAreaTraits.Heap | Traits(entry) : Traits(entry),
            Advice = (MemoryAdvice)entry.Madv,
            Offset = entry.Pgoff,
            File = kind is VmAreaKind.PrivateFile or VmAreaKind.SharedFile ? new FileId(ImageSetView.Word(entry.Shmid, name, "the id of a file")) : null,
            FileFlags = entry.Fdflags,
            SharedMemory = kind is VmAreaKind.SharedAnonymous ? new SharedMemoryId(ImageSetView.Word(entry.Shmid, name, "the id of a segment")) : null,
        };
    }

    private static VmAreaTraits Traits(Proto.VmaEntry entry) =>
        ((entry.Flags & MapGrowsDown) != 0 ? VmAreaTraits.GrowsDown : 0)
        | ((entry.Flags & MapNoReserve) != 0 ? VmAreaTraits.NoReserve : 0)
        | ((entry.Flags & MapLocked) != 0 ? VmAreaTraits.Locked : 0)
        | ((entry.Status & AreaMemfd) != 0 ? VmAreaTraits.Memfd : 0);
}
