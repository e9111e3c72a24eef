using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Migrations;

namespace Watari.Grains.Jobs;

/// <summary>Undoes what a job has left behind on a host, in a newer epoch of it.</summary>
internal sealed class Undo(EngineCalls engines)
{
    /// <summary>How long one call looks at it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private int _attempt;

    /// <param name="vm">Where it was left.</param>
    /// <param name="command">What undoes it, under the key that it is given.</param>
    /// <returns>True: it is undone, or the VM is gone with it. False: that is still at work.</returns>
    /// <exception cref="EngineException">It cannot be, and is tried again when somebody asks next.</exception>
    public async Task<bool> TryAsync(IHostGrain host, VmId vm, string job, Epoch epoch, Func<StepKey, EngineCommand> command)
    {
        try
        {
            var key = new StepKey(job, epoch, _attempt == 0 ? "undo" : $"undo.{_attempt + 1}");
            return (await host.ExecuteAsync(command(key), Patience)).Finished;
        }
        catch (EngineException e) when (e.Kind != FailureKind.HostLost)
        {
            // It would answer so for ever: the next attempt has a key of its own.
            _attempt++;
            bool gone = e.Kind == FailureKind.WorkloadLost
                || (e.Kind is FailureKind.VmLost or FailureKind.NotFound && await engines.IsGoneAsync(vm, CancellationToken.None));
            if (!gone) throw;
            return true;
        }
    }
}
