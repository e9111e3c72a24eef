using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Watari.Containers;
using Watari.Containers.Listing;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.Introspection;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Introspection.Time;

namespace Watari.Silo.Engine.Inventory;

/// <summary>What is told of a VM's containers in all states: what their runtimes have written, and what runs.</summary>
internal static class ContainerList
{
    /// <summary>Characters of all that is told whole: what a message carries, with what is shortened beside it. A guest can make each text long.</summary>
    private const long MaxCharacters = 16 << 20;

    private const int MaxName = 1 << 10, MaxCommand = 4 << 10, MaxProblem = 2 << 10; // characters

    /// <summary>Of the guest's files that could not be read, so many are named.</summary>
    private const int MaxProblems = 20;

    /// <summary>Blocks: for the engine's threads.</summary>
    /// <exception cref="IntrospectionException">The guest's memory cannot be read.</exception>
    public static Listing<ContainerDescription> Describe(VmLook look, bool withSizes)
    {
        ContainerInventory inventory = look.Inventory(withSizes);
        GuestClocks? clocks = Clocks(look);
        DateTimeOffset now = clocks is { } shown ? Time(shown.Realtime) : DateTimeOffset.UtcNow;
        List<string> problems = [.. Problems(look, inventory.Unreadable)];
        ImmutableArray<ContainerDescription>.Builder items = ImmutableArray.CreateBuilder<ContainerDescription>(inventory.Containers.Count);
        long characters = 0;
        int without = 0;
        foreach (FoundContainer found in inventory.Containers)
        {
            ContainerDescription described = Describe(look, look.NothingRuns ? Ended(found) : found with { AliveSince = AliveSince(look, found, clocks) }, now);
            long size = described.Characters();
            if (characters + size > MaxCharacters)
            {
                without++;
                described = described.Shortened();
            }
            else
            {
                characters += size;
            }

            items.Add(described);
        }

        if (without > 0) problems.Add($"{look.Id}: of {without} containers only id, name and state are shown: more than {MaxCharacters} characters are written of all together");
        if (look.IsLate) problems.Add($"{look.Id}: not all is known of what runs: the look at it took too long");
        return new Listing<ContainerDescription>(items.DrainToImmutable(), [.. problems]);
    }

    /// <summary>What could not be looked into, in sentences.</summary>
    internal static IEnumerable<string> Problems(VmLook look, IReadOnlyList<UnreadableFile> unreadable)
    {
        foreach (string note in look.Notes) yield return $"{look.Id}: {note}";
        foreach (UnreadableFile file in unreadable.Take(MaxProblems)) yield return MessageSize.Cut($"{look.Id}: {ShownText.Of(file.Path)} cannot be read: {ShownText.Of(file.Reason)}", MaxProblem);
        if (unreadable.Count > MaxProblems) yield return $"{look.Id}: and {unreadable.Count - MaxProblems} files more cannot be read";
    }

    /// <summary>The guest's, by which its times are counted; null where nothing runs by them, or it stands still while it changes them.</summary>
    private static GuestClocks? Clocks(VmLook look)
    {
        if (look.Kernel is not { } kernel || look.NothingRuns) return null;
        try
        {
            return LiveView.Look(kernel, GuestClocks.Read);
        }
        catch (IntrospectionException)
        {
            return null;
        }
    }

    private static DateTimeOffset? AliveSince(VmLook look, FoundContainer found, GuestClocks? clocks)
    {
        if (clocks is not { } known || found.Live is not { } live || look.IsLate) return null;
        try
        {
            return LiveView.Look(live.Init.Kernel, running => Time(known.Realtime - known.Boottime + (long)live.In(running).Init.StartBoottime));
        }
        catch (IntrospectionException)
        {
            return null; // it has ended since it was found
        }
    }

    private static DateTimeOffset Time(long nanoseconds) => DateTimeOffset.UnixEpoch + ContainerProcesses.Nanoseconds((ulong)Math.Max(0, nanoseconds));

