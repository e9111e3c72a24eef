using Watari.Checkpoint.Freezing;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Silo.Engine.Vms;

/// <summary>
/// A VM of this host with all that the engine holds of it: its monitor, its RAM, its kernel, its agent. It is let go when the last lease of it
/// ends: its memory must stay mapped for whoever reads it, also when the VM itself has long ended.
/// </summary>
internal sealed class GuestVm : IAsyncDisposable
{
    private static readonly TimeSpan s_agentDeadline = TimeSpan.FromSeconds(20); // a guest under load, or short of memory, answers late
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan s_describe = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _agentGate = new(1, 1);
    private readonly string _agentSocket;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _watch;
    private readonly RamSegments _ram;
    private readonly RunningKernel _running;
    private volatile GuestLife _life;
    private GuestAgentClient? _agent;
    private int _leases = 1; // that of whoever attached, who keeps it and reads nothing
    private int _readers;

    private GuestVm(string name, VirtualMachine machine, string directory)
    {
        Name = name;
        Machine = machine;
        Disks = new VmDisks(machine, Path.Combine(directory, "disks.sock"));
        _running = new RunningKernel(machine);
        _life = new GuestLife(name, _running.Ask, TimeProvider.System);
        EndLifeIfDead(machine.StateWhenAttached);
        _agentSocket = Path.Combine(directory, "agent.sock");
        _ram = new RamSegments(machine.Ram);
        Memory = new GuestPhysicalMemory(_ram.Segments);
        Writer = new GuestMemoryWriter(_ram.Segments);
        Cpus = new QmpVcpuControl(machine);
        _watch = WatchAsync(_ended.Token);
    }

    public string Name { get; }

    public VirtualMachine Machine { get; }

    public VmDisks Disks { get; }

    public GuestPhysicalMemory Memory { get; }

    public GuestMemoryWriter Writer { get; }

    public IVcpuControl Cpus { get; }

    /// <summary>Panicked, shut down or, as far as can be seen, gone; null while it lives.</summary>
    public VmStatus? Fate => _life.Fate ?? (Gone.IsCompleted ? VmStatus.Unreachable : null);

    /// <summary>Its guest, from the last boot on.</summary>
    public GuestLife Life => _life;

    /// <summary>Done when its monitor is gone, and with it, as a rule, the VM. Never fails.</summary>
    public Task Gone => Machine.Qmp.Disconnected;

    /// <returns>The first lease of the VM, to keep it attached; whoever works with it takes another.</returns>
    /// <exception cref="HypervisorException">No QEMU answers there, or its RAM cannot be reached.</exception>
    /// <exception cref="GuestRamLostException">This process gets no address space for RAM that cannot be mapped.</exception>
    public static async Task<VmLease> AttachAsync(string name, string directory, CancellationToken cancellationToken)
    {
        VirtualMachine machine = await VirtualMachine.AttachAsync(Path.Combine(directory, "qmp.sock"), name, cancellationToken);
        try
        {
            return new VmLease(new GuestVm(name, machine, directory), reads: false);
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
            _readers++;
            return new VmLease(this, reads: true);
        }
    }

