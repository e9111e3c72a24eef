using System.Collections.Immutable;
using Google.Protobuf.Collections;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>mm-PID with the pagemap of the process, and the pagemaps of shared memory.</summary>
internal static class MemoryImages
{
    // CRIU 4.1.1 calls an image corrupt whose auxiliary vector has more numbers than its kernel's mm_struct.
    private const int MaxAuxiliaryNumbers = 44;

    public static void Build(ImageSetWriter images, Container container)
    {
        foreach (Process process in container.Processes)
        {
            if (process.Memory is not { } memory)
                continue;
            images.Add(CriuImageKinds.Mm, (ulong)process.Pid, Build(memory));
            uint pagesId = images.AddPages(memory.Pages);
            images.Add(CriuImageKinds.Pagemap, (ulong)process.Pid, PagemapImages.Build(pagesId, memory.Pages, run => IsLazy(memory, run)));
        }
        foreach (SharedMemory segment in container.SharedMemory)
        {
            uint pagesId = images.AddPages(segment.Pages);
            images.Add(CriuImageKinds.ShmemPagemap, segment.Id.Value, PagemapImages.Build(pagesId, segment.Pages, _ => false));
        }
    }

    public static MemoryLayout Parse(ImageSetView images, uint pid, IReadOnlyDictionary<uint, PageImage> pages)
    {
        string name = CriuImageKinds.Mm.FileName(pid);
        var mm = images.Single<Proto.MmEntry>(CriuImageKinds.Mm, pid);
        if (mm.MmSavedAuxv.Count % 2 != 0)
            throw new CriuImageException(name, "the auxiliary vector is cut off in the middle of a pair");
        return new MemoryLayout
        {
            StartCode = mm.MmStartCode,
            EndCode = mm.MmEndCode,
            StartData = mm.MmStartData,
            EndData = mm.MmEndData,
            StartStack = mm.MmStartStack,
            StartBrk = mm.MmStartBrk,
            Brk = mm.MmBrk,
            ArgStart = mm.MmArgStart,
            ArgEnd = mm.MmArgEnd,
            EnvStart = mm.MmEnvStart,
            EnvEnd = mm.MmEnvEnd,
            Executable = new FileId(mm.ExeFileId),
            AuxiliaryVector = [.. ParseAuxiliary(mm.MmSavedAuxv)],
            Dumpable = mm.HasDumpable ? mm.Dumpable : 1,
            ThpDisabled = mm.ThpDisabled,
            Areas = [.. mm.Vmas.Select(area => VmaImages.Parse(area, name))],
            Pages = PagesOf(images, CriuImageKinds.Pagemap, pid, pages),
        };
    }

    public static ImmutableArray<SharedMemory> ParseShared(ImageSetView images, IReadOnlyDictionary<uint, PageImage> pages) =>
    [
        .. images.Numbers(CriuImageKinds.ShmemPagemap).Select(id => new SharedMemory(
            new SharedMemoryId(ImageSetView.Word(id, CriuImageKinds.ShmemPagemap.Stem, "its number")),
            PagesOf(images, CriuImageKinds.ShmemPagemap, id, pages))),
    ];

    private static ImmutableArray<PageRun> PagesOf(ImageSetView images, CriuImageKind kind, ulong number, IReadOnlyDictionary<uint, PageImage> pages)
    {
        List<CriuImageEntry> entries = images.Read(kind, number);
        return entries.Count > 0 && pages.TryGetValue(((Proto.PagemapHead)entries[0].Message).PagesId, out PageImage? image) ? image.Runs : [];
    }

    private static Proto.MmEntry Build(MemoryLayout memory)
    {
        var mm = new Proto.MmEntry
        {
            MmStartCode = memory.StartCode,
            MmEndCode = memory.EndCode,
            MmStartData = memory.StartData,
            MmEndData = memory.EndData,
            MmStartStack = memory.StartStack,
            MmStartBrk = memory.StartBrk,
            MmBrk = memory.Brk,
            MmArgStart = memory.ArgStart,
            MmArgEnd = memory.ArgEnd,
            MmEnvStart = memory.EnvStart,
            MmEnvEnd = memory.EnvEnd,
            ExeFileId = memory.Executable.Value,
            Dumpable = memory.Dumpable,
            ThpDisabled = memory.ThpDisabled,
            Vmas = { memory.Areas.Select(VmaImages.Build) },
        };
        foreach (AuxiliaryValue pair in memory.AuxiliaryVector)
        {
            mm.MmSavedAuxv.Add(pair.Type);
            mm.MmSavedAuxv.Add(pair.Value);
        }

        // The closing pair is what there may be no room for: the kernel's own array is zero behind what is written into it.
        if (mm.MmSavedAuxv.Count + 2 <= MaxAuxiliaryNumbers)
            mm.MmSavedAuxv.AddRange([0, 0]);
        if (mm.MmSavedAuxv.Count > MaxAuxiliaryNumbers)
            throw new CriuImageException(CriuImageKinds.Mm.Stem, $"an auxiliary vector of {memory.AuxiliaryVector.Length} pairs; CRIU takes {MaxAuxiliaryNumbers / 2}");
        return mm;
    }

    private static IEnumerable<AuxiliaryValue> ParseAuxiliary(RepeatedField<ulong> numbers)
    {
        for (int i = 0; i < numbers.Count; i += 2)
        {
            if (numbers[i] == 0)
                yield break;
            yield return new AuxiliaryValue(numbers[i], numbers[i + 1]);
        }
    }

    private static bool IsLazy(MemoryLayout memory, PageRun run) =>
        memory.AreaAt(run.Start) is { Kind: VmAreaKind.PrivateAnonymous } area && !area.Traits.HasFlag(VmAreaTraits.Locked);
}
