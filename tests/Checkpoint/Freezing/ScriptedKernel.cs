using Watari.Checkpoint.Freezing;
using Watari.Introspection.Tests.Build;

namespace Watari.Checkpoint.Tests.Freezing;

/// <summary>
/// A kernel in a test's memory that does what Linux does with the words that the freezer writes, each time its processors are
/// let go: it runs the works on its lazy lists, has tasks enter and leave the freezer, and ends those that must die.
/// </summary>
internal sealed class ScriptedKernel : IVcpuControl, IGuestKick, IDisposable
{
    private const ulong TrapFreeze = 1 << 23;
    private const int Cpus = 2, PerCpuSize = 256;
    private const ulong ThreadFlags = 0, State = 8, FlagsOf = 12, OnCpu = 16, ExitState = 20, Jobctl = 24, Frozen = 32, Pid = 40, Tgid = 44,
        StartTime = 48, Sighand = 56, Signal = 64, Cgroups = 72, Leader = 80, Parent = 88, Comm = 96, Tasks = 112, ThreadNode = 128, Pending = 144;
    private const int TaskSize = 176;

    private readonly ulong _signalPending;
    private readonly GuestKernelBuilder _builder = new();
    private readonly List<(GuestVirtualAddress Address, bool Sleeps)> _tasks = [];
    private readonly List<GuestVirtualAddress> _leaders = [];
    private readonly GuestVirtualAddress _perCpu;
    private readonly GuestVirtualAddress _rootNode;
    private GuestMemoryWriter? _writer;
    private ulong _nextStart = 1000;

    /// <param name="preemptRt">Its spinlocks sleep.</param>
    /// <param name="kcfi">It checks indirect calls.</param>
    /// <param name="without">A symbol that it lacks.</param>
    /// <param name="signalPending">TIF_SIGPENDING.</param>
    public ScriptedKernel(bool preemptRt = false, bool kcfi = false, string? without = null, byte signalPending = 1 << 2)
    {
        _signalPending = signalPending;
        DefineTypes(preemptRt);
        _rootNode = Node("", GuestVirtualAddress.Null);
        _perCpu = _builder.AllocateGlobal("percpu", Cpus * PerCpuSize);
        foreach ((string name, ulong offset) in (ReadOnlySpan<(string, ulong)>)[("lazy_list", 0), ("tick_cpu_device", 16), ("runqueues", 32), ("kstat", 48)])
        {
            if (name != without) _builder.Symbol(name, _perCpu + offset);
        }
        GuestVirtualAddress offsets = _builder.AllocateGlobal("__per_cpu_offset", Cpus * 8);
        GuestVirtualAddress online = _builder.AllocateGlobal("__cpu_online_mask", 8);
        _builder.Put(online, 0b11UL);
        for (int cpu = 0; cpu < Cpus; cpu++)
        {
            GuestVirtualAddress timer = _builder.Allocate(16);
            _builder.Put(offsets + (ulong)cpu * 8, (ulong)(cpu * PerCpuSize)).Put(timer, (long)(100 - cpu))
                .Put(Area(cpu) + 16, timer).Put(Area(cpu) + 32, 0x11UL).Put(Area(cpu) + 40, 0x11UL);
        }
        // endbr64; push rbx; mov rbx, rdi; lock or byte [rdi], imm8; or esi, 1
        ReadOnlySpan<byte> code = [0xf3, 0x0f, 0x1e, 0xfa, 0x53, 0x48, 0x89, 0xfb, 0xf0, 0x80, 0x0f, signalPending, 0x83, 0xce, 0x01];
        GuestVirtualAddress function = _builder.AllocateGlobal("signal_wake_up_state", 48);
        for (int i = 0; i < code.Length; i++) _builder.Put(function + (ulong)i, code[i]);
        _builder.Variable("nr_cpu_ids", Cpus).Variable("process_timeout", 0UL);
        if (kcfi) _builder.Variable("__cfi_process_timeout", 0UL);
        GuestVirtualAddress page = _builder.Allocate(3 * GuestPage.Size, GuestPage.Size);
        // Room for a few slots only, so that tests see them run out.
        _builder.Variable("vmcoreinfo_data", page).Variable("vmcoreinfo_size", (ulong)(GuestPage.Size - 48 * Slots)).Variable("vmcoreinfo_note", page + GuestPage.Size + 8);
        GuestVirtualAddress init = _builder.AllocateGlobal("init_task", TaskSize);
        Fill(init, 0, 0, "/", init);
        _builder.LinkList(init + ThreadNode);
        _leaders.Add(init);
    }

    /// <summary>Tasks that can be woken at the same time.</summary>
    public const int Slots = 3;

    public int Pauses { get; private set; }

    public int Kicks { get; private set; }

    /// <summary>Done each time that the processors were let go, by how often they were so far.</summary>
    public Action<int> WhenResumed { get; set; } = _ => { };

    /// <summary>Processors whose ticks are stopped: what is on their lists waits.</summary>
    public HashSet<int> Tickless { get; } = [];

