using System.Collections.Immutable;
using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Capture.Namespaces;
using Watari.Checkpoint.Capture.Processes;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Skeleton;
using Watari.Checkpoint.Verdicts;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.Checkpoint.Capture;

/// <summary>A container out of a guest's memory. Nothing in the guest runs for it or knows of it.</summary>
public static class ContainerCapture
{
    /// <summary>The container as it stands. Contents of its pages lie where its runs say, for as long as it is frozen.</summary>
    /// <param name="guest">The guest, paused for as long as one looks.</param>
    /// <param name="frozen">Proof that the container's tasks stand still; looked at once more.</param>
    /// <exception cref="CheckpointRefusedException">It has something that cannot be carried.</exception>
    /// <exception cref="FreezeException">Its tasks are no longer the same, or not frozen.</exception>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public static Container Capture(StillGuest guest, FrozenTasks frozen)
    {
        ArgumentNullException.ThrowIfNull(guest);
        ArgumentNullException.ThrowIfNull(frozen);
        frozen.Revalidate(guest);
        (Container container, ImmutableArray<Verdict> verdicts) =
            Walk(guest.Kernel, frozen.Selection.Processes(guest.Kernel), scope => FileCapture.Begin(guest, scope), frozen: true);
        return verdicts.Any(verdict => verdict.Kind == VerdictKind.Refused) ? throw new CheckpointRefusedException(verdicts) : container;
    }

    /// <summary>
    /// What a capture would refuse or need help for, while the container runs; the guest is only paused for the look.
    /// Empty: all of it is carried.
    /// </summary>
    /// <exception cref="FreezeException">There is no such container.</exception>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public static ImmutableArray<Verdict> Judge(StillGuest guest, TaskSelection selection)
    {
        ArgumentNullException.ThrowIfNull(guest);
        ArgumentNullException.ThrowIfNull(selection);
        // One that has given up its memory is on its way out: it is gone in a moment, and nothing of it would be carried.
        TaskStruct[] processes = [.. selection.Processes(guest.Kernel).Where(process => process.ExitState != 0 || process.Mm.TryGet(out _))];
        return processes.Any(process => process.ExitState == 0)
            ? Walk(guest.Kernel, processes, scope => FileCapture.Begin(guest, scope), frozen: false).Verdicts
            : throw new FreezeException(FreezeFailure.NoTasks, $"There are no tasks in {selection}: the container has ended, or never ran in this VM.");
    }

    /// <summary>
    /// Goes the whole way once beside the running container, for nothing: the first way through a program costs hundreds of
    /// milliseconds of compilation, which a frozen container or a paused guest should not pay. What is found is thrown away,
    /// and may be torn.
    /// </summary>
    /// <returns>About how many bytes of contents its images will have; 0 where the view tore.</returns>
    public static ulong Rehearse(GuestKernel kernel, TaskSelection selection)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(selection);
        try
        {
            kernel = kernel.BeginLook();
            IReadOnlyList<TaskStruct> processes = selection.Processes(kernel);
            Container container = Walk(kernel, processes, FileCapture.Look, frozen: false).Container;
            SkeletonBuilder.Build(container with { Tmpfs = [], GhostFiles = [] }, new GuestPageContents(kernel.Memory), CriuImageOptions.Default);
            return container.ContentBytes;
        }
        catch (Exception torn) when (torn is not OutOfMemoryException)
        {
            // A guest that runs can look like anything; when it is looked at in earnest it stands still.
            return 0;
        }
    }

    private static (Container Container, ImmutableArray<Verdict> Verdicts) Walk(
        GuestKernel kernel, IReadOnlyList<TaskStruct> processes, Func<FileScope, FileCapture> begin, bool frozen)
    {
        TaskStruct[] living = [.. processes.Where(process => process.ExitState == 0)];
        if (living.Length == 0)
            throw new FreezeException(FreezeFailure.NoTasks, "The first thread of each process has ended: there is nothing that could be carried.");
        TaskStruct first = living[0];
        FileScope scope = FileScope.Of(living, GuestClocks.Read(kernel));
        FileCapture files = begin(scope);
        var context = new CaptureContext(kernel, scope, files, processes.Select(process => process.Tgid).ToHashSet(), frozen);
        TaskVerdicts.Judge(processes, context);

        var capture = new ProcessCapture(context);
        ImmutableArray<Process> captured = [.. processes.Select(capture.Capture)];
        CapturedFiles open = files.Complete();
        NsProxy namespaces = first.Nsproxy.Value;
        NamespaceSet host = context.HostNamespaces;
        NamespaceSet own = NamespaceCapture.Of(first);
        var mounts = new MountCapture(first.Fs.Value.Root, context);
        MntNamespace mountSpace = namespaces.MntNs.Value;
        bool ownMounts = own.Mnt != host.Mnt;

        var container = new Container
        {
            Processes = captured,
            Files = open.Files,
            DescriptorTables = open.DescriptorTables,
            Pipes = open.Pipes,
            Fifos = open.Fifos,
            SharedMemory = open.SharedMemory,
            MemfdInodes = open.MemfdInodes,
            GhostFiles = open.GhostFiles,
            HostNamespaces = host,
            UtsNamespaces = own.Uts != host.Uts ? [NamespaceCapture.Capture(namespaces.UtsNs.Value)] : [],
            IpcNamespaces = own.Ipc != host.Ipc ? [NamespaceCapture.Capture(namespaces.IpcNs.Value)] : [],
            MountNamespaces = ownMounts ? [mounts.Capture(mountSpace)] : [],
            Tmpfs = ownMounts ? mounts.CaptureTmpfs(mountSpace) : [],
            CgroupSets = context.Cgroups.Sets,
            Cgroups = context.Cgroups.Hierarchies(),
            SeccompFilters = context.Seccomp.Filters,
            Clocks = NamespaceCapture.Clocks(first, scope.Clocks),
        };
        return (container, [.. context.Verdicts, .. open.Verdicts]);
    }
}
