using Watari.Introspection.Tasks;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Tasks;

public sealed class TaskTests : IDisposable
{
    private const ulong Tasks = 16, Signal = 32, Leader = 40, ThreadPid = 48, ThreadNode = 56, Flags = 72;
    private const int TaskSize = 80;
    private const ulong ThreadHead = 0;
    private const int SignalSize = 48;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _init;
    private readonly List<GuestVirtualAddress> _processes;

    public TaskTests()
    {
        BtfBuilder types = _builder.Types;
        int upid = types.Struct("upid", 16, BtfField.At(0, "nr", _builder.Int), BtfField.At(8, "ns", _builder.VoidPointer));
        types.Struct("pid", 32, BtfField.At(0, "level", _builder.Uint), BtfField.At(16, "numbers", types.Array(upid, 1)));
        types.Struct("task_struct", TaskSize, BtfField.At(0, "pid", _builder.Int), BtfField.At(4, "tgid", _builder.Int),
            BtfField.At((int)Tasks, "tasks", _builder.ListHead), BtfField.At((int)Signal, "signal", _builder.VoidPointer),
            BtfField.At((int)Leader, "group_leader", _builder.VoidPointer), BtfField.At((int)ThreadPid, "thread_pid", _builder.VoidPointer),
            BtfField.At((int)ThreadNode, "thread_node", _builder.ListHead), BtfField.At((int)Flags, "flags", _builder.Uint));
        types.Struct("signal_struct", SignalSize, BtfField.At(0, "thread_head", _builder.ListHead),
            BtfField.At(16, "pids", types.Array(_builder.VoidPointer, 4)));
        _init = _builder.AllocateGlobal("init_task", TaskSize);
        _processes = [_init];
    }

    public void Dispose() => _builder.Dispose();

    /// <summary>As /proc/PID/stat has them.</summary>
    [Theory]
    [InlineData(0u, 0u, 'R')]
    [InlineData(1u, 0u, 'S')]
    [InlineData(0x2001u, 0u, 'S')] // TASK_FREEZABLE
    [InlineData(2u, 0u, 'D')]
    [InlineData(0x102u, 0u, 'D')] // TASK_KILLABLE
    [InlineData(0x402u, 0u, 'I')]
    [InlineData(0x104u, 0u, 'T')]
    [InlineData(0x108u, 0u, 't')]
    [InlineData(0x80u, 0x20u, 'Z')]
    [InlineData(0x80u, 0x10u, 'X')]
    [InlineData(0x40u, 0u, 'P')]
    [InlineData(uint.MaxValue, uint.MaxValue, 'P')]
    public void A_state_has_the_letter_that_ps_shows(uint state, uint exitState, char letter) => Assert.Equal(letter, TaskStates.Letter(state, exitState));

    [Fact]
    public void Processes_come_in_their_order_with_their_threads()
    {
        GuestVirtualAddress first = Process(1);
        GuestVirtualAddress second = Process(20, 21, 22);
        GuestKernel kernel = Boot();

        var pids = new List<(int Process, int Thread)>();
        foreach (TaskStruct process in kernel.Processes)
        {
            foreach (TaskStruct thread in process.Threads) pids.Add((process.Pid, thread.Pid));
        }

        Assert.Equal([(1, 1), (20, 20), (20, 21), (20, 22)], pids);
        Assert.True(kernel.TryFindProcess(20, out TaskStruct found));
        Assert.Equal(second, found.Address);
        Assert.False(kernel.TryFindProcess(21, out _));
        Assert.True(kernel.At<TaskStruct>(first).IsGroupLeader);
    }

    [Fact]
    public void A_thread_has_an_id_in_each_namespace_that_sees_it()
    {
        GuestVirtualAddress process = Process(300);
        GuestVirtualAddress outer = new(0xffff_8880_0000_1000), inner = new(0xffff_8880_0000_2000);
        GuestVirtualAddress pid = _builder.Allocate(64);
        _builder.Put(pid, 1).Put(pid + 16, 300).Put(pid + 24, outer).Put(pid + 32, 1).Put(pid + 40, inner).Put(process + ThreadPid, pid);

        PidStruct ids = Boot().At<TaskStruct>(process).ThreadPid.Value;

        Assert.Equal(1, ids.Innermost.Nr);
        Assert.Equal(300, ids.IdIn(outer));
        Assert.Equal(1, ids.IdIn(inner));
        Assert.Null(ids.IdIn(new GuestVirtualAddress(0xffff_8880_0000_3000)));
    }

    [Fact]
    public void More_namespaces_than_can_be_nested_are_an_error()
    {
        GuestVirtualAddress process = Process(300);
        GuestVirtualAddress pid = _builder.Allocate(64);
        _builder.Put(pid, 33).Put(process + ThreadPid, pid);

        Assert.Equal("pid.level", Assert.Throws<KernelWalkException>(() => Boot().At<TaskStruct>(process).ThreadPid.Value.Innermost).Path);
    }

    [Fact]
    public void A_group_and_a_session_have_ids_of_their_own()
    {
        GuestVirtualAddress process = Process(300);
        GuestVirtualAddress session = _builder.Allocate(64);
        GuestVirtualAddress signal = new(BitConverter.ToUInt64(_builder.Guest.Memory.Span(GuestKernelBuilder.PhysicalOf(process + Signal), 8)));
        _builder.Put(session + 16, 77).Put(signal + 16 + 8 * (ulong)PidType.Sid, session);

        Assert.Equal(77, Boot().At<TaskStruct>(process).Signal.Value.Pid(PidType.Sid).Innermost.Nr);
    }

    [Fact]
    public void The_kernels_own_threads_are_told_by_their_flag()
    {
        GuestVirtualAddress process = Process(2);
        _builder.Put(process + Flags, 0x208040);

        Assert.True(Boot().At<TaskStruct>(process).IsKernelThread);
    }

    [Fact]
    public void Listing_processes_allocates_nothing()
    {
        for (int pid = 1; pid <= 50; pid++) Process(pid);
        GuestKernel kernel = Boot();
        Sum(kernel);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Sum(kernel);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
    }

    private static long Sum(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes) sum += process.Pid + process.Tgid + (process.IsKernelThread ? 1 : 0);
        return sum;
    }

    private GuestVirtualAddress Process(int pid, params int[] others)
    {
        GuestVirtualAddress signal = _builder.Allocate(SignalSize);
        GuestVirtualAddress[] threads = [.. others.Prepend(pid).Select(_ => _builder.Allocate(TaskSize))];
        for (int i = 0; i < threads.Length; i++)
            _builder.Put(threads[i], i == 0 ? pid : others[i - 1]).Put(threads[i] + 4, pid).Put(threads[i] + Signal, signal).Put(threads[i] + Leader, threads[0]);
        _builder.LinkList([signal + ThreadHead, .. threads.Select(thread => thread + ThreadNode)]);
        _processes.Add(threads[0]);
        return threads[0];
    }

    private GuestKernel Boot()
    {
        _builder.LinkList([.. _processes.Select(process => process + Tasks)]);
        return _builder.Boot().Attach();
    }
}
