using System.Runtime.CompilerServices;

namespace Watari.Hypervisor;

/// <summary>A running VM, seen from its host: its monitor, its RAM, and the power to hold it still.</summary>
public sealed class VirtualMachine : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HoldMark _mark;
    private volatile bool _runs;
    private int _holds;
    private int _changesOfHolds;
    private bool _runsAfterHolds;
    private MachineDescription? _description;

    private VirtualMachine(string name, QmpClient qmp, QemuProcess process, HoldMark mark, RunState state, GuestRam ram)
    {
        Name = name;
        Qmp = qmp;
        Process = process;
        Ram = ram;
        _mark = mark;
        StateWhenAttached = state;
        _runs = state == RunState.Running;
        qmp.Observe(Observe);
    }

    /// <summary>As it was when it was attached to.</summary>
    public RunState StateWhenAttached { get; }

    /// <summary>The name given to QEMU (-name), or the one that the caller chose.</summary>
    public string Name { get; }

    public QmpClient Qmp { get; }

    public QemuProcess Process { get; }

    /// <summary>The guest's memory; gone when the VM object is disposed.</summary>
    public GuestRam Ram { get; }

    /// <summary>
    /// Attaches to the VM whose monitor listens at the path. Nothing in the guest changes, and none of its pages is touched. A VM that stands still
    /// because a process of ours died while it held it goes on; one that another has paused does not.
    /// </summary>
    /// <exception cref="HypervisorException">No QEMU there, no answer in time, or RAM that cannot be reached.</exception>
    public static Task<VirtualMachine> AttachAsync(string qmpSocketPath, string? name = null, CancellationToken cancellation = default) =>
        AttachAsync(qmpSocketPath, name, QmpClient.DefaultDeadline, cancellation);

    /// <summary>As the other; the deadline is for each command to its monitor, now and later.</summary>
    /// <inheritdoc cref="AttachAsync(string, string, CancellationToken)"/>
    public static async Task<VirtualMachine> AttachAsync(string qmpSocketPath, string? name, TimeSpan deadline, CancellationToken cancellation = default)
    {
        QmpClient qmp = await QmpClient.ConnectAsync(qmpSocketPath, deadline, cancellation);
        HoldMark? mark = null;
        try
        {
            var process = QemuProcess.Of(qmp);
            mark = HoldMark.Open(qmpSocketPath, process);
            await LetGoOfAbandonedAsync(qmp, mark);
            // Asked all at once: most of the time would pass between a question and the next.
            Task<string> asksName = name is null ? NameOfAsync(qmp, cancellation) : Task.FromResult(name);
            Task<RunState> asksState = StateOfAsync(qmp, cancellation);
            Task<GuestRam> asksRam = GuestRam.MapAsync(qmp, cancellation);
            try
            {
                await Task.WhenAll(asksName, asksState, asksRam);
            }
            catch when (asksRam.IsCompletedSuccessfully)
            {
                (await asksRam).Dispose();
                throw;
            }

            return new VirtualMachine(await asksName, qmp, process, mark, await asksState, await asksRam);
        }
        catch
        {
            mark?.Dispose();
            await qmp.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// True where a process of ours may have died while it held the VM behind the socket. To attach to it (<see cref="AttachAsync(string, string, CancellationToken)"/>)
    /// finds out, and lets it go on. Asks nobody.
    /// </summary>
    public static bool MayBeAbandoned(string qmpSocketPath) => HoldMark.MayBeSet(qmpSocketPath);

    /// <summary>What it is made of; asked of QEMU at the first call.</summary>
    public async Task<MachineDescription> DescribeAsync(CancellationToken cancellation = default) =>
        _description ??= await MachineDescription.ReadAsync(Qmp, cancellation);

    public Task<RunState> StateAsync(CancellationToken cancellation = default) => StateOfAsync(Qmp, cancellation);

    /// <summary>As <see cref="StateAsync"/>, but of a VM that is held (<see cref="Hold"/>) what it will do when it is let go.</summary>
    public async Task<RunState> StateApartFromHoldsAsync(CancellationToken cancellation = default)
    {
        while (true)
        {
            int changes = Volatile.Read(ref _changesOfHolds);
            RunState state = await StateOfAsync(Qmp, cancellation);
            if (state != RunState.Paused) return state;
            lock (_gate)
            {
                if (_holds > 0) return _runsAfterHolds ? RunState.Running : RunState.Paused;
                if (changes == _changesOfHolds) return state;
            }
        }
    }

    /// <summary>Stops the processors; when it returns, none runs. Does nothing to a VM that stands still.</summary>
    public void Pause()
    {
        lock (_gate)
        {
            if (_holds > 0) SetRunsAfterHolds(false);
            else Qmp.Execute("stop");
        }
    }

    /// <summary>Lets the processors run; while somebody holds the VM (<see cref="Hold"/>), as soon as the last hold ends. Does nothing to a VM that runs.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            if (_holds > 0) SetRunsAfterHolds(true);
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
            if (_holds == 0) SetRunsAfterHolds(StopAndTellWhetherItRan());
            _holds++;
            _changesOfHolds++;
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
        _mark.Dispose();
        Ram.Dispose();
    }

    internal void EndHold()
    {
        lock (_gate)
        {
            _changesOfHolds++;
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
        QmpEventWait stopped = Qmp.ExpectEvent("STOP", deadline: Timeout.InfiniteTimeSpan);
        try
        {
            // Before the stop, so that no death of ours can leave the VM standing without it.
            if (_runs) _mark.Set();
            Qmp.Execute("stop");
            return stopped.Task.IsCompletedSuccessfully;
        }
        catch (QmpTimeoutException)
        {
            _ = UndoLateStopAsync(Interlocked.Exchange(ref stopped!, null));
            throw;
        }
        finally
        {
            stopped?.Dispose();
        }
    }

    /// <summary>A <c>stop</c> that was given up may take effect when QEMU wakes, however late; nobody holds the VM then, so it must run on.</summary>
    private async Task UndoLateStopAsync(QmpEventWait stopped)
    {
        using (stopped)
        {
            try
            {
                // Commands are answered in their order: once this one is, the stop has been done, or done nothing.
                await Qmp.ExecuteAsync("query-status", deadline: Timeout.InfiniteTimeSpan);
                if (stopped.Task.IsCompletedSuccessfully) await ResumeAsync();
                else ClearUnlessHeld();
            }
            catch (HypervisorException)
            {
                // The VM is gone, or hangs again: the mark tells who comes next.
            }
        }
    }

    private void ClearUnlessHeld()
    {
        lock (_gate)
        {
            if (_holds == 0) _mark.Clear();
        }
    }

    private void SetRunsAfterHolds(bool runs)
    {
        _runsAfterHolds = runs;
        if (runs) _mark.Set();
        else _mark.Clear();
    }

    /// <summary>On the monitor's receiver. A VM that runs is not held, whoever let it go and however late.</summary>
    private void Observe(QmpEvent happened)
    {
        if (happened.Name == "STOP")
        {
            _runs = false;
        }
        else if (happened.Name == "RESUME")
        {
            _runs = true;
            _mark.Clear();
        }
    }

    private static async Task LetGoOfAbandonedAsync(QmpClient qmp, HoldMark mark)
    {
        if (!mark.IsSet) return;
        if (await StateOfAsync(qmp, CancellationToken.None) == RunState.Paused) await qmp.ExecuteAsync("cont");
        mark.Clear();
    }

    private static async Task<string> NameOfAsync(QmpClient qmp, CancellationToken cancellation) =>
        (await qmp.ExecuteAsync<NameInfo>("query-name", cancellation: cancellation)).Name ?? Path.GetFileNameWithoutExtension(qmp.SocketPath);

    private static async Task<RunState> StateOfAsync(QmpClient qmp, CancellationToken cancellation) =>
        RunStates.Parse((await qmp.ExecuteAsync<StatusInfo>("query-status", cancellation: cancellation)).Status);

    private static async IAsyncEnumerable<VmEvent> Translate(IAsyncEnumerable<QmpEvent> events, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (QmpEvent happened in events.WithCancellation(cancellation))
        {
            if (VmEvent.From(happened) is { } known) yield return known;
        }
        yield return new VmEvent(VmEventKind.Gone, DateTimeOffset.UtcNow);
    }
}
