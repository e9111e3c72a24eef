using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Jobs;

/// <summary>How a job's command to its host has ended, for whoever asks again because the answer was lost: it must not be done twice.</summary>
/// <param name="At">When that was heard.</param>
/// <param name="Report">What was done.</param>
/// <param name="Failure">Set: it failed.</param>
public sealed record JobEnd(string Job, DateTimeOffset At, EngineReport? Report, StepFailure? Failure)
{
    /// <summary>How long it is told; nobody asks that late.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    /// <exception cref="EngineException">It failed.</exception>
    public StepAnswer Answer() => Failure is null ? new StepAnswer(true, Report: Report) : throw Failure.ToException();

    /// <summary>Whether it is still told at a time.</summary>
    public bool IsKept(DateTimeOffset now) => now - At < Kept;
}

/// <summary>Why a command failed, on disk.</summary>
public sealed record StepFailure(FailureKind Kind, string Message)
{
    public static StepFailure Of(EngineException failure) => new(failure.Kind, failure.Message);

    public EngineException ToException() => new(Kind, Message);
}