    /// <summary>Cgroups that the guest itself keeps frozen.</summary>
    public bool FrozenByGuest { get; set; }

    public GuestKernel Kernel { get; private set; } = null!;

    public OutsideFreezer Freezer(bool kick = false) => new(Kernel, _writer!, this, kick ? this : null);

    /// <summary>Boots with the tasks that were made so far.</summary>
    public ScriptedKernel Boot()
    {
        _builder.LinkList([.. _leaders.Select(leader => leader + Tasks)]);
        Kernel = _builder.Boot().Attach();
        _writer = _builder.Guest.Writer;
        return this;
    }

    /// <summary>Makes a process of so many threads in a cgroup; each sleeps in a system call, or else runs.</summary>
    public GuestVirtualAddress[] Process(int pid, string cgroup, int threads = 1, bool sleeps = true, GuestVirtualAddress? parent = null)
    {
        GuestVirtualAddress[] made = [.. Enumerable.Range(0, threads).Select(_ => _builder.Allocate(TaskSize))];
        GuestVirtualAddress signal = _builder.Allocate(64);
        for (int i = 0; i < threads; i++)
        {
            Fill(made[i], pid + i, pid, cgroup, parent ?? _leaders[0]);
            _builder.Put(made[i] + Signal, signal).Put(made[i] + Leader, made[0]).Put(made[i] + State, sleeps ? 1u : 0u);
            _tasks.Add((made[i], sleeps));
        }
        _builder.LinkList([signal, .. made.Select(thread => thread + ThreadNode)]);
        _leaders.Add(made[0]);
        if (_writer is not null) _builder.LinkList([.. _leaders.Select(leader => leader + Tasks)]);
        return made;
    }

    public void HoldSiglock(GuestVirtualAddress task, bool held) => _builder.Put(Pointer(task + Sighand), held ? 1 : 0);

    /// <summary>Puts a task into a sleep that only its own event ends, as a disk's answer.</summary>
    public void Disturb(GuestVirtualAddress task, uint state) => _builder.Put(task + State, state);

    public bool IsAsked(GuestVirtualAddress task) => (Word(task + Jobctl) & TrapFreeze) != 0;

    public bool IsFrozen(GuestVirtualAddress task) => (Word(task + Frozen) & 1) != 0;

    public bool HasExited(GuestVirtualAddress task) => (uint)Word(task + ExitState) != 0;

    public int ExitCodeOf(GuestVirtualAddress task) => (int)Word(Pointer(task + Signal) + 20);

    public bool HasWork(int cpu) => Word(Area(cpu)) != 0;

    public void MakeBusy(int cpu) => _builder.Put(Area(cpu) + 32, 0x22UL);

    public void FreezeInGuest(GuestVirtualAddress task) => _builder.Put(task + Jobctl, TrapFreeze).Put(task + Frozen, 1UL).Put(task + State, 1u);

    public void Pause() => Pauses++;

    public void Resume()
    {
        WhenResumed(Pauses);
        for (int cpu = 0; cpu < Cpus; cpu++)
        {
            if (!Tickless.Contains(cpu)) RunWorks(cpu);
        }
        foreach ((GuestVirtualAddress task, bool sleeps) in _tasks) Run(task, sleeps);
    }

    public void Kick()
    {
        Kicks++;
        // The keyboard's interrupt goes to the second processor here.
        _builder.Put(Area(1) + 48, Word(Area(1) + 48) + 1);
        RunWorks(1);
        foreach ((GuestVirtualAddress task, bool sleeps) in _tasks) Run(task, sleeps);
    }

    public void Dispose() => _builder.Dispose();

    /// <summary>irq_work_run_list.</summary>
    private void RunWorks(int cpu)
    {
        for (ulong work = Word(Area(cpu)); work != 0;)
        {
            GuestVirtualAddress slot = new(work);
            Assert.Equal(0x27u, (uint)Word(slot + 8));
            Assert.Equal(Kernel.Symbols.Find("process_timeout").Value, Word(slot + 16));
            GuestVirtualAddress task = Pointer(slot + 40);
            if (((uint)Word(task + State) & 3) != 0) _builder.Put(task + State, 0u);
            work = Word(slot);
            _builder.Put(slot + 8, 0x24u);
        }
        _builder.Put(Area(cpu), 0UL);
    }

    /// <summary>What get_signal and the return to user space do with a task that is not asleep.</summary>
    private void Run(GuestVirtualAddress task, bool sleeps)
    {
        if ((uint)Word(task + State) != 0 || HasExited(task)) return;
        ulong flags = Word(task + ThreadFlags);
        if (((uint)Word(Pointer(task + Signal) + 16) & 4) != 0)
        {
            _builder.Put(task + ExitState, 32).Put(task + Frozen, 0UL);
            return;
        }
        if (IsFrozen(task) && !IsAsked(task))
        {
            if (FrozenByGuest) _builder.Put(task + Jobctl, TrapFreeze);
            else _builder.Put(task + Frozen, 0UL);
        }
        if (IsAsked(task) && (IsFrozen(task) || (flags & _signalPending) != 0))
            _builder.Put(task + Frozen, 1UL).Put(task + State, 1u).Put(task + ThreadFlags, flags & ~_signalPending);
        else if (sleeps && (flags & _signalPending) == 0)
            _builder.Put(task + State, 1u);
    }

