using System.Diagnostics;
using System.Text.Json.Nodes;
using Watari.GrainInterfaces.Model;
using Watari.Guests;
using Watari.Introspection.Kernel;
using Watari.Introspection.Time;
using Watari.Silo.Engine.Vms;

namespace Watari.SystemTests.Introspection;

/// <summary>A guest that boots anew: nobody clears its memory.</summary>
public sealed class RebootTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task From_a_reset_on_no_kernel_is_found_but_the_one_that_runs()
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "reboot" }, Cancellation);
        await using VmLease lease = await GuestVm.AttachAsync(guest.Name, guest.Directory.DirectoryPath, Cancellation);
        GuestVm vm = lease.Vm;
        GuestKernel before = await Task.Run(vm.Kernel, Cancellation);
        var ended = new TaskCompletionSource();
        await using CancellationTokenRegistration end = vm.Life.Ended.Register(ended.SetResult);

        await vm.Machine.Qmp.ExecuteAsync("set-action", new JsonObject { ["reboot"] = "reset" }, cancellation: Cancellation);
        await vm.Machine.Qmp.ExecuteAsync("system_reset", cancellation: Cancellation);
        await ended.Task.WaitAsync(Cancellation);
        long reset = Stopwatch.GetTimestamp();

        using (vm.Machine.Hold())
        {
            // All of the last one is there yet, and would be taken for the guest's.
            Assert.Equal(before.CoreInfo.Address, GuestKernel.Attach(vm.Memory).CoreInfo.Address);
            EngineException none = await Assert.ThrowsAsync<EngineException>(() => Task.Run(vm.Kernel, Cancellation));
            Assert.Contains("no Linux kernel has booted there yet", none.Message, StringComparison.Ordinal);
        }

        GuestKernel after = await FirstKernelAsync(vm);
        Assert.InRange(LiveView.Look(after, GuestClocks.Read).Boottime, 0, Stopwatch.GetElapsedTime(reset).TotalNanoseconds);
    }

    private static async Task<GuestKernel> FirstKernelAsync(GuestVm vm)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            try
            {
                return await Task.Run(vm.Kernel, Cancellation);
            }
            catch (EngineException)
            {
                limit.Token.ThrowIfCancellationRequested(); // it boots
            }
        }
    }
}
