using System.Diagnostics;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Commands;

/// <summary>A host with a silo, and a guest with an engine and with its agent, by which containers are stopped and commands run in them.</summary>
public abstract class CommandHost : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private WatariProcesses? _processes;
    private Guest? _guest;

    /// <summary>docker, podman or runc.</summary>
    public abstract string Engine { get; }

    protected abstract string Suite { get; }

    protected virtual string Setup => "";

    public WatariProcesses Processes => _processes!;

    public async ValueTask InitializeAsync()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        _processes = new WatariProcesses("watari-silo");
        _guest = await Guest.StartAsync(
            new GuestOptions { Name = "vm-a", Host = "host-a", Suite = Suite, Setup = Setup, MemoryMiB = 768, RunDirectory = _processes.RunDirectory }, cancellation);
        await _processes.StartSiloAsync("host-a");
    }

    public async ValueTask DisposeAsync()
    {
        if (_processes is not null) await _processes.EndSilosAsync();
        if (_guest is not null) await _guest.DisposeAsync();
        if (_processes is not null) await _processes.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Runs a command in the guest.</summary>
    public Task<string> InAsync(string command) => _guest!.Console.CheckAsync(command, s_patience, TestContext.Current.CancellationToken);

    /// <summary>Starts a container of busybox that runs a script.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="script">For its shell.</param>
    /// <param name="options">More of the engine's.</param>
    public Task RunAsync(string name, string script, string options = "") =>
        InAsync($"{Engine} run -d --name {name} --network none {options} localhost/busybox sh -c '{script}'");

    public Task RemoveAsync(string name) => InAsync($"{Engine} rm -f {name} >/dev/null");

    /// <summary>Runs <c>watari</c> to its end.</summary>
    public Task<Run> WatariAsync(params string[] args) => _processes!.WatariAsync(args);

    /// <summary>The same, with something on its standard input.</summary>
    public async Task<Run> WatariWithInputAsync(string input, params string[] args)
    {
        using Process watari = _processes!.StartWatari(args);
        Task<Run> end = WatariProcesses.EndAsync(watari);
        try
        {
            await watari.StandardInput.WriteAsync(input);
            watari.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without having read all of it.
        }

        return await end;
    }
}

[CollectionDefinition(nameof(Docker26Commands))]
public sealed class Docker26Commands : CommandHost, ICollectionFixture<Docker26Commands>
{
    public override string Engine => "docker";

    protected override string Suite => "trixie";

    protected override string Setup => "watari-docker";
}

[CollectionDefinition(nameof(Docker20Commands))]
public sealed class Docker20Commands : CommandHost, ICollectionFixture<Docker20Commands>
{
    public override string Engine => "docker";

    protected override string Suite => "bookworm";

    protected override string Setup => "watari-docker";
}

[CollectionDefinition(nameof(Podman5Commands))]
public sealed class Podman5Commands : CommandHost, ICollectionFixture<Podman5Commands>
{
    public override string Engine => "podman";

    protected override string Suite => "trixie";
}

[CollectionDefinition(nameof(Podman4Commands))]
public sealed class Podman4Commands : CommandHost, ICollectionFixture<Podman4Commands>
{
    public override string Engine => "podman";

    protected override string Suite => "bookworm";
}

[CollectionDefinition(nameof(RuncCommands))]
public sealed class RuncCommands : CommandHost, ICollectionFixture<RuncCommands>
{
    public override string Engine => "runc";

    protected override string Suite => "trixie";
}
