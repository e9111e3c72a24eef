namespace Watari.Hypervisor.Tests;

public sealed class VirtualMachineTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_VM_tells_what_it_is_made_of()
    {
        await using RealQemu qemu = await RealQemu.StartAsync(
            "-name", "alpha", "-smp", "2", "-cpu", "max,-cx16", "-m", "64", "-object", "memory-backend-memfd,id=ram,size=64M,share=on", "-machine", "pc-q35-7.0,memory-backend=ram");
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        MachineDescription machine = await vm.DescribeAsync(Cancellation);

        Assert.Equal("alpha", vm.Name);
        Assert.Equal(qemu.ProcessId, vm.Process.Id);
        Assert.Equal("pc-q35-7.0", machine.MachineType);
        Assert.Equal(Accelerator.Tcg, machine.Accelerator);
        Assert.Equal(2, machine.VcpuCount);
        Assert.Equal(64 << 20, vm.Ram.Length);
        Assert.Equal(RunState.Prelaunch, await vm.StateAsync(Cancellation));
    }

    [Fact]
    public async Task CPU_features_tell_which_VM_offers_less()
    {
        await using RealQemu full = await StartWithCpuAsync("max,-cx16");
        await using RealQemu less = await StartWithCpuAsync("max,-cx16,-avx2,-rdrand,-la57");
        await using VirtualMachine a = await VirtualMachine.AttachAsync(full.SocketPath, cancellation: Cancellation);
        await using VirtualMachine b = await VirtualMachine.AttachAsync(less.SocketPath, cancellation: Cancellation);
        CpuFeatures all = (await a.DescribeAsync(Cancellation)).CpuFeatures;
        CpuFeatures fewer = (await b.DescribeAsync(Cancellation)).CpuFeatures;

        Assert.Contains("avx2", all.Names);
        Assert.Contains("la57", all.Names);
        Assert.DoesNotContain("cx16", all.Names);
        Assert.Equal(["avx2", "rdrand"], all.MissingOn(fewer)); // la57 is the kernel's
        Assert.Empty(fewer.MissingOn(all));

        static Task<RealQemu> StartWithCpuAsync(string cpu) => RealQemu.StartAsync(
            "-cpu", cpu, "-m", "64", "-object", "memory-backend-memfd,id=ram,size=64M,share=on", "-machine", "q35,memory-backend=ram");
    }

    [Fact]
    public async Task Pause_and_resume_may_be_said_twice()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);

        await vm.ResumeAsync(Cancellation);
        await vm.ResumeAsync(Cancellation);
        Assert.Equal(RunState.Running, await vm.StateAsync(Cancellation));
        await vm.PauseAsync(Cancellation);
        await vm.PauseAsync(Cancellation);
        Assert.Equal(RunState.Paused, await vm.StateAsync(Cancellation));
    }

    [Fact]
    public async Task A_running_VM_goes_on_when_the_last_hold_of_it_ends()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        await vm.ResumeAsync(Cancellation);

        PausedVm first = await vm.HoldAsync(Cancellation);
        PausedVm second = await vm.HoldAsync(Cancellation);
        await first.DisposeAsync();
        await first.DisposeAsync(); // ends it once only
        Assert.Equal(RunState.Paused, await vm.StateAsync(Cancellation));
        second.Dispose();

        Assert.Equal(RunState.Running, await vm.StateAsync(Cancellation));
    }

    [Fact]
    public async Task A_held_VM_is_told_apart_from_one_that_stands_still_by_itself()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        await vm.ResumeAsync(Cancellation);

        using (await vm.HoldAsync(Cancellation)) Assert.Equal(RunState.Running, await vm.StateApartFromHoldsAsync(Cancellation));
        Assert.Equal(RunState.Running, await vm.StateApartFromHoldsAsync(Cancellation));
        await vm.PauseAsync(Cancellation);
        using (await vm.HoldAsync(Cancellation)) Assert.Equal(RunState.Paused, await vm.StateApartFromHoldsAsync(Cancellation));
        Assert.Equal(RunState.Paused, await vm.StateApartFromHoldsAsync(Cancellation));
    }

    [Fact]
    public async Task A_VM_that_stood_still_before_a_hold_stands_still_after_it()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        await vm.ResumeAsync(Cancellation);
        await vm.PauseAsync(Cancellation);

        await using (await vm.HoldAsync(Cancellation))
        {
        }

        Assert.Equal(RunState.Paused, await vm.StateAsync(Cancellation));
    }

    [Fact]
    public async Task Resuming_a_VM_that_is_held_waits_for_the_hold()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);

        await using (await vm.HoldAsync(Cancellation))
        {
            await vm.ResumeAsync(Cancellation);
            Assert.NotEqual(RunState.Running, await vm.StateAsync(Cancellation));
        }

        Assert.Equal(RunState.Running, await vm.StateAsync(Cancellation));
    }

    [Fact]
    public async Task A_VM_let_go_in_the_middle_of_a_hold_runs_on()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        PausedVm hold;
        await using (VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation))
        {
            await vm.ResumeAsync(Cancellation);
            hold = await vm.HoldAsync(Cancellation);
        }
        await hold.DisposeAsync();

        await using VirtualMachine again = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        Assert.Equal(RunState.Running, await again.StateAsync(Cancellation));
    }

    [Fact]
    public async Task A_hold_that_was_given_up_does_not_leave_the_VM_standing()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, null, TimeSpan.FromSeconds(2), Cancellation);
        vm.Resume();
        using QmpEventWait resumed = vm.Qmp.ExpectEvent("RESUME");

        qemu.Signal("STOP"); // the process, not the guest: it hangs
        Assert.Throws<QmpTimeoutException>(vm.Hold);
        qemu.Signal("CONT");

        await resumed.Task;
        Assert.Equal(RunState.Running, await vm.StateAsync(Cancellation));
    }

    [Fact]
    public async Task A_stop_that_takes_effect_long_after_its_hold_was_given_up_is_undone()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, null, TimeSpan.FromMilliseconds(300), Cancellation);
        vm.Resume();
        using QmpEventWait stopped = vm.Qmp.ExpectEvent("STOP"), resumed = vm.Qmp.ExpectEvent("RESUME");

        qemu.Signal("STOP");
        Assert.Throws<QmpTimeoutException>(vm.Hold);
        Assert.Throws<QmpTimeoutException>(vm.Hold);
        qemu.Signal("CONT");

        await stopped.Task;
        await resumed.Task;
        Assert.Equal(RunState.Running, await vm.StateAsync(Cancellation));
        await using (await vm.HoldAsync(Cancellation))
        {
            Assert.Equal(RunState.Paused, await vm.StateAsync(Cancellation));
        }

        Assert.Equal(RunState.Running, await vm.StateAsync(Cancellation));
    }

    [Fact]
    public async Task A_VM_whose_holder_died_goes_on_when_it_is_attached_to_again()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await DieHoldingAsync(qemu, vm => vm.Resume());
        Assert.True(VirtualMachine.MayBeAbandoned(qemu.SocketPath));

        await using VirtualMachine again = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);

        Assert.Equal(RunState.Running, await again.StateAsync(Cancellation));
        Assert.False(VirtualMachine.MayBeAbandoned(qemu.SocketPath));
    }

    [Fact]
    public async Task A_VM_that_was_paused_before_its_holder_died_stays_so()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await DieHoldingAsync(qemu, vm =>
        {
            vm.Resume();
            vm.Pause();
        });
        Assert.False(VirtualMachine.MayBeAbandoned(qemu.SocketPath));

        await using VirtualMachine again = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);

        Assert.Equal(RunState.Paused, await again.StateAsync(Cancellation));
    }

    [Fact]
    public async Task A_VM_that_another_paused_after_a_hold_stays_so()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync("control.sock");
        await using (VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation))
        {
            vm.Resume();
            await using (await vm.HoldAsync(Cancellation))
            {
            }

            await using QmpClient operators = await QmpClient.ConnectAsync(Path.Combine(qemu.DirectoryPath, "control.sock"), cancellation: Cancellation);
            await operators.ExecuteAsync("stop", cancellation: Cancellation);
            await vm.Qmp.DisposeAsync();
        }

        await using VirtualMachine again = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        Assert.Equal(RunState.Paused, await again.StateAsync(Cancellation));
    }

    [Fact]
    public async Task The_mark_of_another_QEMU_means_nothing()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await DieHoldingAsync(qemu, vm => vm.Resume());
        string mark = qemu.SocketPath + ".held";
        byte[] word = await File.ReadAllBytesAsync(mark, Cancellation);
        word[0]++; // a QEMU that started at another time
        await File.WriteAllBytesAsync(mark, word, Cancellation);

        await using VirtualMachine again = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);

        Assert.Equal(RunState.Paused, await again.StateAsync(Cancellation));
        Assert.False(VirtualMachine.MayBeAbandoned(qemu.SocketPath));
    }

    [Fact]
    public async Task A_mark_that_cannot_be_made_is_an_error_that_names_the_directory()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        Directory.CreateDirectory(qemu.SocketPath + ".held");

        HypervisorException refusal = await Assert.ThrowsAsync<HypervisorException>(() => VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation));

        Assert.Contains(qemu.SocketPath, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_befalls_a_VM_is_told_up_to_its_end()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        IAsyncEnumerable<VmEvent> events = vm.Events(Cancellation);

        await vm.ResumeAsync(Cancellation);
        await vm.PauseAsync(Cancellation);
        await vm.Qmp.ExecuteAsync("system_reset", cancellation: Cancellation);
        await vm.Qmp.ExecuteAsync("quit", cancellation: Cancellation);

        List<VmEventKind> told = await events.Select(happened => happened.Kind).ToListAsync(Cancellation);
        Assert.Equal([VmEventKind.Resumed, VmEventKind.Stopped], told[..2]);
        Assert.Contains(VmEventKind.Reset, told);
        Assert.Contains(VmEventKind.ShuttingDown, told);
        Assert.Equal(VmEventKind.Gone, told[^1]);
    }

    [Fact]
    public async Task The_end_of_a_VM_in_the_middle_of_a_hold_is_no_error_of_the_hold()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        await vm.ResumeAsync(Cancellation);

        await using (await vm.HoldAsync(Cancellation))
        {
            qemu.Signal("KILL");
            await vm.Qmp.Disconnected;
        }
    }

    /// <summary>Holds the VM, and loses the monitor in the middle as a process does that is killed.</summary>
    private static async Task DieHoldingAsync(RealQemu qemu, Action<VirtualMachine> before)
    {
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation);
        before(vm);
        await using PausedVm hold = await vm.HoldAsync(Cancellation);
        Assert.Equal(RunState.Paused, await vm.StateAsync(Cancellation));
        await vm.Qmp.DisposeAsync();
    }
}
