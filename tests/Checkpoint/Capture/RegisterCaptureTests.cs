using Watari.Checkpoint.Capture.Processes;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Tests.Capture;

public sealed class RegisterCaptureTests
{
    private const ulong AfterSyscall = 0x401002;

    [Theory]
    [InlineData(-512)]
    [InlineData(-513)]
    [InlineData(-514)]
    [InlineData(-516)]
    public void An_interrupted_system_call_is_called_again(long result)
    {
        PtRegs registers = RegisterCapture.Restart(new PtRegs { OrigAx = 35, Ax = (ulong)result, Ip = AfterSyscall });
        Assert.Equal((35ul, AfterSyscall - 2), (registers.Ax, registers.Ip));
    }

    [Theory]
    [InlineData(-4)]
    [InlineData(-515)]
    [InlineData(7)]
    public void A_system_call_with_a_result_keeps_it(long result)
    {
        PtRegs registers = RegisterCapture.Restart(new PtRegs { OrigAx = 232, Ax = (ulong)result, Ip = AfterSyscall });
        Assert.Equal(((ulong)result, AfterSyscall), (registers.Ax, registers.Ip));
    }

    [Fact]
    public void A_thread_that_was_in_no_system_call_keeps_whatever_its_registers_say()
    {
        PtRegs registers = RegisterCapture.Restart(new PtRegs { OrigAx = -1, Ax = unchecked((ulong)-512), Ip = AfterSyscall });
        Assert.Equal((unchecked((ulong)-512), AfterSyscall), (registers.Ax, registers.Ip));
    }
}
