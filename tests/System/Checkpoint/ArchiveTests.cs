using System.Text;
using System.Text.Json;
using Watari.Checkpoint.Archives;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Checkpoint;

/// <summary>Archives made from outside, and archives made by podman: each is read by the tools of the other.</summary>
public sealed class ArchiveTests(CheckpointHost host) : IClassFixture<CheckpointHost>
{
    private const string Cli = "/usr/bin/redis-cli -s /run/redis.sock";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_saved_from_outside_is_read_by_checkpointctl_and_restored_by_podman_with_its_files()
    {
        await StartRedisAsync(host.Guest.Console, "web", "-v books:/data");
        await InAsync("root=$(podman mount web) && echo changed >$root/etc/motd && mkdir $root/srv && ln -s /etc/motd $root/srv/link && rm $root/etc/passwd && podman unmount web >/dev/null");
        await InAsync("echo told >$(podman volume inspect -f '{{.Mountpoint}}' books)/story");
        await InAsync("podman exec web /usr/bin/redis-cli -s /run/redis.sock set last written");
        string digest = await InAsync($"podman exec web {Cli} debug digest");
        string archive = FileOf("web.tar.gz");

        Run run = await host.WatariAsync("checkpoint", "web", "--vm", "vm-a", "--export", archive);

        Assert.True(run.Code == 0, run.Error);
        Tell(run.Out);
        await InAsync("until [ \"$(podman inspect -f '{{.State.Status}}' web)\" = exited ]; do :; done; podman rm -f web; podman volume rm books");
        await using StockGuest stock = await StockGuest.StartAsync();
        await stock.PutAsync("/tmp/web.tar.gz", archive);
        GuestConsole console = stock.Guest.Console;
        string shown = await console.CheckAsync("checkpointctl show /tmp/web.tar.gz", StockGuest.Patience, Cancellation);
        Assert.All(["web", "localhost/redis:latest", "runc", "Podman"], word => Assert.Contains(word, shown, StringComparison.Ordinal));
        string inspected = await console.CheckAsync("checkpointctl inspect --ps-tree --ps-tree-cmd --stats --mounts /tmp/web.tar.gz", StockGuest.Patience, Cancellation);
        Assert.All(["Memdump time", "redis-server", "/data", "Root FS diff size"], word => Assert.Contains(word, inspected, StringComparison.OrdinalIgnoreCase));

        await console.CheckAsync("podman container restore --import /tmp/web.tar.gz", StockGuest.Patience, Cancellation);

        Assert.Equal(digest, await console.CheckAsync($"podman exec web {Cli} debug digest", StockGuest.Patience, Cancellation));
        string files = await console.CheckAsync(
            "root=$(podman mount web); cat $root/etc/motd; readlink $root/srv/link; [ ! -e $root/etc/passwd ] && echo gone; cat $(podman volume inspect -f '{{.Mountpoint}}' books)/story", StockGuest.Patience, Cancellation);
        Assert.Equal(["changed", "/etc/motd", "gone", "told"], files.Split('\n'));
        Assert.Equal("running", await console.CheckAsync("podman inspect -f '{{.State.Status}}' web", StockGuest.Patience, Cancellation));
    }

