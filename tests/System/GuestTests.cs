using Watari.Guests;
using Watari.Hypervisor;

namespace Watari.SystemTests;

public sealed class GuestTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_guest_starts_booted_does_what_its_shell_is_told_and_leaves_nothing()
    {
        int process;
        string directory;
        await using (Guest guest = await Guest.StartAsync(new GuestOptions { Name = "alpha" }, Cancellation))
        {
            directory = guest.Directory.DirectoryPath;
            process = Assert.Single(await guest.Launcher.ListAsync(Cancellation)).ProcessId!.Value;

            Assert.Equal("alpha", await guest.Console.CheckAsync("hostname", cancellation: Cancellation));
            Assert.Equal(new GuestCommandResult("one\ntwo", 3), await guest.Console.RunAsync("echo one; echo two >&2; (exit 3)", cancellation: Cancellation));
            long clock = long.Parse(await guest.Console.CheckAsync("date +%s", cancellation: Cancellation), System.Globalization.CultureInfo.InvariantCulture);
            Assert.InRange(clock, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 30, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 5);
            await Assert.ThrowsAsync<TimeoutException>(() => guest.Console.RunAsync("sleep 5", TimeSpan.FromSeconds(1), Cancellation));
        }

        Assert.False(Directory.Exists(directory));
        Assert.False(Runs(process), "QEMU has ended");
    }

    [Fact]
    public async Task Two_guests_from_one_saved_state_have_memory_and_disk_of_their_own()
    {
        await using Guest a = await Guest.StartAsync(new GuestOptions { Name = "a" }, Cancellation);
        await using Guest b = await Guest.StartAsync(new GuestOptions { Name = "b" }, Cancellation);

        await a.Console.CheckAsync("echo from-a >/dev/shm/x; echo from-a >/root/x; sync", cancellation: Cancellation);

        Assert.Equal("0", await b.Console.CheckAsync("cat /dev/shm/x /root/x 2>/dev/null | wc -l", cancellation: Cancellation));
        Assert.Equal("from-a\nfrom-a", await a.Console.CheckAsync("cat /dev/shm/x /root/x", cancellation: Cancellation));
    }

    [Fact]
    public async Task The_guests_memory_is_seen_from_outside()
    {
        await using Guest guest = await Guest.StartAsync(cancellation: Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        byte[] secret = Guid.NewGuid().ToByteArray();

        string octal = string.Concat(secret.Select(value => $"\\{Convert.ToString(value, 8).PadLeft(3, '0')}"));
        await guest.Console.CheckAsync($"printf '{octal}' >/tmp/secret", cancellation: Cancellation);

        await using PausedVm still = await vm.HoldAsync(Cancellation);
        Assert.True(Holds(vm.Ram, secret));
        Assert.False(Holds(vm.Ram, Guid.NewGuid().ToByteArray()));
    }

    [Fact]
    public async Task A_guest_that_is_held_stands_still_and_goes_on_after()
    {
        await using Guest guest = await Guest.StartAsync(cancellation: Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);

        await using (await vm.HoldAsync(Cancellation))
        {
            await Assert.ThrowsAsync<TimeoutException>(() => guest.Console.RunAsync("true", TimeSpan.FromSeconds(1), Cancellation));
        }

        Assert.Equal("still here", await guest.Console.CheckAsync("echo still here", cancellation: Cancellation));
    }

    [Fact]
    public async Task A_panic_is_told_and_the_dead_guest_stands_still()
    {
        await using Guest guest = await Guest.StartAsync(cancellation: Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        IAsyncEnumerable<VmEvent> events = vm.Events(Cancellation);

        await guest.Console.PanicAsync(Cancellation);

        Assert.Equal(VmEventKind.Panicked, await events.Select(happened => happened.Kind).FirstAsync(kind => kind != VmEventKind.Stopped, Cancellation));
        Assert.Equal(RunState.GuestPanicked, await vm.StateAsync(Cancellation));
        await using (await vm.HoldAsync(Cancellation))
        {
        }

        Assert.Equal(RunState.GuestPanicked, await vm.StateAsync(Cancellation));
    }

    /// <summary>A zombie that nobody has reaped yet has no command line any more.</summary>
    private static bool Runs(int process) => File.Exists($"/proc/{process}/cmdline") && File.ReadAllText($"/proc/{process}/cmdline").Length > 0;

    private static bool Holds(GuestRam ram, ReadOnlySpan<byte> bytes)
    {
        foreach (RamRegion region in ram.Regions)
        {
            foreach ((GuestPhysicalAddress start, long length) in region.Populated())
            {
                for (long done = 0; done < length; done += 1 << 20)
                {
                    if (region.Window(start + done, (int)Math.Min(1 << 20, length - done)).IndexOf(bytes) >= 0) return true;
                }
            }
        }
        return false;
    }
}
