using Watari.Checkpoint.Freezing;
using Watari.GrainInterfaces.Model;
using Watari.Introspection;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Silo.Engine.Vms;

/// <summary>A guest from one boot to the next: its kernel, and how it ended. Nothing that was learnt in one life holds in the next.</summary>
internal sealed class GuestLife : IDisposable
{
    /// <summary>Guests of one host often run the same kernel.</summary>
    private static readonly KnownKernels s_known = new();

    private readonly string _vm;
    private readonly Predicate<GuestKernel> _runs;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _finding = new(); // the kernel is looked for by one
    private GuestKernel? _kernel;
    private OutsideFreezer? _freezer;
    private volatile Ending? _ending;

    /// <param name="vm">Its VM's name, for messages.</param>
    /// <param name="runs">Whether a kernel that lies in its memory is the one that runs.</param>
    public GuestLife(string vm, Predicate<GuestKernel> runs)
    {
        _vm = vm;
        _runs = runs;
        Ended = _ended.Token;
    }

    /// <summary>Struck when it ends: whatever is being done with it is in vain.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Null while it lives, and where another life has followed.</summary>
    public VmStatus? Fate => _ending?.Fate;

    /// <param name="fate">What the VM is now; null where its next life begins.</param>
    /// <param name="how">Its end, as in "is gone: its QEMU ended". The first that is told stands.</param>
    public void End(VmStatus? fate, string how)
    {
        if (Interlocked.CompareExchange(ref _ending, new Ending(fate, how), null) is null) _ended.Cancel();
    }

    /// <param name="behind">What was noticed first.</param>
    /// <exception cref="EngineException"><see cref="FailureKind.VmLost"/>: it has ended.</exception>
    public void ThrowIfEnded(Exception? behind = null)
    {
        if (_ending is { } ending) throw new EngineException(FailureKind.VmLost, $"VM '{_vm}' {ending.How}.", behind);
    }

    /// <summary>Its kernel, found in its memory at the first call. Blocks: for the engine's threads.</summary>
    /// <exception cref="EngineException">It has ended, or its kernel cannot be read.</exception>
    public GuestKernel Kernel(GuestPhysicalMemory memory)
    {
        lock (_finding)
        {
            ThrowIfEnded();
            return KernelLeft(memory);
        }
    }

    /// <summary>The same, of a guest that may have ended: a kernel that panicked lies in its memory still, and says why.</summary>
    /// <exception cref="EngineException">It cannot be read.</exception>
    public GuestKernel KernelLeft(GuestPhysicalMemory memory)
    {
        lock (_finding)
        {
            try
            {
                return _kernel ??= GuestKernel.Attach(memory, known: s_known, runs: _runs);
            }
            catch (IntrospectionException e)
            {
                throw new EngineException(FailureKind.VmLost, $"The kernel of VM '{_vm}' cannot be read: {e.Message}", e);
            }
        }
    }

    /// <summary>What freezes its tasks, made at the first call.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: its kernel cannot be frozen from outside.</exception>
    public OutsideFreezer Freezer(Func<OutsideFreezer> make)
    {
        lock (_finding)
        {
            try
            {
                return _freezer ??= make();
            }
            catch (FreezeException e)
            {
                throw new EngineException(FailureKind.Refused, $"Tasks of VM '{_vm}' cannot be frozen from outside: {e.Message}", e);
            }
        }
    }

    public void Dispose() => _ended.Dispose();

    private sealed record Ending(VmStatus? Fate, string How);
}
