using Watari.Checkpoint.Archives;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Migration;
using Watari.Silo.Engine.Vms;
using PodmanContainer = Watari.GuestAgent.Protocol.PodmanContainer;

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

    /// <exception cref="EngineException">It is not restored; nothing of it is left in the VM.</exception>
    public async Task<EngineReport> RestoreAsync(StepKey key, GuestVm vm, ArchiveRestore options, CancellationToken cancellationToken)
    {
        var clock = new PhaseClock(time);
        using FileStream file = Open(options.Path);
        CheckpointArchive archive = await threads.RunAsync(() => Read(file, options.Path, cancellationToken), cancellationToken);
        clock.Lap("read");

        (PodmanContainer container, RestoreArchiveOptions how) = Accept(archive, file.Length, options);
        await vm.MustRunAsync(cancellationToken);
        GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
        GuestDescription guest = await agent.DescribeAsync(s_quick, cancellationToken);
        if (!guest.Agent.Features.Contains("check-podman"))
            throw new EngineException(FailureKind.Refused, $"The agent of VM '{vm.Name}' ({guest.Agent.AgentVersion}) is too old to restore archives: put the newer one there, or choose another VM.");
        try
        {
            await agent.PreparePodmanAsync(key.AgentStep("prepare"), container, archive.ImageBytes + Overhead, s_check, cancellationToken);
            clock.Lap("prepare");
            file.Position = 0;
            await agent.PutArchiveAsync(key.AgentStep("archive"), file, s_send, cancellationToken);
            clock.Lap("send");
            RestoreArchiveResult restored = await agent.RestoreArchiveAsync(key.AgentStep(), how, s_restore, cancellationToken);
            clock.Lap("restore");
            await agent.ReleaseAsync(key.AgentStep("release"), s_quick, cancellationToken);
            return new EngineReport([.. clock.Phases], Container: restored.Container.ToString());
        }
        catch (AgentException)
        {
            await agent.DestroyAsync(key.AgentStep("destroy"), null, s_quick, CancellationToken.None);
            throw;
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EngineException(FailureKind.NotFound, $"There is no archive '{path}' on this host.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new EngineException(FailureKind.Refused, $"'{path}' cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
    }

    private static CheckpointArchive Read(FileStream file, string path, CancellationToken cancellationToken)
    {
        try
        {
            return CheckpointArchive.Read(file, ArchiveLimits.Default, cancellationToken);
        }
        catch (IOException e)
        {
            throw new EngineException(FailureKind.Refused, $"'{path}' cannot be restored: {e.Message.TrimEnd('.')}. Nothing was touched.", e);
        }
    }

    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: it is no container of podman's, or bears names that podman has not.</exception>
    private static (PodmanContainer Container, RestoreArchiveOptions How) Accept(CheckpointArchive archive, long packed, ArchiveRestore options)
    {
        ArchivedContainer container = archive.Container;
        if (container.Manager != ArchivedContainer.Libpod)
            throw Refused(options, $"its container is of {(container.Manager is { } manager ? $"'{manager}'" : "Docker, containerd or runc alone")}, and only those of podman are restored from archives");
        // Podman takes all of them, or none.
        bool bringsVolumes = container.NamedVolumes.All(volume => archive.Files.ContainsKey(ArchiveLayout.Volume(volume)));
        return (new PodmanContainer
        {
            Id = options.Name is null ? Named(container.Id) : null,
            Name = Named(options.Name ?? container.Name),
            Volumes = bringsVolumes ? [.. container.NamedVolumes.Select(Named)] : [],
            // Of each of its two places in the VM, the packed and the unpacked, the mean.
            FileBytes = (packed + archive.Files.Values.Sum()) / 2,
        }, new RestoreArchiveOptions
        {
            IgnoreVolumes = !bringsVolumes,
            TcpEstablished = archive.Files.Keys.Any(path => path.StartsWith($"{ArchiveLayout.Images}/tcp-stream-", StringComparison.Ordinal)),
            // Two words of magic: none is held.
            FileLocks = archive.Files.GetValueOrDefault($"{ArchiveLayout.Images}/filelocks.img") > 2 * sizeof(uint),
        });

        ContainerId Named(string text) => ContainerId.TryParse(text, out ContainerId id) ? id : throw Refused(options, $"'{text}' is no name that podman takes");
    }

    private static EngineException Refused(ArchiveRestore options, string why) => new(FailureKind.Refused, $"'{options.Path}' cannot be restored: {why}. Nothing was touched.");
}
