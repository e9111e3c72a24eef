using Watari.Checkpoint.Freezing.Kernel;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Freezing;

// Signals other than the one that kills.
public sealed partial class OutsideFreezer
{
    /// <summary>
    /// Sends a process a signal, as kill(2) by the guest's root would; what takes it sees pid and uid 0 as the sender. A frozen process has
    /// it when it is thawed.
    /// </summary>
    /// <param name="process">The process's leader, from any look.</param>
    /// <param name="signal">1 to 64, but none of SIGKILL (<see cref="Kill"/>), SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU and SIGCONT.</param>
    /// <param name="deadline">From now.</param>
    /// <exception cref="FreezeException">It has ended; it cannot be sent this signal from outside; or it was not woken in time, and has the signal when the guest wakes it.</exception>
    public SignalFate Signal(TaskStruct process, int signal, TimeSpan deadline)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(signal, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(signal, SignalRules.Last);
        if (SignalRules.IsKill(signal) || SignalRules.IsJobControl(signal))
            throw new FreezeException(FreezeFailure.Unsupported, $"Signal {signal} stops, continues or ends what nothing outside can wake as the kernel does: have the agent in the guest send it. Nothing was touched.");

        FrozenTask addressee = FrozenTask.Of(process);
        SignalFate? fate = null;
        FrozenTask? taker = null;
        lock (_lock)
        {
            FreezerGoal goal = new(
                tasks => fate switch
                {
                    SignalFate.Ignored => true,
                    SignalFate.Sent => !tasks.Exists(MustWakeTaker),
                    _ => tasks.Exists(IsAddressee) ? false : throw new FreezeException(FreezeFailure.NoTasks, $"Process {process.Pid} has ended."),
                },
                task => fate is null ? IsAddressee(task) : MustWakeTaker(task) && !_slots.IsWaking(task.Address),
                (kernel, task) =>
                {
                    if (fate is not null) return;
                    fate = SignalRules.IsIgnored(task, signal) ? SignalFate.Ignored : SignalFate.Sent;
                    if (fate == SignalFate.Ignored) return;
                    TaskStruct? chosen = Taker(task, signal);
                    _switches.AddSignal(kernel, task, signal);
                    if (chosen is not { } thread) return;
                    _switches.MakeLook(kernel, thread);
                    taker = FrozenTask.Of(thread);
                })
            {
                NeedsWaking = MustWakeTaker,
            };
            if (_rounds.Run(new TaskSelection.OfProcess(process.Pid), goal, deadline, hold: false).Reached) return fate!.Value;
        }

        throw new FreezeException(FreezeFailure.StillThere, fate is null
            ? $"The guest was changing the signals of process {process.Pid} all the time for {deadline.TotalSeconds:0.#} s. Nothing was touched."
            : $"Process {process.Pid} was not woken within {deadline.TotalSeconds:0.#} s. The signal waits for it.");

        bool IsAddressee(TaskStruct task) => FrozenTask.Of(task) == addressee;
        // A frozen thread looks by itself when it is thawed.
        bool MustWakeTaker(TaskStruct task) => taker is { } one && FrozenTask.Of(task) == one && task.SleepsInterruptibly && !task.Frozen && _switches.WillLook(task);
    }

    /// <summary>complete_signal: its first thread if that takes the signal, else any; none where all block it, and it waits.</summary>
    private static TaskStruct? Taker(TaskStruct leader, int signal)
    {
        if (leader.IsOpenTo(signal)) return leader;
        foreach (TaskStruct thread in leader.Threads)
        {
            if (thread.IsOpenTo(signal)) return thread;
        }

        return leader.Sighand.Value.SignalfdWaiters.IsEmpty
            ? null
            : throw new FreezeException(FreezeFailure.Unsupported, $"Process {leader.Pid} ({leader.Comm}) waits for signal {signal} through a signalfd, which cannot be woken from outside: have the agent in the guest send it. Nothing was touched.");
    }
}
