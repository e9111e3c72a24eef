namespace Watari.Checkpoint.Freezing;

public enum FreezeFailure
{
    /// <summary>It cannot be done from outside, with this kernel or in this state of it. Nothing was touched.</summary>
    Unsupported,

    /// <summary>There is nothing to freeze. Nothing was touched.</summary>
    NoTasks,

    /// <summary>Not all tasks stood still in time. They run on.</summary>
    TimedOut,

    /// <summary>Tasks that were frozen are so no longer, or are not the same any more.</summary>
    NoLongerFrozen,

    /// <summary>Tasks did not end, or not run on, in time.</summary>
    StillThere,
}

/// <summary>Tasks could not be frozen, thawed or ended from outside, and how they were left.</summary>
public sealed class FreezeException(FreezeFailure failure, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    public FreezeFailure Failure { get; } = failure;
}
