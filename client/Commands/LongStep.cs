using System.Diagnostics;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary>A command to one host that takes its time, and which another silo may have to tell the end of.</summary>
internal static class LongStep
{
    /// <summary>How long one question waits for its answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan SilencePatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    /// <summary>Asks again under the same key until it is finished, also where an answer is lost because a silo dies.</summary>
    /// <param name="interrupted">Says what goes on without whoever asked.</param>
    /// <exception cref="EngineException">It failed.</exception>
    public static async Task<EngineReport> FinishAsync(Func<Task<StepAnswer>> ask, Action interrupted, CancellationToken cancellationToken)
    {
        try
        {
            return (await UntilFinishedAsync(ask, cancellationToken)).Report!;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            interrupted();
            throw;
        }
    }

    /// <summary>The same, of a command that nobody goes on with when who asked goes away.</summary>
    public static async Task<StepAnswer> UntilFinishedAsync(Func<Task<StepAnswer>> ask, CancellationToken cancellationToken)
    {
        long heard = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                StepAnswer answer = await ask().WaitAsync(cancellationToken);
                if (answer.Finished) return answer;
                heard = Stopwatch.GetTimestamp();
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or EngineException { Kind: FailureKind.HostLost } && Stopwatch.GetElapsedTime(heard) < SilencePatience)
            {
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }
}
