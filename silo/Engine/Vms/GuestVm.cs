using Watari.Checkpoint.Freezing;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Hypervisor;
using Watari.Introspection;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Silo.Engine.Vms;

/// <summary>
/// A VM of this host with all that the engine holds of it: its monitor, its RAM, its kernel, its agent. It is let go when the last lease of it
/// ends: its memory must stay mapped for whoever reads it, also when the VM itself has long ended.
/// </summary>
internal sealed class GuestVm : IAsyncDisposable
{
    private static readonly TimeSpan s_agentDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(1.5);

    private readonly Lock _gate = new();
    private readonly Lock _finding = new(); // held while the kernel is looked for, which takes long; taken before the other
    private readonly SemaphoreSlim _agentGate = new(1, 1);
    private readonly string _agentSocket;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _watch;
    private GuestKernel? _kernel;
    private int _resets;
    private (GuestKernel Kernel, OutsideFreezer Freezer)? _freezer;
    private GuestAgentClient? _agent;
    private VmStatus? _fate;
    private int _leases = 1; // that of whoever attached

    private GuestVm(string name, VirtualMachine machine, string agentSocket, VmStatus? fate)
    {
        Name = name;
        _fate = fate;
        Machine = machine;
        _agentSocket = agentSocket;
        Memory = new GuestPhysicalMemory(RamSegments.Of(machine.Ram));
        Writer = new GuestMemoryWriter(RamSegments.Of(machine.Ram));
        Cpus = new QmpVcpuControl(machine);
        _watch = WatchAsync(_ended.Token);
    }

    public string Name { get; }

    public VirtualMachine Machine { get; }

    public GuestPhysicalMemory Memory { get; }

    public GuestMemoryWriter Writer { get; }

    public IVcpuControl Cpus { get; }

    /// <summary>Panicked, shut down or, as far as can be seen, gone; null while it lives.</summary>
    public VmStatus? Fate
    {
        get
        {
            lock (_gate) return _fate ?? (Gone.IsCompleted ? VmStatus.Unreachable : null);
        }
    }

    /// <summary>Done when its monitor is gone, and with it, as a rule, the VM. Never fails.</summary>
    public Task Gone => Machine.Qmp.Disconnected;

