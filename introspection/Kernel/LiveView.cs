namespace Watari.Introspection.Kernel;

/// <summary>
/// Looks at a guest that runs. What is seen may tear, and what is torn may lead astray; such a look is taken again.
/// <code>
/// IReadOnlyList&lt;GuestContainer&gt; containers = LiveView.Look(kernel, static kernel => kernel.FindContainers());
/// </code>
/// </summary>
public static class LiveView
{
    /// <summary>What the look sees, at the first time that it leads nowhere astray.</summary>
    /// <param name="look">Is given a kernel for this look alone, and keeps nothing of one that failed.</param>
    /// <exception cref="TornViewException">Each of <see cref="IntrospectionLimits.Looks"/> looks led astray: the guest changes too fast, or is damaged.</exception>
    /// <exception cref="KernelWalkException">A look took more steps or bytes than one may. It is not taken again: the next would hold us up as long.</exception>
    /// <exception cref="KernelTypeException">The kernel has not what is looked for; it would not have it the next time either.</exception>
    /// <exception cref="Symbols.KernelSymbolException">The same of its symbols.</exception>
    /// <exception cref="GuestRamLostException">The hypervisor has ended, and RAM that was its own with it.</exception>
    public static T Look<T>(GuestKernel kernel, Func<GuestKernel, T> look)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(look);
        for (int looks = 1; ; looks++)
        {
            try
            {
                return look(kernel.BeginLook());
            }
            catch (IntrospectionException torn) when (torn is not (KernelTypeException or Symbols.KernelSymbolException or GuestRamLostException or KernelWalkException { Path: Kernel.Look.Name }))
            {
                if (looks >= kernel.Limits.Looks) throw new TornViewException(looks, torn);
            }
        }
    }
}

/// <summary>A running guest could not be seen as a whole, however often it was looked at.</summary>
/// <param name="looks">How often.</param>
/// <param name="last">Where the last look led.</param>
public sealed class TornViewException(int looks, IntrospectionException last)
    : IntrospectionException($"Given up after {looks} looks at the running guest: it changes too fast, or its memory is damaged. The last one ended at {last.Message}", last)
{
    public int Looks { get; } = looks;
}
