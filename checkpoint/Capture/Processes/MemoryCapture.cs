using System.Collections.Immutable;
using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Model;
using Watari.Introspection.Kernel;
using Watari.Introspection.Mm;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>The address space of a process.</summary>
internal static class MemoryCapture
{
    private const int DumpableMask = 3; // MMF_DUMPABLE_MASK
    private const ulong DisableThp = 1UL << 24; // MMF_DISABLE_THP
    private const ulong NoNewExecution = 1UL << 28; // MMF_HAS_MDWE

    public static MemoryLayout Capture(MmStruct mm, int pid, CaptureContext context)
    {
        var areas = ImmutableArray.CreateBuilder<VmArea>();
        var pages = new PageCapture(mm.AddressSpace, context);
        foreach (VmAreaStruct area in mm.Areas)
        {
            context.Budget.TakeObjects(1);
            if (AreaCapture.Capture(area, mm, pid, context) is not { } captured)
                continue;
            areas.Add(captured);
            switch (captured.Kind)
            {
                case VmAreaKind.Vdso:
                    pages.AddVdso(captured, mm.VdsoImage.Value);
                    break;
                case VmAreaKind.PrivateAnonymous or VmAreaKind.PrivateFile:
                    pages.Add(area, captured, FileHolder.Mapping(pid, area.VmStart).ToString());
                    break;
            }
        }
        if (mm.IoctxTable is { IsNull: false })
            context.Refuse($"pid {pid}", "asynchronous I/O contexts (io_setup)");

        if (mm.Ldt is { IsNull: false })
            context.Refuse($"pid {pid}", "it has memory segments of its own (modify_ldt)");

        ulong flags = mm.Flags;
        if ((flags & NoNewExecution) != 0)
            context.Refuse($"pid {pid}", "it has forbidden itself to make memory executable (prctl PR_SET_MDWE), which would be lifted at the destination");
        return new MemoryLayout
        {
            StartCode = mm.StartCode.Value,
            EndCode = mm.EndCode.Value,
            StartData = mm.StartData.Value,
            EndData = mm.EndData.Value,
            StartStack = mm.StartStack.Value,
            StartBrk = mm.StartBrk.Value,
            Brk = mm.Brk.Value,
            ArgStart = mm.ArgStart.Value,
            ArgEnd = mm.ArgEnd.Value,
            EnvStart = mm.EnvStart.Value,
            EnvEnd = mm.EnvEnd.Value,
            Executable = context.Files.CaptureMapping(mm.ExeFile.Value, FileHolder.Executable(pid)).File
                ?? throw new KernelWalkException("mm_struct.exe_file", "is shared memory, which is no program's file"),
            AuxiliaryVector = [.. AuxiliaryVector(mm)],
            Dumpable = (int)flags & DumpableMask,
            ThpDisabled = (flags & DisableThp) != 0,
            Areas = areas.ToImmutable(),
            Pages = pages.Complete(),
        };
    }

    private static IEnumerable<AuxiliaryValue> AuxiliaryVector(MmStruct mm)
    {
        ulong[] words = mm.SavedAuxv.ToArray();
        for (int i = 0; i + 1 < words.Length && words[i] != 0; i += 2)
            yield return new AuxiliaryValue(words[i], words[i + 1]);
    }
}
