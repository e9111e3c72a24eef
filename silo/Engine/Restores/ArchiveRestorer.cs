using Watari.Checkpoint.Archives;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Vms;
using ManagedContainer = Watari.GuestAgent.Protocol.ManagedContainer;

namespace Watari.Silo.Engine.Restores;

/// <summary>
/// Restores a container of podman's out of an archive. The host reads the archive from end to end before anything is touched, and carries
/// it into the VM; there podman itself makes the container of it. So it is podman's from its first moment: its name, image, volumes, log
/// and the files that it had changed are as podman keeps them, which no container that is built beside podman could become.
/// </summary>
internal sealed class ArchiveRestorer(EngineThreads threads, TimeProvider time)
{
    private static readonly TimeSpan s_check = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_quick = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_send = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_restore = TimeSpan.FromMinutes(5);

    /// <summary>Beyond the container's memory: what podman, runc and criu need while they restore.</summary>
    private const long Overhead = 96L << 20;

    /// <param name="promise">Is told how many bytes of the VM's memory the restore takes, and says how many have been promised to others.</param>
    /// <exception cref="EngineException">It is not restored; nothing of it is left in the VM.</exception>
    public async Task<EngineReport> RestoreAsync(StepKey key, GuestVm vm, ArchiveRestore options, Func<long, long> promise, CancellationToken cancellationToken)
    {
        var clock = new PhaseClock(time);
        (FileStream file, CheckpointArchive archive) = await threads.RunAsync(() => Read(options.Path, cancellationToken), cancellationToken);
        using FileStream opened = file;
        clock.Lap("read");

        (ManagedContainer container, RestoreArchiveOptions how) = Accept(archive, file.Length, options);
        await vm.MustRunAsync(cancellationToken);
        GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
        GuestDescription guest = await agent.DescribeAsync(s_quick, cancellationToken);
        if (!guest.Agent.Features.Contains("check-managed"))
            throw new EngineException(FailureKind.Refused, $"The agent of VM '{vm.Name}' ({guest.Agent.AgentVersion}) is too old to restore archives: put the newer one there, or choose another VM.");
        RestoreArchiveResult restored;
        try
        {
            await PrepareAsync(agent, key, container, archive.ImageBytes + Overhead, promise, cancellationToken);
            clock.Lap("prepare");
            file.Position = 0;
            await agent.PutArchiveAsync(key.AgentStep("archive"), file, s_send, cancellationToken);
            clock.Lap("send");
            restored = await agent.RestoreArchiveAsync(key.AgentStep(), how, s_restore, cancellationToken);
            clock.Lap("restore");
        }
        catch (AgentException)
        {
            await agent.DestroyAsync(key.AgentStep("destroy"), null, s_quick, CancellationToken.None);
            throw;
        }

        ObjectVerdict? note = await ReleaseAsync(agent, key, vm);
        return new EngineReport([.. clock.Phases], Objections: note is null ? null : [note], Container: restored.Container.ToString());
    }

    private static async Task PrepareAsync(GuestAgentClient agent, StepKey key, ManagedContainer container, long bytes, Func<long, long> promise, CancellationToken cancellationToken)
    {
        long promised = promise(bytes);
        try
        {
            await agent.PrepareManagedAsync(key.AgentStep("prepare"), container, bytes + promised, s_check, cancellationToken);
        }
        catch (AgentException e) when (e.Code == AgentErrorCode.NotEnoughMemory && promised > 0)
        {
            throw new EngineException(FailureKind.Refused, $"{e.Message} {promised >> 20} MiB of that are promised to containers on their way into it.", e);
        }
    }

    /// <summary>The container runs: what is not let go of is a note, and no reason to call it failed.</summary>
    private static async Task<ObjectVerdict?> ReleaseAsync(GuestAgentClient agent, StepKey key, GuestVm vm)
    {
        try
        {
            await agent.ReleaseAsync(key.AgentStep("release"), s_quick, CancellationToken.None);
            return null;
        }
        catch (Exception e) when (e is AgentException or AgentLostException)
        {
            if (e is AgentLostException) await vm.DropAgentAsync();
            return new ObjectVerdict(VerdictKind.CarriedWithHelp, $"VM '{vm.Name}'", $"the copy of the archive that was carried into it may still take room on its disk: {e.Message}");
        }
    }

    /// <summary>Opens the archive, and reads it from end to end. Blocks: for the engine's threads.</summary>
    /// <exception cref="EngineException">There is none, or it is not whole.</exception>
    internal static (FileStream File, CheckpointArchive Archive) Read(string path, CancellationToken cancellationToken)
    {
        FileStream file = Open(path);
        try
        {
            return (file, CheckpointArchive.Read(file, ArchiveLimits.Default, cancellationToken));
        }
        catch (IOException e)
        {
            file.Dispose();
            throw new EngineException(FailureKind.Refused, $"'{path}' cannot be restored: {e.Message.TrimEnd('.')}. Nothing was touched.", e);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return RegularFiles.Open(path);
        }
        catch (FileNotFoundException e)
        {
            throw new EngineException(FailureKind.NotFound, $"There is no archive '{path}' on this host.", e);
        }
        catch (IOException e)
        {
            throw new EngineException(FailureKind.Refused, $"'{path}' cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: it is no container of podman's, bears names that podman has not, or is without its volumes.</exception>
    internal static (ManagedContainer Container, RestoreArchiveOptions How) Accept(CheckpointArchive archive, long packed, ArchiveRestore options)
    {
        ArchivedContainer container = archive.Container;
        if (container.Manager != ArchivedContainer.Libpod)
            throw Refused(options, $"its container is of {(container.Manager is { } manager ? $"'{manager}'" : "Docker, containerd or runc alone")}, and only those of podman are restored from archives");
        string[] missing = [.. container.NamedVolumes.Where(volume => !archive.Files.ContainsKey(ArchiveLayout.Volume(volume)))];
        // Podman takes all of them, or none.
        if (missing.Length > 0 && !options.IgnoreVolumes)
            throw Refused(options, $"it is without what is in its volumes ({string.Join(", ", missing.Select(Named))}); --ignore-volumes restores it with those that the VM has, or with empty ones");
        return (new ManagedContainer
        {
            Engine = ContainerEngine.Podman,
            Id = options.Name is null ? Named(container.Id) : null,
            Name = Named(options.Name ?? container.Name),
            Volumes = options.IgnoreVolumes ? [] : [.. container.NamedVolumes.Select(Named)],
            // Of each of its two places in the VM, the packed and the unpacked, the mean.
            FileBytes = (packed + archive.Files.Values.Sum()) / 2,
        }, new RestoreArchiveOptions
        {
            IgnoreVolumes = options.IgnoreVolumes,
            TcpEstablished = archive.Files.Keys.Any(path => path.StartsWith($"{ArchiveLayout.Images}/tcp-stream-", StringComparison.Ordinal)),
            // Two words of magic: none is held.
            FileLocks = archive.Files.GetValueOrDefault($"{ArchiveLayout.Images}/filelocks.img") > 2 * sizeof(uint),
        });

        ContainerId Named(string text) => ContainerId.TryParse(text, out ContainerId id) ? id : throw Refused(options, $"'{text}' is no name that podman takes");
    }

    private static EngineException Refused(ArchiveRestore options, string why) => new(FailureKind.Refused, $"'{options.Path}' cannot be restored: {why}. Nothing was touched.");
}
