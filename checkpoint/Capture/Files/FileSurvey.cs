using System.Collections.Immutable;
using Watari.Checkpoint.Verdicts;
using Watari.Introspection.Kernel;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>
/// What would stand in the way of a capture, told while the container runs: nothing is paused, so that what is seen may be torn.
/// A view that leads astray is taken again; what it says is advice, and only the capture's own verdicts decide.
/// </summary>
public static class FileSurvey
{
    /// <summary>The verdicts on all files of some processes.</summary>
    /// <param name="processes">Their leaders, the first one first; those that end meanwhile are left out.</param>
    /// <exception cref="TornViewException">Each look led astray: the guest changes too fast, or is damaged.</exception>
    public static ImmutableArray<Verdict> Look(GuestKernel kernel, IReadOnlyList<TaskStruct> processes) =>
        LiveView.Look(kernel, look => LookOnce(look, [.. processes.Select(process => look.At<TaskStruct>(process.Address))]));

    private static ImmutableArray<Verdict> LookOnce(GuestKernel kernel, IReadOnlyList<TaskStruct> processes)
    {
        // A process that has ended has neither; its leader stays until it is waited for.
        List<TaskStruct> alive = [.. processes.Where(process => !process.Files.IsNull && !process.Fs.IsNull && !process.Mm.IsNull && !process.Nsproxy.IsNull)];
        if (alive.Count == 0) return [];
        FileCapture files = FileCapture.Look(FileScope.Of(alive, GuestClocks.Read(kernel)));
        foreach (TaskStruct process in alive)
        {
            int pid = process.Tgid;
            files.CaptureDescriptors(process.Files.Value, pid);
            files.CapturePath(process.Fs.Value.Root, FileHolder.Root(pid));
            files.CapturePath(process.Fs.Value.Pwd, FileHolder.WorkingDirectory(pid));
            foreach (VmAreaStruct area in process.Mm.Value.Areas)
            {
                if (area.VmFile.TryGet(out var file)) files.CaptureMapping(file, FileHolder.Mapping(pid, area.VmStart));
            }
        }

        return files.Complete().Verdicts;
    }
}
