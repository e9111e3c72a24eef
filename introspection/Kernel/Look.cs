namespace Watari.Introspection.Kernel;

/// <summary>What belongs to one look at a guest: what it may still cost in all, and the way that it took.</summary>
/// <remarks>For one thread; where several share one, its sums are only about right.</remarks>
internal sealed class Look(IntrospectionLimits limits, PointerTrail trail)
{
    /// <summary>What an error names where all walks together took too much.</summary>
    public const string Name = "look";

    private long _steps = limits.LookSteps;
    private long _bytes = limits.LookBytes;

    public PointerTrail Trail { get; } = trail;

    /// <exception cref="KernelWalkException">The look has no step left.</exception>
    public void TakeSteps(long count)
    {
        if ((_steps -= count) < 0) throw Spent(ref _steps, $"takes more than {limits.LookSteps} steps");
    }

    /// <exception cref="KernelWalkException">The look has copied as much as it may.</exception>
    public void TakeBytes(long count)
    {
        if ((_bytes -= count) < 0) throw Spent(ref _bytes, $"copies more than {limits.LookBytes} bytes");
    }

    private static KernelWalkException Spent(ref long left, string what)
    {
        left = 0; // whoever goes on nevertheless ends at the next step
        return new KernelWalkException(Name, $"{what}: the guest's memory is damaged, or made to hold up whoever looks");
    }
}
