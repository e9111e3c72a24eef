using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Watari.Containers;
using Watari.Containers.Files;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.SystemTests.Introspection;

namespace Watari.SystemTests.Containers;

/// <summary>A guest with one engine's containers in each state, and its files and kernel as they are read from outside.</summary>
public abstract class EngineGuest : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private Guest? _guest;
    private VirtualMachine? _vm;
    private DiskExport? _export;
    private NbdDiskImage? _disk;

    /// <summary>docker or podman.</summary>
    public abstract string Engine { get; }

    protected abstract string Suite { get; }

    public GuestKernel Kernel { get; private set; } = null!;

    /// <summary>The guest's disk, as QEMU has it.</summary>
    public IReadOnlyList<IDiskImage> Volumes { get; private set; } = null!;

    public VirtualMachine Vm => _vm!;

    public async ValueTask InitializeAsync()
    {
        _guest = await Guest.StartAsync(new GuestOptions { Name = Engine, Suite = Suite, Setup = EngineContainers.Setup(Engine), MemoryMiB = EngineContainers.MemoryMiB }, TestContext.Current.CancellationToken);
        _vm = await _guest.AttachAsync(TestContext.Current.CancellationToken);
        Kernel = GuestKernel.Attach(GuestMemoryOf.Vm(_vm));
        _export = await DiskExport.StartAsync(_vm.Qmp, Path.Combine(_guest.Directory.DirectoryPath, "disks.sock"), TestContext.Current.CancellationToken);
        _disk = NbdDiskImage.Connect(_export.SocketPath, Assert.Single(_export.Disks).NodeName);
        Volumes = [.. Watari.Disk.Images.Volumes.Of(_disk)];
        // The first look finds the kernel's types, which others do not do again.
        _ = Inventory();
    }

    public async ValueTask DisposeAsync()
    {
        _disk?.Dispose();
        if (_export is not null) await _export.DisposeAsync();
        if (_vm is not null) await _vm.DisposeAsync();
        if (_guest is not null) await _guest.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    public Task<string> InAsync(string command) => _guest!.Console.CheckAsync(command, s_patience, TestContext.Current.CancellationToken);

    /// <summary>The guest's files as its kernel sees them.</summary>
    public IFileSystem Files() => GuestFiles.Of(Kernel, Volumes);

    public ContainerInventory Inventory(bool withSizes = false) => ContainerInventory.Read(Files, Kernel, withSizes);

    /// <summary>What the engine lists, and between which moments of the guest's clock it did.</summary>
    public async Task<(IReadOnlyList<JsonObject> Rows, DateTimeOffset From, DateTimeOffset To)> ListAsync(string command)
    {
        string[] lines = (await InAsync($"date +%s.%N; {command}; date +%s.%N")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string json = string.Join('\n', lines[1..^1]);
        JsonObject[] rows = json.StartsWith('[')
            ? [.. JsonNode.Parse(json)!.AsArray().Select(row => row!.AsObject())]
            : [.. lines[1..^1].Select(line => JsonNode.Parse(line)!.AsObject())];
        return (rows, Moment(lines[0]), Moment(lines[^1]));
    }

    /// <summary>
    /// Each field that the engine lists of each container is the same from outside; one that tells how long something is ago, for one of the
    /// seconds in which the engine listed it.
    /// </summary>
    /// <param name="listed">By <see cref="ListAsync"/>.</param>
    /// <param name="ours">The same from outside, as seen at a moment of the guest's clock.</param>
    /// <param name="idField">What tells which container it is.</param>
    /// <param name="notRead">Fields that are not read from outside.</param>
    public static void AssertSame<T>(
        (IReadOnlyList<JsonObject> Rows, DateTimeOffset From, DateTimeOffset To) listed, Func<DateTimeOffset, IEnumerable<T>> ours, string idField, params string[] notRead)
    {
        List<JsonObject> seen = [.. Seconds(listed.From, listed.To).SelectMany(now => ours(now).Select(row => JsonSerializer.SerializeToNode(row)!.AsObject()))];
        Assert.Equal(listed.Rows.Select(row => (string)row[idField]!).Order(StringComparer.Ordinal), seen.Select(row => (string)row[idField]!).Distinct().Order(StringComparer.Ordinal));
        foreach (JsonObject theirs in listed.Rows)
        {
            JsonObject[] same = [.. seen.Where(row => (string)row[idField]! == (string)theirs[idField]!)];
            foreach ((string field, JsonNode? value) in theirs)
            {
                if (notRead.Contains(field)) continue;
                Assert.True(same.Any(row => row.ContainsKey(field) && JsonNode.DeepEquals(Ordered(field, row[field]), Ordered(field, value))),
                    $"{theirs["Names"]}: {field} is {value?.ToJsonString() ?? "null"}, from outside {string.Join(" or ", same.Select(row => row.ContainsKey(field) ? row[field]?.ToJsonString() ?? "null" : "missing").Distinct())}");
            }
        }
    }

    /// <summary>Docker lists what is in a map in no order.</summary>
    private static JsonNode? Ordered(string field, JsonNode? value) => field is "Labels" or "Mounts" or "Networks" && value is JsonValue text && text.TryGetValue(out string? list)
        ? string.Join(',', list.Split(',').Order(StringComparer.Ordinal))
        : value;

    private static IEnumerable<DateTimeOffset> Seconds(DateTimeOffset from, DateTimeOffset to)
    {
        for (DateTimeOffset now = from; now < to; now += TimeSpan.FromSeconds(0.25)) yield return now;
        yield return to;
    }

    private static DateTimeOffset Moment(string seconds) => DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture));
}

[CollectionDefinition(nameof(Docker26Guest))]
public sealed class Docker26Guest : EngineGuest, ICollectionFixture<Docker26Guest>
{
    public override string Engine => "docker";

    protected override string Suite => "trixie";
}

[CollectionDefinition(nameof(Docker20Guest))]
public sealed class Docker20Guest : EngineGuest, ICollectionFixture<Docker20Guest>
{
    public override string Engine => "docker";

    protected override string Suite => "bookworm";
}

[CollectionDefinition(nameof(Podman5Guest))]
public sealed class Podman5Guest : EngineGuest, ICollectionFixture<Podman5Guest>
{
    public override string Engine => "podman";

    protected override string Suite => "trixie";
}

[CollectionDefinition(nameof(Podman4Guest))]
public sealed class Podman4Guest : EngineGuest, ICollectionFixture<Podman4Guest>
{
    public override string Engine => "podman";

    protected override string Suite => "bookworm";
}
