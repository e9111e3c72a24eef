using Watari.Processes;

namespace Watari.Guests;

/// <summary>What kind of hosts a test wants.</summary>
public sealed record TwoHostsOptions
{
    /// <summary>The guest of host-a; its name and place are the fixture's.</summary>
    public GuestOptions GuestA { get; init; } = new();

    /// <summary>The guest of host-b.</summary>
    public GuestOptions GuestB { get; init; } = new();

    /// <summary>The folder of the programs, as <c>make build</c> leaves it; null: those beside the caller's.</summary>
    public string? Programs { get; init; }

    /// <summary>Fault points to arm in both silos.</summary>
    public string Faults { get; init; } = "";

    /// <summary>Runs after the guests have started and before a silo has seen them.</summary>
    public Func<TestHost, TestHost, Task> BeforeSilos { get; init; } = (_, _) => Task.CompletedTask;
}

/// <summary>
/// Two hosts on this machine, host-a with vm-a and host-b with vm-b: each a silo in a process of its own and a booted guest. They meet
/// in one SQLite file, in directories that are gone with them.
/// <code>
/// await using TwoHosts hosts = await TwoHosts.StartAsync();
/// await hosts.A.Containers.RunAsync("redis");
/// Run migrated = await hosts.WatariAsync("migrate", "redis", "--to", "vm-b");
/// </code>
/// </summary>
public sealed class TwoHosts : IAsyncDisposable
{
    private TwoHosts(WatariProcesses processes, TestHost a, TestHost b)
    {
        Processes = processes;
        A = a;
        B = b;
    }

    /// <summary>Silos and consoles.</summary>
    public WatariProcesses Processes { get; }

    public TestHost A { get; }

    public TestHost B { get; }

    public static async Task<TwoHosts> StartAsync(TwoHostsOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new TwoHostsOptions();
        var processes = new WatariProcesses("watari-silo", options.Programs);
        List<Guest> guests = [];
        try
        {
            guests.Add(await StartGuestAsync(processes, options.GuestA, "a", cancellation));
            guests.Add(await StartGuestAsync(processes, options.GuestB, "b", cancellation));
            var hosts = new TwoHosts(processes, new TestHost(processes, "host-a", guests[0]), new TestHost(processes, "host-b", guests[1]));
            await options.BeforeSilos(hosts.A, hosts.B);
            await Task.WhenAll(hosts.A.StartSiloAsync(options.Faults), hosts.B.StartSiloAsync(options.Faults));
            return hosts;
        }
        catch
        {
            foreach (Guest guest in guests) await guest.DisposeAsync();
            await processes.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs <c>watari</c> to its end.</summary>
    public Task<Run> WatariAsync(params string[] args) => Processes.WatariAsync(args);

    public async ValueTask DisposeAsync()
    {
        // The silos first: they have the guests' memory mapped. Their directories last: the guests' are in them.
        await Processes.EndSilosAsync();
        await A.DisposeAsync();
        await B.DisposeAsync();
        await Processes.DisposeAsync();
    }

    private static Task<Guest> StartGuestAsync(WatariProcesses processes, GuestOptions options, string letter, CancellationToken cancellation) =>
        Guest.StartAsync(options with { Name = $"vm-{letter}", Host = $"host-{letter}", RunDirectory = processes.RunDirectory }, cancellation);
}