    private void Fill(GuestVirtualAddress task, int pid, int tgid, string cgroup, GuestVirtualAddress parent)
    {
        GuestVirtualAddress node = _rootNode;
        foreach (string part in cgroup.Split('/', StringSplitOptions.RemoveEmptyEntries)) node = Node(part, node);
        GuestVirtualAddress group = _builder.Allocate(16), set = _builder.Allocate(16), sighand = _builder.Allocate(16);
        _builder.Put(group + 8, node).Put(set, group);
        _builder.Put(task + Pid, pid).Put(task + Tgid, tgid).Put(task + StartTime, _nextStart++).Put(task + Comm, $"task-{pid}")
            .Put(task + Sighand, sighand).Put(task + Cgroups, set).Put(task + Leader, task).Put(task + Parent, parent);
    }

    private GuestVirtualAddress Node(string name, GuestVirtualAddress parent)
    {
        GuestVirtualAddress node = _builder.Allocate(16), text = _builder.Allocate(32);
        _builder.Put(node, parent).Put(node + 8, text).Put(text, name);
        return node;
    }

    private GuestVirtualAddress Area(int cpu) => _perCpu + (ulong)(cpu * PerCpuSize);

    private ulong Word(GuestVirtualAddress address) => _builder.Guest.Memory.Read<ulong>(GuestKernelBuilder.PhysicalOf(address));

    private GuestVirtualAddress Pointer(GuestVirtualAddress address) => new(Word(address));

    private void DefineTypes(bool preemptRt)
    {
        BtfBuilder types = _builder.Types;
        int spinlock = types.Struct("spinlock", 4, BtfField.At(0, preemptRt ? "lock" : "rlock", _builder.Int));
        int info = types.Struct("thread_info", 8, BtfField.At(0, "flags", _builder.Ulong));
        int pending = types.Struct("sigpending", 24, BtfField.At(0, "list", _builder.ListHead), BtfField.At(16, "signal", _builder.Ulong));
        types.Struct("sighand_struct", 16, BtfField.At(0, "siglock", spinlock));
        types.Struct("signal_struct", 64, BtfField.At(0, "thread_head", _builder.ListHead), BtfField.At(16, "flags", _builder.Uint),
            BtfField.At(20, "group_exit_code", _builder.Int), BtfField.At(24, "group_stop_count", _builder.Int),
            BtfField.At(32, "shared_pending", pending));
        types.Struct("task_struct", TaskSize,
            Whole(ThreadFlags, "thread_info", info), Whole(State, "__state", _builder.Uint), Whole(FlagsOf, "flags", _builder.Uint),
            Whole(OnCpu, "on_cpu", _builder.Int), Whole(ExitState, "exit_state", _builder.Int), Whole(Jobctl, "jobctl", _builder.Ulong),
            BtfField.Bits((int)Frozen * 8, 1, "frozen", _builder.Uint), Whole(Pid, "pid", _builder.Int), Whole(Tgid, "tgid", _builder.Int),
            Whole(StartTime, "start_boottime", _builder.Ulong), Whole(Sighand, "sighand", _builder.VoidPointer), Whole(Signal, "signal", _builder.VoidPointer),
            Whole(Cgroups, "cgroups", _builder.VoidPointer), Whole(Leader, "group_leader", _builder.VoidPointer), Whole(Parent, "real_parent", _builder.VoidPointer),
            Whole(Comm, "comm", types.Array(_builder.Char, 16)), Whole(Tasks, "tasks", _builder.ListHead), Whole(ThreadNode, "thread_node", _builder.ListHead),
            Whole(Pending, "pending", pending));
        types.Struct("css_set", 16, BtfField.At(0, "dfl_cgrp", _builder.VoidPointer));
        types.Struct("cgroup", 16, BtfField.At(0, "level", _builder.Int), BtfField.At(8, "kn", _builder.VoidPointer));
        types.Struct("kernfs_node", 16, BtfField.At(0, "parent", _builder.VoidPointer), BtfField.At(8, "name", _builder.VoidPointer));
        types.Struct("process_timer", 48, BtfField.At(40, "task", _builder.VoidPointer));
        types.Struct("tick_device", 16, BtfField.At(0, "evtdev", _builder.VoidPointer));
        types.Struct("clock_event_device", 16, BtfField.At(0, "next_event", _builder.Long));
        types.Struct("rq", 16, BtfField.At(0, "curr", _builder.VoidPointer), BtfField.At(8, "idle", _builder.VoidPointer));
        types.Struct("kernel_stat", 16, BtfField.At(0, "irqs_sum", _builder.Ulong));
    }

    private static BtfField Whole(ulong offset, string name, int type) => BtfField.At((int)offset, name, type);
}
