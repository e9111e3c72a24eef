using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;

namespace Watari.Grains.Migrations;

/// <summary>
/// Carries a command to a host and waits for its end by short calls under one key, so that a lost answer is asked for again and a
/// silent host is noticed.
/// </summary>
internal sealed partial class EngineCalls(IGrainFactory grains, FaultPoints faults, IOptions<MigrationOptions> options, ILogger<EngineCalls> logger)
{
    private readonly MigrationOptions _options = options.Value;

    /// <param name="attempt">Part of the key from the second attempt on: an engine answers a key with its first outcome for ever.</param>
    /// <exception cref="EngineException">The command failed.</exception>
    /// <exception cref="UnansweredException">It took too long, or its host is silent: it may still run.</exception>
    /// <exception cref="OperationCanceledException">The caller does not wait any more; the command may still run.</exception>
    public async Task<MigrationJob> RunAsync(MigrationJob job, Step step, int attempt, Action<TransferStatistics> progress, CancellationToken cancellationToken)
    {
        await faults.HitAsync(FaultPoints.Before(step.Name), cancellationToken);
        var key = new StepKey(job.Id, job.Epoch, attempt == 1 ? step.Name : $"{step.Name}.{attempt}");
        EngineCommand command = step.Command(job, key);
        VmId vm = VmOf(job, step.Side);
        StepAnswer answer = await AskAsync(vm, command, step.Deadline, progress, cancellationToken);
        await faults.HitAsync(FaultPoints.After(step.Name), cancellationToken);
        return step.Apply(job, answer);
    }

    /// <summary>True where the VM's host says, twice, that it runs no such VM or that nothing runs in it any more.</summary>
    public async Task<bool> IsGoneAsync(VmId vm, CancellationToken cancellationToken)
    {
        for (int look = 0; look < 2; look++)
        {
            if (look > 0) await Task.Delay(_options.FirstPause, cancellationToken);
            try
            {
                ImmutableArray<VmDescription> vms = await grains.GetGrain<IHostGrain>(vm.Host).ListVmsAsync(cancellationToken);
                VmDescription? seen = vms.FirstOrDefault(v => v.Id == vm);
                if (seen is not null && seen.Status is not (VmStatus.Shutdown or VmStatus.Panicked or VmStatus.Gone)) return false;
            }
            catch (Exception e) when (e is EngineException || IsSilence(e))
            {
                return false;
            }
        }

        return true;
    }

    public static VmId VmOf(MigrationJob job, Side side) => side == Side.Source ? job.Request.Source : job.Request.Destination;

    private async Task<StepAnswer> AskAsync(VmId vm, EngineCommand command, TimeSpan deadline, Action<TransferStatistics> progress, CancellationToken cancellationToken)
    {
        IHostGrain host = grains.GetGrain<IHostGrain>(vm.Host);
        long started = Stopwatch.GetTimestamp();
        long heard = started;
        while (true)
        {
            try
            {
                StepAnswer answer = await host.ExecuteAsync(command, _options.Patience).WaitAsync(cancellationToken);
                if (answer.Finished) return answer;
                heard = Stopwatch.GetTimestamp();
                if (answer.Progress is { } transfer) progress(transfer);
            }
            catch (Exception e) when (IsSilence(e))
            {
                Silent(e, vm.Host, command.Key);
                if (Stopwatch.GetElapsedTime(heard) > _options.HostSilence)
                {
                    throw new UnansweredException(
                        FailureKind.HostLost,
                        $"Host '{vm.Host}' has not answered step '{command.Key.Step}' for {_options.HostSilence.TotalSeconds:0} s: {(e is EngineException ? e.Message : "look whether its silo runs.")}");
                }

                await Task.Delay(_options.FirstPause, cancellationToken);
            }

            if (Stopwatch.GetElapsedTime(started) > deadline)
            {
                throw new UnansweredException(FailureKind.TimedOut, $"Step '{command.Key.Step}' on {vm} was not done after {deadline.TotalSeconds:0} s.");
            }
        }
    }

    /// <summary>The host's silo is gone, going, or not known yet: its outcome is unknown, and the key makes asking again safe.</summary>
    private static bool IsSilence(Exception e) => e is EngineException { Kind: FailureKind.HostLost } or TimeoutException or OrleansException;

    [LoggerMessage(Level = LogLevel.Debug, Message = "Host {Host} is silent to {Key}")]
    private partial void Silent(Exception e, string host, StepKey key);
}
