using System.Text.Json.Nodes;
using Watari.Guests;
using Watari.Processes;
using Watari.SystemTests.Containers;

namespace Watari.SystemTests.Inventory;

/// <summary>A host with a silo, and a guest with one engine's containers in each state, whose agent does not run.</summary>
public abstract class InventoryHost : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private WatariProcesses? _processes;
    private Guest? _guest;

    /// <summary>docker or podman.</summary>
    public abstract string Engine { get; }

    protected abstract string Suite { get; }

    public Guest Guest => _guest!;

    public async ValueTask InitializeAsync()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        _processes = new WatariProcesses("watari-silo");
        _guest = await Guest.StartAsync(
            new GuestOptions { Name = "vm-a", Host = "host-a", Suite = Suite, Setup = EngineContainers.Setup(Engine), MemoryMiB = EngineContainers.MemoryMiB, RunDirectory = _processes.RunDirectory }, cancellation);
        await InAsync("kill -STOP $(pidof watari-agent)");
        await _processes.StartSiloAsync("host-a");
    }

    public async ValueTask DisposeAsync()
    {
        if (_processes is not null) await _processes.EndSilosAsync();
        if (_guest is not null) await _guest.DisposeAsync();
        if (_processes is not null) await _processes.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    public Task<string> InAsync(string command) => _guest!.Console.CheckAsync(command, s_patience, TestContext.Current.CancellationToken);

    /// <summary>Runs <c>watari</c> to its end.</summary>
    public Task<Run> WatariAsync(params string[] args) => _processes!.WatariAsync(args);

    /// <summary>What <c>watari</c> prints as JSON, without a complaint.</summary>
    public async Task<JsonObject[]> ListAsync(params string[] args)
    {
        Run run = await WatariAsync([.. args, "-o", "json"]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return [.. JsonNode.Parse(run.Out)!.AsArray().Select(item => item!.AsObject())];
    }

    /// <summary>What the engine itself lists.</summary>
    public async Task<JsonObject[]> EngineListAsync()
    {
        string listed = await InAsync(Engine == "docker" ? "docker ps -a --no-trunc --format '{{json .}}'" : "podman ps -a --format json");
        return Engine == "docker"
            ? [.. listed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!.AsObject())]
            : [.. JsonNode.Parse(listed)!.AsArray().Select(row => row!.AsObject())];
    }
}

public sealed class Docker26Host : InventoryHost
{
    public override string Engine => "docker";

    protected override string Suite => "trixie";
}

public sealed class Docker20Host : InventoryHost
{
    public override string Engine => "docker";

    protected override string Suite => "bookworm";
}

public sealed class Podman5Host : InventoryHost
{
    public override string Engine => "podman";

    protected override string Suite => "trixie";
}

public sealed class Podman4Host : InventoryHost
{
    public override string Engine => "podman";

    protected override string Suite => "bookworm";
}