    /// <returns>The first lease of the VM.</returns>
    /// <exception cref="HypervisorException">No QEMU answers there, or its RAM is not shared.</exception>
    public static async Task<VmLease> AttachAsync(string name, string directory, CancellationToken cancellationToken)
    {
        VirtualMachine machine = await VirtualMachine.AttachAsync(Path.Combine(directory, "qmp.sock"), name, cancellationToken);
        try
        {
            var vm = new GuestVm(name, machine, Path.Combine(directory, "agent.sock"), FateOf(await machine.StateAsync(cancellationToken)));
            return new VmLease(vm);
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>Null: the last lease has ended, and the VM is let go.</summary>
    public VmLease? TryLease()
    {
        lock (_gate)
        {
            if (_leases == 0) return null;
            _leases++;
            return new VmLease(this);
        }
    }

    /// <summary>A lease has ended.</summary>
    internal async ValueTask ReleaseAsync()
    {
        lock (_gate)
        {
            if (--_leases > 0) return;
        }

        await DisposeAsync();
    }

    /// <summary>For the last lease alone.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _watch;
        await DropAgentAsync();
        await Machine.DisposeAsync();
        _agentGate.Dispose();
        _ended.Dispose();
    }

    /// <summary>The guest's kernel, found in its memory at the first call and after each reset. Blocks: for the engine's threads.</summary>
    /// <exception cref="EngineException">The VM is gone, or its kernel cannot be read.</exception>
    public GuestKernel Kernel()
    {
        lock (_finding)
        {
            int boot;
            lock (_gate)
            {
                ThrowIfEnded();
                if (_kernel is { } known) return known;
                boot = _resets;
            }

            GuestKernel found;
            try
            {
                found = GuestKernel.Attach(Memory);
            }
            catch (IntrospectionException e)
            {
                throw new EngineException(FailureKind.VmLost, $"The kernel of VM '{Name}' cannot be read: {e.Message}", e);
            }

            lock (_gate)
            {
                if (boot == _resets) _kernel = found;
            }

            return found;
        }
    }

    /// <summary>What freezes tasks of this guest; one for each kernel that runs in it. Blocks: for the engine's threads.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: its kernel cannot be frozen from outside.</exception>
    public OutsideFreezer Freezer()
    {
        lock (_finding)
        {
            GuestKernel kernel = Kernel();
            if (_freezer is { } known && known.Kernel == kernel) return known.Freezer;
            try
            {
                var freezer = new OutsideFreezer(kernel, Writer, Cpus, new ShiftKey(Machine));
                _freezer = (kernel, freezer);
                return freezer;
            }
            catch (FreezeException e)
            {
                throw new EngineException(FailureKind.Refused, $"Tasks of VM '{Name}' cannot be frozen from outside: {e.Message}", e);
            }
        }
    }

    /// <summary>The agent in the guest, connected; a new connection where the last one broke.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: no agent answers.</exception>
    public async Task<GuestAgentClient> AgentAsync(CancellationToken cancellationToken)
    {
        await _agentGate.WaitAsync(cancellationToken);
        try
        {
            lock (_gate) ThrowIfEnded();
            return _agent ??= await GuestAgentClient.ConnectAsync(
                _agentSocket,
                new GuestAgentClientOptions { ConnectDeadline = s_agentDeadline },
                cancellationToken);
        }
        catch (AgentLostException e)
        {
            throw new EngineException(
                FailureKind.Refused,
                $"No guest agent answers in VM '{Name}': {e.Message} Start watari-agent in the guest, on the virtio-serial port org.watari.agent.0.",
                e);
        }
        finally
        {
            _agentGate.Release();
        }
    }

    /// <summary>The agent in the guest, where it is of use and not needed; null where none answers soon.</summary>
    public async Task<GuestAgentClient?> TryAgentAsync(TimeSpan soon, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(soon);
        try
        {
            return await AgentAsync(limit.Token);
        }
        catch (Exception e) when (e is EngineException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>The version of the agent in the guest; null where none answers soon.</summary>
    public async Task<string?> AgentVersionAsync(CancellationToken cancellationToken) => (await TryAgentAsync(s_soon, cancellationToken))?.Agent.AgentVersion;

    /// <summary>Lets go of a connection that broke, so that the next call makes a new one.</summary>
    public async Task DropAgentAsync()
    {
        await _agentGate.WaitAsync();
        try
        {
            if (_agent is { } agent) await agent.DisposeAsync();
            _agent = null;
        }
        finally
        {
            _agentGate.Release();
        }
    }

    public async Task<VmStatus> StatusAsync(CancellationToken cancellationToken)
    {
        if (Fate is { } fate) return fate;
        try
        {
            RunState state = await Machine.StateAsync(cancellationToken);
            return FateOf(state) ?? (state == RunState.Running ? VmStatus.Running : VmStatus.Paused);
        }
        catch (HypervisorException)
        {
            return VmStatus.Unreachable;
        }
    }

    private static VmStatus? FateOf(RunState state) => state switch
    {
        RunState.GuestPanicked or RunState.InternalError => VmStatus.Panicked,
        RunState.Shutdown => VmStatus.Shutdown,
        _ => null,
    };

    private void ThrowIfEnded()
    {
        if (Fate is { } fate)
            throw new EngineException(FailureKind.VmLost, $"VM '{Name}' is {fate switch { VmStatus.Panicked => "dead: its kernel panicked", VmStatus.Shutdown => "shut down", _ => "gone: its QEMU ended" }}.");
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (VmEvent happened in Machine.Events(cancellationToken))
            {
                lock (_gate)
                {
                    switch (happened.Kind)
                    {
                        case VmEventKind.Panicked: _fate = VmStatus.Panicked; break;
                        case VmEventKind.ShuttingDown: _fate = VmStatus.Shutdown; break;
                        case VmEventKind.Reset:
                            // Another kernel boots: nothing that was learnt of the last one holds.
                            (_fate, _kernel) = (null, null);
                            _resets++;
                            break;
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The engine lets go of the VM.
        }
    }
}
