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
    private readonly Func<Predicate<GuestKernel>> _asksWhichRuns;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _finding = new(); // the kernel is looked for by one
    private GuestKernel? _kernel;
    private (EngineException Failure, long Until)? _missed;
    private OutsideFreezer? _freezer;
    private volatile Ending? _ending;

    /// <param name="vm">Its VM's name, for messages.</param>
    /// <param name="asksWhichRuns">Called when a search begins; tells of a kernel that lies in its memory whether it is the one that runs.</param>
    /// <param name="time">By which a search for the kernel is measured.</param>
    public GuestLife(string vm, Func<Predicate<GuestKernel>> asksWhichRuns, TimeProvider time)
    {
        _vm = vm;
        _asksWhichRuns = asksWhichRuns;
        _time = time;
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
    /// <remarks>
    /// A guest can make it long to find that there is no kernel. So one that was looked for in vain is not looked for again for as long
    /// as that took: at worst it costs half of a thread.
    /// </remarks>
    /// <exception cref="EngineException">It cannot be read.</exception>
    public GuestKernel KernelLeft(GuestPhysicalMemory memory)
    {
        lock (_finding)
        {
            if (_kernel is { } known) return known;
            long began = _time.GetTimestamp();
            if (_missed is { } missed && began < missed.Until) throw new EngineException(missed.Failure.Kind, missed.Failure.Message, missed.Failure);
            try
            {
                return _kernel = GuestKernel.Attach(memory, known: s_known, runs: _asksWhichRuns());
            }
            catch (IntrospectionException e)
            {
                var failure = new EngineException(FailureKind.VmLost, $"The kernel of VM '{_vm}' cannot be read: {e.Message}", e);
                long ended = _time.GetTimestamp();
                _missed = (failure, ended + (ended - began));
                throw failure;
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
