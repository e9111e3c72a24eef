using System.Collections.Immutable;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Verdicts;
using Watari.Containers;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Migration;
using Watari.Silo.Engine.Vms;
using VerdictKind = Watari.Checkpoint.Verdicts.VerdictKind;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>
/// Saves a workload on this host, as a set of CRIU images or in an archive. What would fail is found before the freeze; from there on
/// the workload either runs on, or has ended and is whole on disk.
/// </summary>
internal sealed class CheckpointMaker(VmLooks looks, EngineThreads threads, TimeProvider time)
{
    private static readonly TimeSpan s_freeze = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_thaw = TimeSpan.FromSeconds(20);

    /// <exception cref="EngineException">It could not be saved; the message says where the workload is now.</exception>
    public async Task<EngineReport> SaveAsync(StepKey key, GuestVm vm, WorkloadId workload, CheckpointOptions options, CancellationToken cancellationToken)
    {
        if (!options.LeaveRunning) await RefuseRestartedAsync(vm, workload, cancellationToken);
        await using VmLook? look = options.Form == CheckpointForm.Archive ? await looks.OpenAsync(vm.Name, cancellationToken) : null;
        return await threads.RunAsync(
            () =>
            {
                try
                {
                    return Save(key, vm, workload, options, look);
                }
                catch (Exception e) when (RunsOn(Failures.Explain(vm.Name, e) ?? e as EngineException))
                {
                    EngineException explained = Failures.Explain(vm.Name, e) ?? (EngineException)e;
                    throw new EngineException(explained.Kind, $"{explained.Message} {Named(workload)} runs on in VM '{vm.Name}'.", e);
                }
            },
            cancellationToken);
    }

    /// <summary>It would run anew a moment after it was saved and killed, beside what was saved.</summary>
    private async Task RefuseRestartedAsync(GuestVm vm, WorkloadId workload, CancellationToken cancellationToken)
    {
        if (workload.Container is not { } id) return;
        RestartPolicy? policy = null;
        try
        {
            policy = await looks.TakeAsync(vm.Name, look => look.Inventory().Containers.FirstOrDefault(found => found.Id == id)?.Record?.RestartPolicy, cancellationToken);
        }
        catch (EngineException)
        {
            // What its engine has written cannot be read: for images alone it need not be.
        }

        if (policy is { Restarts: true } restarts)
            throw new EngineException(FailureKind.Refused, $"Container '{id}' in VM '{vm.Name}' has the restart policy '{restarts.Name}', by which it would be started again as soon as it ends: save it with --leave-running, or take the policy away. It runs on.");
    }

    /// <summary>Failures after which the workload is where it was.</summary>
    private static bool RunsOn(EngineException? failure) =>
        failure is { Kind: FailureKind.Refused or FailureKind.SaveFailed or FailureKind.TimedOut } or { Kind: FailureKind.Internal, InnerException: not FreezeException };

    /// <param name="look">Of the VM, for an archive.</param>
    private EngineReport Save(StepKey key, GuestVm vm, WorkloadId workload, CheckpointOptions options, VmLook? look)
    {
        var target = Target.Find(vm, workload);
        OutsideFreezer freezer = vm.Freezer();
        var clock = new PhaseClock(time);
        ImmutableArray<ObjectVerdict> objections = Judge(vm, target);
        using ICheckpointOutput output = look is null
            ? CheckpointDirectory.Prepare(options.Path, key.Job)
            : CheckpointFile.Prepare(options, key.Job, SavedFiles.Find(look, workload, options), time.GetUtcNow());
        ulong foreseen = ContainerCapture.Rehearse(vm.Kernel(), target.Tasks);
        output.RequireRoom(foreseen);
        using var staged = new StagedContainer((long)foreseen);
        clock.Lap("plan");

        FrozenTasks frozen = freezer.FreezeAndHold(target.Tasks, s_freeze, out StillGuest still);
        clock.Lap("freezing");
        CriuImageSet images;
        try
        {
            Read(vm, frozen, still, staged);
            clock.Lap("memdump");
            output.TakeFiles();
            if (look is not null) clock.Lap("files");
            images = CriuImageBuilder.Build(staged.Complete(), staged, CriuImageOptions.Default);
            if (!options.LeaveRunning) Write(output, images, staged, clock);
        }
        catch
        {
            freezer.Thaw(frozen, s_thaw);
            throw;
        }

        if (options.LeaveRunning)
        {
            freezer.Thaw(frozen, s_thaw);
            clock.Lap("thaw");
            Write(output, images, staged, clock);
        }
        else
        {
            Kill(freezer, frozen, options.Path);
            clock.Lap("kill");
        }

        return new EngineReport([.. clock.Phases], Count(images), objections);
    }

    private static ImmutableArray<ObjectVerdict> Judge(GuestVm vm, Target target)
    {
        using var still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
        ImmutableArray<Verdict> verdicts = ContainerCapture.Judge(still, target.Tasks);
        return verdicts.Any(verdict => verdict.Kind == VerdictKind.Refused) ? throw new CheckpointRefusedException(verdicts) : [.. verdicts.Select(verdict => verdict.ForReport())];
    }

    private static void Read(GuestVm vm, FrozenTasks frozen, StillGuest still, StagedContainer staged)
    {
        using (still) staged.Begin(ContainerCapture.Capture(still, frozen), new GuestPageContents(still.Kernel.Memory));
        new FrozenPageReader(vm.Kernel(), vm.Cpus).Read(frozen, staged.Fills, staged, CancellationToken.None);
    }

    private static void Write(ICheckpointOutput output, CriuImageSet images, StagedContainer staged, PhaseClock clock)
    {
        output.Write(images, staged, clock.Phases);
        clock.Lap("memwrite");
    }

    /// <summary>The images are on disk: the workload ends without having run again.</summary>
    private static void Kill(OutsideFreezer freezer, FrozenTasks frozen, string path)
    {
        try
        {
            freezer.Kill(frozen, s_thaw);
        }
        catch (FreezeException e)
        {
            if (e.Failure == FreezeFailure.Unsupported) freezer.Thaw(frozen, s_thaw);
            throw new EngineException(FailureKind.Internal, $"All is saved in '{path}', but the end of what was saved was not seen: {e.Message}", e);
        }
    }

    /// <summary>Pages as they are on disk; which of them hold only zeroes nobody has looked at.</summary>
    private static TransferStatistics Count(CriuImageSet images) =>
        new((long)images.PageBytes, (long)images.PageBytes, (long)(images.PageBytes / PageRun.PageSize), 0, 0);

    private static string Named(WorkloadId workload) => workload.Container is { } id ? $"Container '{id}'" : $"Process {workload.Pid}";
}
