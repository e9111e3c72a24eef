using System.Runtime.CompilerServices;

namespace Watari.Hypervisor;

/// <summary>A running VM, seen from its host: its monitor, its RAM, and the power to hold it still.</summary>
public sealed class VirtualMachine : IAsyncDisposable
{
    /// <summary>How long a QEMU that did not answer <c>stop</c> is watched for doing it late.</summary>
    private static readonly TimeSpan s_lateStop = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private int _holds;
    private bool _runsAfterHolds;

    private VirtualMachine(string name, QmpClient qmp, QemuProcess process, MachineDescription machine, GuestRam ram)
    {
        Name = name;
        Qmp = qmp;
        Process = process;
        Machine = machine;
        Ram = ram;
    }

    /// <summary>The name given to QEMU (-name), or the one that the caller chose.</summary>
    public string Name { get; }

    public QmpClient Qmp { get; }

    public QemuProcess Process { get; }

    public MachineDescription Machine { get; }

    /// <summary>The guest's memory; gone when the VM object is disposed.</summary>
    public GuestRam Ram { get; }

    /// <summary>Attaches to the VM whose monitor listens at the path. Nothing in the guest changes, and none of its pages is touched.</summary>
    /// <exception cref="HypervisorException">No QEMU there, no answer in time, or RAM that it does not share.</exception>
    public static Task<VirtualMachine> AttachAsync(string qmpSocketPath, string? name = null, CancellationToken cancellation = default) =>
        AttachAsync(qmpSocketPath, name, QmpClient.DefaultDeadline, cancellation);

    /// <summary>As the other; the deadline is for each command to its monitor, now and later.</summary>
    /// <inheritdoc cref="AttachAsync(string, string, CancellationToken)"/>
    public static async Task<VirtualMachine> AttachAsync(string qmpSocketPath, string? name, TimeSpan deadline, CancellationToken cancellation = default)
    {
        QmpClient qmp = await QmpClient.ConnectAsync(qmpSocketPath, deadline, cancellation);
        try
        {
            name ??= (await qmp.ExecuteAsync<NameInfo>("query-name", cancellation: cancellation)).Name
                ?? Path.GetFileNameWithoutExtension(qmpSocketPath);
            MachineDescription machine = await MachineDescription.ReadAsync(qmp, cancellation);
            return new VirtualMachine(name, qmp, QemuProcess.Of(qmp), machine, await GuestRam.MapAsync(qmp, cancellation));
        }
        catch
        {
            await qmp.DisposeAsync();
            throw;
        }
    }

    public async Task<RunState> StateAsync(CancellationToken cancellation = default) =>
        RunStates.Parse((await Qmp.ExecuteAsync<StatusInfo>("query-status", cancellation: cancellation)).Status);

    /// <summary>Stops the processors; when it returns, none runs. Does nothing to a VM that stands still.</summary>
    public void Pause()
    {
        lock (_gate)
        {
            if (_holds > 0) _runsAfterHolds = false;
            else Qmp.Execute("stop");
        }
    }

    /// <summary>Lets the processors run; while somebody holds the VM (<see cref="Hold"/>), as soon as the last hold ends. Does nothing to a VM that runs.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            if (_holds > 0) _runsAfterHolds = true;
            else Qmp.Execute("cont");
        }
    }

    /// <summary>
    /// Holds the VM still until the result is disposed. Holds may overlap: the VM goes on when the last one ends,
    /// unless it stood still before the first.
    /// </summary>
    public PausedVm Hold()
    {
        lock (_gate)
        {
            if (_holds == 0) _runsAfterHolds = StopAndTellWhetherItRan();
            _holds++;
            return new PausedVm(this);
        }
    }

    // Pausing is part of every blackout: the engine's threads call the methods above and sleep until QEMU's reply wakes them, with no thread pool
    // between. The ones below are for everybody else. They end at the monitor's deadline, and cannot be cancelled half-way: somebody would have to undo it.

    /// <inheritdoc cref="Pause"/>
    public Task PauseAsync(CancellationToken cancellation = default) => Task.Run(Pause, cancellation);

    /// <inheritdoc cref="Resume"/>
    public Task ResumeAsync(CancellationToken cancellation = default) => Task.Run(Resume, cancellation);

    /// <inheritdoc cref="Hold"/>
    public Task<PausedVm> HoldAsync(CancellationToken cancellation = default) => Task.Run(Hold, cancellation);

    /// <summary>Presses and lets go a key of the VM's keyboard, by QEMU's name for it (QKeyCode). The guest is interrupted by it.</summary>
    /// <exception cref="QmpException">There is no such key, or no keyboard.</exception>
    public Task PressKeyAsync(string key, CancellationToken cancellation = default) => Qmp.HumanAsync($"sendkey {key} 1", cancellation);

    /// <summary>What befalls the VM from this call on; the last is <see cref="VmEventKind.Gone"/>. Enumerate it once.</summary>
    public IAsyncEnumerable<VmEvent> Events(CancellationToken cancellation = default) => Translate(Qmp.Events(cancellation), cancellation);

    /// <summary>Lets go of the VM and ends all holds of it. All readers of <see cref="Ram"/> must have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.Run(EndAllHolds);
        await Qmp.DisposeAsync();
        Ram.Dispose();
    }

    internal void EndHold()
    {
        lock (_gate)
        {
            if (_holds > 0 && --_holds == 0) LetGo();
        }
    }

    private void EndAllHolds()
    {
        lock (_gate)
        {
            if (_holds > 0) LetGo();
            _holds = 0;
        }
    }

    private void LetGo()
    {
        try
        {
            if (_runsAfterHolds) Qmp.Execute("cont");
        }
        catch (QmpConnectionException)
        {
            // The VM is gone: there is nothing to let go of, and whoever reads from it has heard of it.
        }
    }

    /// <summary>QEMU says STOP, and before it replies, only if the VM ran: one round trip does both.</summary>
    private bool StopAndTellWhetherItRan()
    {
        QmpEventWait stopped = Qmp.ExpectEvent("STOP", deadline: s_lateStop);
        try
        {
            Qmp.Execute("stop");
        }
        catch
        {
            _ = UndoLateStopAsync(stopped);
            throw;
        }
        using (stopped) return stopped.Task.IsCompletedSuccessfully;
    }

    /// <summary>A <c>stop</c> that was given up may take effect when QEMU wakes; nobody holds the VM then, so it must run on.</summary>
    private async Task UndoLateStopAsync(QmpEventWait stopped)
    {
        using (stopped)
        {
            try
            {
                await stopped.Task;
                await ResumeAsync();
            }
            catch (HypervisorException)
            {
                // It never took effect, or the VM is gone.
            }
        }
    }

    private static async IAsyncEnumerable<VmEvent> Translate(IAsyncEnumerable<QmpEvent> events, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (QmpEvent happened in events.WithCancellation(cancellation))
        {
            if (VmEvent.From(happened) is { } known) yield return known;
        }
        yield return new VmEvent(VmEventKind.Gone, DateTimeOffset.UtcNow);
    }
}