    [Fact]
    public async Task What_podman_has_saved_is_restored_from_outside_and_is_an_ordinary_container_again()
    {
        string archive = FileOf("theirs.tar.zst");
        string digest;
        await using (StockGuest stock = await StockGuest.StartAsync())
        {
            digest = await StartRedisAsync(stock.Guest.Console, "theirs", "-v theirs:/data");
            await stock.Guest.Console.CheckAsync("podman container checkpoint --export /tmp/theirs.tar.zst --compress zstd theirs", StockGuest.Patience, Cancellation);
            await File.WriteAllBytesAsync(archive, await stock.ReadAsync("/tmp/theirs.tar.zst"), Cancellation);
        }

        Run run = await host.WatariAsync("restore", archive, "--to", "vm-a", "-o", "json");

        Assert.True(run.Code == 0, run.Error);
        Tell(run.Out);
        string id = JsonDocument.Parse(run.Out).RootElement.GetProperty("container").GetString()!;
        Assert.Equal($"{id} running", await InAsync("podman inspect -f '{{.Id}} {{.State.Status}}' theirs"));
        Assert.Equal(digest, await InAsync($"podman exec theirs {Cli} debug digest"));
        Assert.Equal("", await InAsync("ls /run/watari/jobs"));

        // Again: it is there, and what is there is not touched.
        Run again = await host.WatariAsync("restore", archive, "--to", "vm-a");
        Assert.Equal(4, again.Code);
        Assert.Contains("has a container", again.Error, StringComparison.Ordinal);
        Assert.Equal(digest, await InAsync($"podman exec theirs {Cli} debug digest"));
        Assert.Equal("exited", await InAsync("podman stop -t 0 theirs >/dev/null; podman inspect -f '{{.State.Status}}' theirs"));
        Assert.Contains("Ready to accept connections", await InAsync("podman start theirs >/dev/null; until podman logs theirs 2>&1 | grep Ready; do :; done; podman rm -f -t 0 theirs >/dev/null; podman volume rm theirs >/dev/null"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_container_that_runs_on_and_its_twin_of_an_archive_have_the_same_data()
    {
        string digest = await StartRedisAsync(host.Guest.Console, "first", "--restart always -v shelf:/data");
        string archive = FileOf("first.tar");

        Run ended = await host.WatariAsync("checkpoint", "first", "--vm", "vm-a", "-e", archive);
        Run saved = await host.WatariAsync("checkpoint", "first", "--vm", "vm-a", "-e", archive, "-R", "--ignore-volumes", "-o", "json");
        Run unasked = await host.WatariAsync("restore", archive, "--to", "vm-a", "--name", "second");
        Run restored = await host.WatariAsync("restore", archive, "--to", "vm-a", "--name", "second", "--ignore-volumes");

        Assert.Equal(4, ended.Code);
        Assert.Contains("has the restart policy 'always', by which it would be started again as soon as it ends", ended.Error, StringComparison.Ordinal);
        Assert.True(saved.Code == 0, saved.Error);
        Assert.Equal(4, unasked.Code);
        Assert.Contains("it is without what is in its volumes (shelf); --ignore-volumes restores it", unasked.Error, StringComparison.Ordinal);
        Assert.True(restored.Code == 0, restored.Error);
        Tell(saved.Out + restored.Out);
        Assert.Equal([digest, digest], (await InAsync($"for c in first second; do podman exec $c {Cli} debug digest; done")).Split('\n'));
        using (FileStream file = File.OpenRead(archive))
        {
            CheckpointArchive read = CheckpointArchive.Read(file, ArchiveLimits.Default, Cancellation);
            Assert.Equal(("first", ArchiveCompression.None), (read.Container.Name, read.Compression));
            Assert.DoesNotContain(read.Files.Keys, path => path.StartsWith("volumes/", StringComparison.Ordinal));
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(archive));
        await InAsync("podman rm -f -t 0 first second; podman volume rm shelf");
    }

    [Fact]
    public async Task An_archive_that_is_cut_off_or_not_there_is_refused_and_nothing_is_touched()
    {
        string archive = FileOf("half.tar");
        await File.WriteAllBytesAsync(archive, Encoding.ASCII.GetBytes("checkpoint/").Concat(new byte[501]).ToArray(), Cancellation);
        string before = await InAsync("podman ps -aq | wc -l; ls /run/watari/jobs | wc -l");

        Run half = await host.WatariAsync("restore", archive, "--to", "vm-a");
        Run missing = await host.WatariAsync("restore", FileOf("missing.tar"), "--to", "vm-a");
        Run taken = await host.WatariAsync("checkpoint", "--pid", "1", "--vm", "vm-a", "--export", archive);

        Assert.Equal((4, 3), (half.Code, missing.Code));
        Assert.Contains("Nothing was touched", half.Error, StringComparison.Ordinal);
        Assert.Contains("There is no archive", missing.Error, StringComparison.Ordinal);
        Assert.Equal(4, taken.Code);
        Assert.Equal(before, await InAsync("podman ps -aq | wc -l; ls /run/watari/jobs | wc -l"));
    }

    private static async Task<string> StartRedisAsync(GuestConsole console, string name, string options)
    {
        await console.CheckAsync($"podman run -d --name {name} --network none {options} localhost/redis", StockGuest.Patience, Cancellation);
        await console.CheckAsync($"until podman exec {name} {Cli} ping; do :; done", StockGuest.Patience, Cancellation);
        return await console.CheckAsync($"watari-fill-redis {name} 2", StockGuest.Patience, Cancellation);
    }

    private string FileOf(string name) => Path.Combine(host.Folder, name);

    private Task<string> InAsync(string command) => host.Guest.Console.CheckAsync(command, StockGuest.Patience, Cancellation);

    private static void Tell(string text) => TestContext.Current.TestOutputHelper!.WriteLine(text);
}