    /// <summary>A lease has ended.</summary>
    internal async ValueTask ReleaseAsync(bool read)
    {
        lock (_gate)
        {
            if (read && --_readers == 0) Memory.GiveBack();
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
        _ram.Dispose();
        await Disks.DisposeAsync();
        await Machine.DisposeAsync();
        _agentGate.Dispose();
        _ended.Dispose();
        _life.Dispose();
    }

    /// <summary>
    /// The guest's kernel, found in its memory at the first call and after each reset. A new look at it begins with each call. Blocks: for the
    /// engine's threads.
    /// </summary>
    /// <exception cref="EngineException">The VM is gone, or its kernel cannot be read.</exception>
    public GuestKernel Kernel() => SeenAnew(_life);

    /// <summary>The same of a guest that may be dead: what its kernel has left in memory, for a look at how it came to its end.</summary>
    /// <exception cref="EngineException">Its kernel cannot be read.</exception>
    public GuestKernel KernelLeft() => _life.KernelLeft(Memory);

    /// <summary>What freezes tasks of this guest; one for each kernel that runs in it. Blocks: for the engine's threads.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: its kernel cannot be frozen from outside.</exception>
    public OutsideFreezer Freezer()
    {
        GuestLife life = _life;
        GuestKernel kernel = SeenAnew(life);
        return life.Freezer(() => new OutsideFreezer(kernel, Writer, Cpus, new ShiftKey(Machine)));
    }

    /// <summary>The agent in the guest, connected; a new connection where the last one broke.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: no agent answers.</exception>
    public async Task<GuestAgentClient> AgentAsync(CancellationToken cancellationToken)
    {
        await _agentGate.WaitAsync(cancellationToken);
        try
        {
            _life.ThrowIfEnded();
            // Its agent may have died and been started again while nobody asked it anything.
            if (_agent is { IsLost: true } lost)
            {
                _agent = null;
                await lost.DisposeAsync();
            }

            return _agent ??= await GuestAgentClient.ConnectAsync(
                _agentSocket,
                new GuestAgentClientOptions { ConnectDeadline = s_agentDeadline },
                cancellationToken);
        }
        catch (AgentLostException e)
        {
            throw NoAgent(e);
        }
        catch (AgentException e)
        {
            throw new EngineException(FailureKind.Refused, $"The guest agent in VM '{Name}' is of no use: {e.Message}", e);
        }
        finally
        {
            _agentGate.Release();
        }
    }

    /// <summary>The guest as its agent sees it now: it is known to answer then.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: no agent answers.</exception>
    public async Task<GuestDescription> DescribeAsync(CancellationToken cancellationToken)
    {
        GuestAgentClient agent = await AgentAsync(cancellationToken);
        try
        {
            return await agent.DescribeAsync(s_describe, cancellationToken);
        }
        catch (AgentLostException e)
        {
            // Connected long ago, and dead since: of that the channel says nothing.
            await DropAgentAsync();
            throw NoAgent(e);
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

    /// <summary>The version of the agent in the guest; null where none answers soon. One that answered before may be dead: it is asked.</summary>
    public async Task<string?> AgentVersionAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_soon);
        try
        {
            return await TryAgentAsync(s_soon, limit.Token) is { } agent ? (await agent.DescribeAsync(s_soon, limit.Token)).Agent.AgentVersion : null;
        }
        catch (Exception e) when (e is AgentException or AgentLostException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

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

    /// <summary>Both ends of a migration must run: a guest that stands still neither freezes tasks nor answers. One that is held for a moment runs.</summary>
    /// <exception cref="EngineException">It does not: <see cref="FailureKind.Refused"/>, or it has ended.</exception>
    public async Task MustRunAsync(CancellationToken cancellationToken)
    {
        _life.ThrowIfEnded();
        if (await Machine.StateApartFromHoldsAsync(cancellationToken) is not RunState.Running and var state)
            throw new EngineException(FailureKind.Refused, $"VM '{Name}' stands still ({state.ToString().ToLowerInvariant()}): let it go on (cont at its monitor), and try again.");
    }

    /// <summary>What its machine is made of. Known from the first call on.</summary>
    /// <exception cref="EngineException">Its monitor does not answer.</exception>
    public Task<MachineDescription> MachineAsync(CancellationToken cancellationToken) =>
        Failures.ExplainAsync(Name, () => Machine.DescribeAsync(cancellationToken));

    public async Task<VmStatus> StatusAsync(CancellationToken cancellationToken)
    {
        if (Fate is { } fate) return fate;
        try
        {
            RunState state = await Machine.StateApartFromHoldsAsync(cancellationToken);
            return FateOf(state) ?? (state == RunState.Running ? VmStatus.Running : VmStatus.Paused);
        }
        catch (HypervisorException)
        {
            return VmStatus.Unreachable;
        }
    }

    /// <summary>Finds out whether the guest still lives, where something of it has fallen silent: its life has ended after this if it does not.</summary>
    public async Task ProbeAsync()
    {
        try
        {
            EndLifeIfDead(await Machine.StateAsync());
        }
        catch (QmpConnectionException)
        {
            await _watch; // has heard all that was told, to the last
        }
        catch (HypervisorException)
        {
            // Its QEMU hangs, and may live on.
        }
    }

    private GuestKernel SeenAnew(GuestLife life)
    {
        GuestKernel kernel = life.Kernel(Memory);
        kernel.Refresh();
        return kernel;
    }

    private static VmStatus? FateOf(RunState state) => state switch
    {
        RunState.GuestPanicked or RunState.InternalError => VmStatus.Panicked,
        RunState.Shutdown => VmStatus.Shutdown,
        _ => null,
    };

    private EngineException NoAgent(AgentLostException e) => new(
        FailureKind.Refused,
        $"No guest agent answers in VM '{Name}': {e.Message} Start watari-agent in the guest, on the virtio-serial port org.watari.agent.0, or choose another VM.",
        e);

    private void EndLifeIfDead(RunState state)
    {
        if (FateOf(state) is { } fate) End(fate);
    }

    private void End(VmStatus fate) => _life.End(fate, fate switch
    {
        VmStatus.Panicked => "is dead: its kernel panicked",
        VmStatus.Shutdown => "is shut down",
        _ => "is gone: its QEMU ended",
    });

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        try
        {
            IAsyncEnumerable<VmEvent> events = Machine.Events(cancellationToken);
            await EndLifeIfDeadByNowAsync(cancellationToken);
            await foreach (VmEvent happened in events)
            {
                switch (happened.Kind)
                {
                    case VmEventKind.Panicked: End(VmStatus.Panicked); break;
                    case VmEventKind.ShuttingDown: End(VmStatus.Shutdown); break;
                    case VmEventKind.Gone: End(VmStatus.Unreachable); break;
                    case VmEventKind.Reset:
                        GuestLife last = _life;
                        _life = new GuestLife(Name, _running.Ask, TimeProvider.System);
                        last.End(null, "was reset, and what ran in it is gone");
                        break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The engine lets go of the VM.
        }
    }

    /// <summary>What happened between the attaching and the first event that is heard.</summary>
    private async Task EndLifeIfDeadByNowAsync(CancellationToken cancellationToken)
    {
        try
        {
            EndLifeIfDead(await Machine.StateAsync(cancellationToken));
        }
        catch (HypervisorException)
        {
            // Its monitor is gone, which is an event, too; or it is late.
        }
    }
}
