using System.Diagnostics;
using Watari.Processes;

namespace Watari.SystemTests.Checkpoint;

/// <summary>Checkpoints that come to nothing: a sentence that says why and where the container is, the right exit code, and nothing left.</summary>
public sealed class CheckpointErrorTests(CheckpointHost host) : IClassFixture<CheckpointHost>, IAsyncLifetime
{
    private readonly List<string> _mounts = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (await host.Containers.StatusAsync("counter", Cancellation) is null) await host.Containers.RunAsync("counter", cancellation: Cancellation);
    }

    [Fact]
    public async Task A_directory_that_is_not_empty_is_left_as_it_is()
    {
        string full = Directory.CreateDirectory(Path.Combine(host.Folder, "full")).FullName;
        await File.WriteAllTextAsync(Path.Combine(full, "notes"), "mine", Cancellation);

        Run run = await CheckpointAsync(full);

        await AssertRunsOnAsync(run, 4, $"'{full}' is not empty");
        Assert.Equal([Path.Combine(full, "notes")], Directory.GetFileSystemEntries(full));
    }

    [Fact]
    public async Task An_empty_directory_becomes_the_checkpoint()
    {
        string empty = Directory.CreateDirectory(Path.Combine(host.Folder, "empty")).FullName;

        Run run = await CheckpointAsync(empty, "--leave-running");

        Assert.True(run.Code == 0, run.Error);
        Assert.True(File.Exists(Path.Combine(empty, "inventory.img")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(empty));
        Assert.Empty(Directory.GetFileSystemEntries(host.Folder, "empty.partial*"));
    }

    [Fact]
    public async Task A_directory_whose_parent_does_not_exist_is_refused()
    {
        Run run = await CheckpointAsync(Path.Combine(host.Folder, "none", "redis"));

        await AssertRunsOnAsync(run, 4, $"'{Path.Combine(host.Folder, "none")}' does not exist");
        Assert.False(Directory.Exists(Path.Combine(host.Folder, "none")));
    }

    [Fact]
    public async Task A_file_in_the_place_of_the_directory_is_refused_and_kept()
    {
        string file = Path.Combine(host.Folder, "file");
        await File.WriteAllTextAsync(file, "mine", Cancellation);

        Run run = await CheckpointAsync(file);

        await AssertRunsOnAsync(run, 4, $"'{file}' is a file");
        Assert.Equal("mine", await File.ReadAllTextAsync(file, Cancellation));
    }

    [Fact]
    public async Task A_file_system_that_cannot_be_written_is_refused()
    {
        string place = await MountAsync("read-only", "ro");

        Run run = await CheckpointAsync(Path.Combine(place, "saved"));

        await AssertRunsOnAsync(run, 4, "Nothing can be written");
    }

    [Fact]
    public async Task A_disk_with_too_little_room_is_refused_before_the_freeze()
    {
        string place = await MountAsync("small", "size=16k");

        Run run = await CheckpointAsync(Path.Combine(place, "saved"));

        await AssertRunsOnAsync(run, 4, "make room");
        Assert.Empty(Directory.GetFileSystemEntries(place));
    }

    [Fact]
    public async Task A_disk_that_is_full_in_the_middle_leaves_nothing_and_the_container_runs_on()
    {
        // Room for the bytes, but not for the names.
        string place = await MountAsync("few", "size=64m,nr_inodes=8");

        Run run = await CheckpointAsync(Path.Combine(place, "saved"));

        await AssertRunsOnAsync(run, 5, "could not be written");
        Assert.Empty(Directory.GetFileSystemEntries(place));
    }

    [Fact]
    public async Task A_container_or_process_that_does_not_exist_is_not_found()
    {
        Run container = await host.WatariAsync("checkpoint", "nobody", "--directory", Path.Combine(host.Folder, "nobody"));
        Run process = await host.WatariAsync("checkpoint", "--pid", "99999", "--vm", "vm-a", "--directory", Path.Combine(host.Folder, "nobody"));
        Run vm = await host.WatariAsync("checkpoint", "--pid", "1", "--vm", "vm-z", "--directory", Path.Combine(host.Folder, "nobody"));

        Assert.Equal((3, 3, 3), (container.Code, process.Code, vm.Code));
        Assert.Contains("nobody", container.Error, StringComparison.Ordinal);
        Assert.Contains("99999", process.Error, StringComparison.Ordinal);
        Assert.Contains("vm-z", vm.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(host.Folder, "nobody")));
    }

    [Fact]
    public async Task What_cannot_be_carried_is_refused_and_was_never_frozen()
    {
        string pid = await host.Guest.Console.CheckAsync("odd flock", StockGuest.Patience, Cancellation);
        string switches = await SwitchesOfAsync(pid);

        Run run = await host.WatariAsync("checkpoint", "--pid", pid, "--vm", "vm-a", "--directory", Path.Combine(host.Folder, "flock"));

        Assert.Equal(4, run.Code);
        Assert.Contains("it holds a lock (flock)", run.Error, StringComparison.Ordinal);
        Assert.Contains($"pid {pid} runs on in host-a/vm-a.", run.Error, StringComparison.Ordinal);
        Assert.Equal(switches, await SwitchesOfAsync(pid));
        Assert.False(Directory.Exists(Path.Combine(host.Folder, "flock")));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string mount in _mounts) await RunAsync("umount", mount);
    }

    private Task<Run> CheckpointAsync(string directory, params string[] more) => host.WatariAsync(["checkpoint", "counter", "--directory", directory, .. more]);

    private async Task AssertRunsOnAsync(Run run, int code, string words)
    {
        Assert.True(run.Code == code, run.Error);
        Assert.Contains(words, run.Error, StringComparison.Ordinal);
        Assert.Contains("Container 'counter' runs on in VM 'vm-a'", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(host.Folder, "*.partial*"));
        Assert.Equal("running", await host.Containers.StatusAsync("counter", Cancellation));
        Assert.True((await host.Containers.ReportAsync(cancellation: Cancellation)).GetProperty("intact").GetBoolean());
    }

    /// <summary>How often the process has gone to sleep: a task that was woken to be frozen has once more.</summary>
    private Task<string> SwitchesOfAsync(string pid) => host.Guest.Console.CheckAsync($"grep ctxt_switches /proc/{pid}/status", cancellation: Cancellation);

    private async Task<string> MountAsync(string name, string options)
    {
        string place = Directory.CreateDirectory(Path.Combine(host.Folder, name)).FullName;
        await RunAsync("mount", "-t", "tmpfs", "-o", options, "watari-test", place);
        _mounts.Add(place);
        return place;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.Equal(0, process.ExitCode);
    }
}