    /// <summary>Of a VM in which nothing runs: what was running has ended with it.</summary>
    private static FoundContainer Ended(FoundContainer found) =>
        found.State is not (ContainerState.Running or ContainerState.Paused or ContainerState.Restarting or ContainerState.Stopping)
            ? found with { RootPid = null }
            : found with { RootPid = null, State = ContainerState.Stopped, Contradiction = $"its record says {found.State.ToString().ToLowerInvariant()}, and nothing runs in its VM" };

    private static ContainerDescription Describe(VmLook look, FoundContainer found, DateTimeOffset now)
    {
        ContainerDescription? live = found.Live is { } running && !look.IsLate ? TryDescribe(running, look.Id) : null;
        ContainerRecord? record = found.Record;
        return new ContainerDescription(
            found.Id,
            MessageSize.Cut(record?.Names is [{ Length: > 0 } name, ..] ? name : found.Id, MaxName),
            look.Id,
            StatusOf(found.State),
            found.Runtime.ToString().ToLowerInvariant(),
            live?.CgroupPath ?? "",
            found.RootPid ?? 0,
            live?.Processes ?? 0,
            live?.Threads ?? 0,
            live?.ResidentBytes ?? 0,
            MessageSize.Cut(live?.Command ?? string.Join(' ', record?.Command ?? []), MaxCommand),
            record is null ? null : DetailsOf(record, found.Started),
            found.Contradiction,
            JsonSerializer.Serialize(DockerPs.Of(found, now), RowJson.Default.DockerPs),
            found.Runtime == ContainerRuntime.Podman ? JsonSerializer.Serialize(PodmanPs.Of(found, now), RowJson.Default.PodmanPs) : null);
    }

    /// <summary>Null where it has ended since it was found, or cannot be seen as a whole.</summary>
    private static ContainerDescription? TryDescribe(GuestContainer running, VmId vm)
    {
        try
        {
            return Containers.Describe(running, vm);
        }
        catch (IntrospectionException)
        {
            return null;
        }
    }

    private static ContainerDetails DetailsOf(ContainerRecord record, DateTimeOffset? started) => new(
        [.. record.Names],
        record.Image,
        record.ImageId,
        [.. record.Command],
        (record.Labels ?? ImmutableDictionary<string, string>.Empty).ToImmutableDictionary(StringComparer.Ordinal),
        record.Created,
        started,
        record.Finished,
        record.ExitCode,
        record.Health,
        record.RestartPolicy.Name,
        record.RestartPolicy.MaximumRetryCount,
        record.RestartCount,
        record.IsAutoRemoved,
        [.. record.Mounts.Select(mount => new MountDescription(mount.Type, mount.Name, mount.Source, mount.Destination, mount.Driver, mount.IsReadOnly))],
        [.. record.Networks],
        [.. record.Ports.Select(port => new PortDescription(port.HostAddress, port.HostPort, port.Port, port.Protocol, port.Count))],
        record.LogPath,
        record.LogDriver,
        record.Overlay is { } overlay ? new OverlayDescription([.. overlay.Lower], overlay.Upper, overlay.Work, overlay.Merged) : null,
        record.Size is { } size ? new SizeDescription(size.Written, size.Root) : null,
        record.Bundle,
        record.OciRuntime,
        record.Pod,
        [.. record.Unreadable.Select(file => $"{ShownText.Of(file.Path)}: {ShownText.Of(file.Reason)}")]);

    private static ContainerStatus StatusOf(ContainerState state) => state switch
    {
        ContainerState.Created => ContainerStatus.Created,
        ContainerState.Initialized => ContainerStatus.Initialized,
        ContainerState.Running => ContainerStatus.Running,
        ContainerState.Paused => ContainerStatus.Paused,
        ContainerState.Restarting => ContainerStatus.Restarting,
        ContainerState.Stopping => ContainerStatus.Stopping,
        ContainerState.Stopped => ContainerStatus.Stopped,
        ContainerState.Exited => ContainerStatus.Exited,
        ContainerState.Removing => ContainerStatus.Removing,
        ContainerState.Dead => ContainerStatus.Dead,
        _ => ContainerStatus.Unknown,
    };
}

/// <summary>Rows as the engines' own commands print them: names and order of the fields are theirs.</summary>
[JsonSerializable(typeof(DockerPs))]
[JsonSerializable(typeof(PodmanPs))]
internal sealed partial class RowJson : JsonSerializerContext;
