using System.Collections.Immutable;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Verdicts;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;

namespace Watari.SystemTests.Checkpoint;

/// <summary>What a capture takes of a container's tmpfs.</summary>
public sealed class TmpfsTests
{
    private const string RootOfCounter = "/proc/$(head -1 /sys/fs/cgroup/counter/cgroup.procs)/root";

    private static readonly TimeSpan s_freeze = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_allocated_ahead_and_never_written_to_is_carried_as_zeroes()
    {
        // Debian's kernel clears memory when it gives it out; others do not, and then there lies what was there before.
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "tmpfs", KernelArguments = "init_on_alloc=0" }, Cancellation);
        await using VirtualMachine machine = await guest.AttachAsync(Cancellation);
        await In(guest, "head -c 200M /dev/urandom >/run/before && rm /run/before && watari-run counter");
        await In(guest, $"cd {RootOfCounter}/dev/shm && fallocate -l 8M ahead && printf written | dd of=ahead bs=4096 seek=3 conv=notrunc 2>/dev/null");
        var vm = new TestVm(machine);

        FrozenTasks frozen = new OutsideFreezer(vm.Kernel, vm.Writer, vm).FreezeAndHold(new TaskSelection.OfCgroup("/counter"), s_freeze, out StillGuest still);
        using (still)
        {
            Container container = ContainerCapture.Capture(still, frozen);
            TmpfsEntry ahead = container.Tmpfs.SelectMany(tree => tree.Root.Children).Single(entry => entry.Name == "ahead");
            byte[] bytes = new GuestPageContents(still.Kernel.Memory).BytesOf(ahead.Contents!).ToArray();

            byte[] expected = new byte[8 << 20];
            "written"u8.CopyTo(expected.AsSpan(3 * 4096));
            Assert.True(bytes.AsSpan().SequenceEqual(expected), "what lay in the memory before was taken for the file's");
        }
    }

    [Fact]
    public async Task Files_that_travel_whole_have_one_bound_over_all_mounts_their_holes_too()
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "tmpfs" }, Cancellation);
        await using VirtualMachine machine = await guest.AttachAsync(Cancellation);
        await In(guest, "watari-run counter");
        var vm = new TestVm(machine);

        await In(guest, $"cd {RootOfCounter}/dev && truncate -s 300M shm/hole && truncate -s 200M hole");
        Assert.DoesNotContain(Judge(vm), verdict => verdict.Kind == VerdictKind.Refused);

        await In(guest, $"cd {RootOfCounter}/dev && truncate -s 213M hole");
        Assert.Contains(Judge(vm), verdict => verdict.Kind == VerdictKind.Refused && verdict.ToString().Contains("more than 512 MiB", StringComparison.Ordinal));
    }

    private static ImmutableArray<Verdict> Judge(TestVm vm)
    {
        using StillGuest still = vm.Hold();
        return ContainerCapture.Judge(still, new TaskSelection.OfCgroup("/counter"));
    }

    private static Task<string> In(Guest guest, string command) => guest.Console.CheckAsync(command, StockGuest.Patience, Cancellation);
}
