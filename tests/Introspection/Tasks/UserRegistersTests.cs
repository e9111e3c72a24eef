using System.Runtime.CompilerServices;
using Watari.Introspection.Tasks;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Tasks;

public sealed class UserRegistersTests : IDisposable
{
    private const int ThreadSize = 16384;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _task;
    private readonly GuestVirtualAddress _stack;

    public UserRegistersTests()
    {
        _builder.Types.Struct("task_struct", 24, BtfField.At(0, "pid", _builder.Int), BtfField.At(4, "on_cpu", _builder.Int), BtfField.At(8, "stack", _builder.VoidPointer));
        _task = _builder.Allocate(24);
        _stack = _builder.Allocate(ThreadSize, GuestPage.Size);
        _builder.Put(_task, 42).Put(_task + 8, _stack);
    }

    public void Dispose() => _builder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(16)] // CONFIG_X86_FRED
    public void Registers_lie_at_the_top_of_the_stack(int padding)
    {
        Save(new PtRegs { Ip = 0x401000, Sp = 0x7ffe_0000_1000, OrigAx = -1, Cs = 0x1_0033, Ss = 0x8_002b, R15 = 15 }, padding);

        PtRegs registers = Task().Registers;

        Assert.Equal(0x401000UL, registers.Ip);
        Assert.Equal(15UL, registers.R15);
        Assert.Equal(-1, registers.OrigAx);
        Assert.Equal((0x33UL, 0x2bUL), (registers.Cs, registers.Ss));
    }

    [Fact]
    public void A_thread_that_runs_has_its_registers_in_the_processor()
    {
        Save(new PtRegs { Cs = 0x33, Ss = 0x2b }, 0);
        _builder.Put(_task + 4, 1);

        Assert.Contains("42", Assert.Throws<KernelWalkException>(() => Task().Registers).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_thread_of_the_kernel_has_none()
    {
        Save(new PtRegs { Cs = 0x10, Ss = 0x18 }, 0);

        Assert.Throws<KernelWalkException>(() => Task().Registers);
    }

    [Fact]
    public void The_size_of_stacks_is_that_of_the_first_tasks()
    {
        _builder.Symbol("__start_init_stack", new GuestVirtualAddress(0xffff_ffff_8010_8000)).Symbol("__end_init_stack", new GuestVirtualAddress(0xffff_ffff_8010_a000));
        _builder.Put(_stack + 8192 - (ulong)Unsafe.SizeOf<PtRegs>(), new PtRegs { Ip = 5, Cs = 0x33, Ss = 0x2b });

        Assert.Equal(5UL, Task().Registers.Ip);
    }

    private void Save(PtRegs registers, int padding) =>
        _builder.Put(_stack + (ulong)(ThreadSize - padding - Unsafe.SizeOf<PtRegs>()), registers);

    private TaskStruct Task() => _builder.Boot().Attach().At<TaskStruct>(_task);
}
