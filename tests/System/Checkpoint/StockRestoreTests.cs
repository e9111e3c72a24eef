using System.Formats.Tar;
using System.Text.Json;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Verdicts;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;

namespace Watari.SystemTests.Checkpoint;

/// <summary>Containers read out of a guest's memory, in the eyes of the runtime that Debian ships.</summary>
public sealed class StockRestoreTests
{
    private static readonly string[] s_containers = ["redis", "counter", "kinds"];
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Containers_read_out_of_one_guest_go_on_in_another_restored_by_stock_runc()
    {
        using var folder = new TemporaryFolder();
        string digest;
        await using (Guest source = await Guest.StartAsync(new GuestOptions { Name = "source" }, Cancellation))
        {
            foreach (string container in s_containers)
                await source.Console.CheckAsync($"watari-run {container}", s_patience, Cancellation);
            await source.Console.CheckAsync("watari-fill-redis redis 5", s_patience, Cancellation);
            digest = await DigestIn(source);
            foreach (string container in s_containers)
                await source.Console.CheckAsync($"cd /sys/fs/cgroup/{container} && echo 1 >cgroup.freeze && until grep -q 'frozen 1' cgroup.events; do :; done", s_patience, Cancellation);
            await using VirtualMachine vm = await source.AttachAsync(Cancellation);
            var seen = new TestVm(vm);
            foreach (string container in s_containers)
                Save(seen, new TaskSelection.OfCgroup("/" + container), Path.Combine(folder.Path, container));
        }

        await using Guest target = await Guest.StartAsync(new GuestOptions { Name = "target" }, Cancellation);
        await using (VirtualMachine vm = await target.AttachAsync(Cancellation))
        {
            var seen = new TestVm(vm);
            foreach (string container in s_containers)
                await Restore(target, seen, container, Path.Combine(folder.Path, container));
        }

        Assert.Equal(digest, await DigestIn(target));
        using JsonDocument report = JsonDocument.Parse(await target.Console.CheckAsync("runc exec counter /bin/counter --report", s_patience, Cancellation));
        Assert.True(report.RootElement.GetProperty("intact").GetBoolean(), report.RootElement.GetRawText());
        string kinds = await target.Console.CheckAsync("runc exec kinds /bin/kinds --check || true", s_patience, Cancellation);
        Assert.All(kinds.Split('\n'), line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_cannot_be_carried_is_named_while_the_program_runs()
    {
        await using Guest guest = await Guest.StartAsync(cancellation: Cancellation);
        string pid = await guest.Console.CheckAsync(
            "setsid sh -c 'exec 3>/root/gone; rm /root/gone; exec sleep 1000' </dev/null >/dev/null 2>&1 & until pgrep -f '^sleep 1000'; do :; done", cancellation: Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        var seen = new TestVm(vm);
        var selection = new TaskSelection.OfProcessTree(int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture));
        ContainerCapture.Rehearse(seen.Kernel, selection);

        using StillGuest still = seen.Hold();
        Verdict refused = Assert.Single(ContainerCapture.Judge(still, selection), verdict => verdict.Kind == VerdictKind.Refused);
        Assert.Contains("/root/gone", refused.ToString(), StringComparison.Ordinal);
        Assert.Throws<FreezeException>(() => FrozenTasks.Observe(still, selection));
    }

    private static void Save(TestVm vm, TaskSelection selection, string folder)
    {
        using StillGuest still = vm.Hold();
        var contents = new GuestPageContents(still.Kernel.Memory);
        Container container = ContainerCapture.Capture(still, FrozenTasks.Observe(still, selection));
        CriuImageBuilder.Build(container, contents, CriuImageOptions.Default).WriteToDirectory(folder, contents);
    }

    private static async Task Restore(Guest guest, TestVm vm, string container, string folder)
    {
        using var archive = new MemoryStream();
        await TarFile.CreateFromDirectoryAsync(folder, archive, includeBaseDirectory: false, Cancellation);
        await LandingFile.WriteAsync(guest, vm, "/tmp/landing", archive.ToArray(), Cancellation);
        await guest.Console.CheckAsync($"mkdir -p /tmp/images && tar -xf /tmp/landing -C /tmp/images && rm /tmp/landing", cancellation: Cancellation);
        GuestCommandResult restored = await guest.Console.RunAsync(
            $"runc restore -d --bundle /var/lib/watari/bundles/{container} --image-path /tmp/images --work-path /tmp/work {container} </dev/null >/dev/null 2>/tmp/error; code=$?; "
            + "[ $code = 0 ] || { cat /tmp/error; grep Error /tmp/work/restore.log; }; rm -rf /tmp/images; (exit $code)", s_patience, Cancellation);
        Assert.True(restored.ExitCode == 0, $"{container}: {restored.Output}");
    }

    private static Task<string> DigestIn(Guest guest) =>
        guest.Console.CheckAsync("runc exec redis /usr/bin/redis-cli -s /run/redis.sock debug digest", s_patience, Cancellation);

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("watari-checkpoint-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
