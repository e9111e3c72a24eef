using System.Runtime.CompilerServices;

namespace Watari.Hypervisor;

/// <summary>A running VM, seen from its host: its monitor, its RAM, and the power to hold it still.</summary>
public sealed class VirtualMachine : IAsyncDisposable
{
    /// <summary>How long a QEMU that did not answer <c>stop</c> is watched for doing it late.</summary>
    private static readonly TimeSpan s_lateStop = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _gate = new(1, 1);
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
    public static async Task<VirtualMachine> AttachAsync(string qmpSocketPath, string? name = null, CancellationToken cancellation = default)
    {
        QmpClient qmp = await QmpClient.ConnectAsync(qmpSocketPath, cancellation: cancellation);
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
    public async Task PauseAsync(CancellationToken cancellation = default)
    {
        using IDisposable entered = await EnterAsync(cancellation);
        if (_holds > 0) _runsAfterHolds = false;
        else await Qmp.ExecuteAsync("stop", cancellation: cancellation);
    }

    /// <summary>Lets the processors run; while somebody holds the VM (<see cref="HoldAsync"/>), as soon as the last hold ends. Does nothing to a VM that runs.</summary>
    public async Task ResumeAsync(CancellationToken cancellation = default)
    {
        using IDisposable entered = await EnterAsync(cancellation);
        if (_holds > 0) _runsAfterHolds = true;
        else await Qmp.ExecuteAsync("cont", cancellation: cancellation);
    }

    /// <summary>
    /// Holds the VM still until the result is disposed. Holds may overlap: the VM goes on when the last one ends,
    /// unless it stood still before the first.
    /// </summary>
    public async Task<PausedVm> HoldAsync(CancellationToken cancellation = default)
    {
        using IDisposable entered = await EnterAsync(cancellation);
        if (_holds == 0)
        {
            // QEMU says STOP, and before it replies, only if the VM ran: one round trip tells both.
            QmpEventWait stopped = Qmp.ExpectEvent("STOP", deadline: s_lateStop);
            try
            {
                await Qmp.ExecuteAsync("stop", cancellation: cancellation);
            }
            catch
            {
                _ = UndoLateStopAsync(stopped);
                throw;
            }
            _runsAfterHolds = stopped.Task.IsCompletedSuccessfully;
            stopped.Dispose();
        }
        _holds++;
        return new PausedVm(this);
    }

    /// <summary>What befalls the VM from this call on; the last is <see cref="VmEventKind.Gone"/>. Enumerate it once.</summary>
    public IAsyncEnumerable<VmEvent> Events(CancellationToken cancellation = default) => Translate(Qmp.Events(cancellation), cancellation);

    /// <summary>Lets go of the VM and ends all holds of it. All readers of <see cref="Ram"/> must have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_holds > 0)
        {
            _holds = 1;
            await EndHoldAsync();
        }
        await Qmp.DisposeAsync();
        Ram.Dispose();
    }

    internal async Task EndHoldAsync()
    {
        using IDisposable entered = await EnterAsync(CancellationToken.None);
        if (_holds == 0 || --_holds > 0 || !_runsAfterHolds) return;
        try
        {
            await Qmp.ExecuteAsync("cont");
        }
        catch (QmpConnectionException)
        {
            // The VM is gone: there is nothing to let go of, and whoever reads from it has heard of it.
        }
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
            catch (Exception failure) when (failure is HypervisorException or ObjectDisposedException)
            {
                // It never took effect, or the VM is gone.
            }
        }
    }

    private async Task<IDisposable> EnterAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        return new Exit(_gate);
    }

    private static async IAsyncEnumerable<VmEvent> Translate(IAsyncEnumerable<QmpEvent> events, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (QmpEvent happened in events.WithCancellation(cancellation))
        {
            if (VmEvent.From(happened) is { } known) yield return known;
        }
        yield return new VmEvent(VmEventKind.Gone, DateTimeOffset.UtcNow);
    }

    private sealed class Exit(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
