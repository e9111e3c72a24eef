using System.Diagnostics;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>A test with two hosts: its own, which end with it, or some that it shares. If it fails, what the silos said meanwhile is told with it.</summary>
/// <param name="shared">Hosts that outlive it.</param>
public abstract class MigrationTest(TwoHosts? shared = null) : IAsyncDisposable
{
    private readonly List<TwoHosts> _own = [];
    private readonly List<Action> _then = [];
    private readonly int _heard = shared?.Processes.Log.Count() ?? 0;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts two hosts for this test alone.</summary>
    protected async Task<TwoHosts> StartHostsAsync(TwoHostsOptions? options = null)
    {
        TwoHosts hosts = await TwoHosts.StartAsync(options, Cancellation);
        _own.Add(hosts);
        return hosts;
    }

    /// <summary>Runs <c>watari</c> to its end, which may take as long as podman in two emulated guests.</summary>
    protected static async Task<Run> RunPatientlyAsync(TwoHosts hosts, params string[] args)
    {
        using Process watari = hosts.Processes.StartWatari(args);
        return await WatariProcesses.EndAsync(watari, TimeSpan.FromMinutes(6));
    }

    /// <summary>To be done when the test and its hosts have ended.</summary>
    protected void OnDispose(Action then) => _then.Add(then);

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            IEnumerable<string> said = [.. shared?.Processes.Log.Skip(_heard) ?? [], .. _own.SelectMany(hosts => hosts.Processes.Log)];
            TestContext.Current.TestOutputHelper!.WriteLine($"The silos said:\n{string.Join('\n', said)}");
        }

        foreach (TwoHosts hosts in _own) await hosts.DisposeAsync();
        foreach (Action then in _then) then();
        GC.SuppressFinalize(this);
    }
}
