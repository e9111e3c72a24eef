using System.Text.Json;
using Watari.Guests;
using Watari.Processes;
using Watari.SystemTests.Migration.Faults;

namespace Watari.SystemTests.Migration.Podman;

/// <summary>A container of podman's is moved with its files and is podman's own at its destination.</summary>
[Collection(nameof(HeldHosts))]
public sealed class PodmanMigrationTests : MigrationTest
{
    private readonly TwoHosts _hosts;
    private readonly PodmanWeb _a;
    private readonly PodmanWeb _b;

    public PodmanMigrationTests(HeldHosts held)
        : base(held.Hosts)
    {
        _hosts = held.Hosts;
        _a = new PodmanWeb(_hosts.A);
        _b = new PodmanWeb(_hosts.B);
    }

    [Fact]
    public async Task It_moves_there_and_back_with_its_files_and_podman_has_it_as_its_own()
    {
        await _a.RunAsync();
        string files = await _a.FilesAsync();
        int counted = await _a.CountAsync();

        JsonElement job = await MigrateAsync("vm-b");

        Assert.Equal(JsonValueKind.Null, job.GetProperty("left").ValueKind);
        string[] parts = [.. job.GetProperty("downtime").GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("name").GetString()!)];
        Assert.All((string[])["freeze", "capture", "files", "send", "archive", "skeleton", "memwrite", "thaw"], part => Assert.Contains(part, parts));
        Assert.Equal("", await _a.TracesAsync());
        Assert.Equal(files, await _b.FilesAsync());
        Assert.Equal("web running\nbooks", await _b.TracesAsync());
        Assert.True(await _b.CountAsync() > counted);
        await _b.CountsAsync();

        await MigrateAsync("vm-a");

        Assert.Equal("", await _b.TracesAsync());
        Assert.Equal(files, await _a.FilesAsync());
        await _a.CountsAsync();
        Assert.Contains("/books/count", await _a.InAsync("podman top web args; podman exec web ls /books/count"), StringComparison.Ordinal);
        Assert.Equal("exited", await _a.InAsync("podman stop -t 0 web >/dev/null; podman inspect -f '{{.State.Status}}' web"));
        await _a.InAsync("podman start web");
        await _a.CountsAsync();
        Assert.Equal("kept", await _a.InAsync("podman exec web cat /books/kept"));
        await _a.RemoveAsync();
        Assert.Equal("", await _a.TracesAsync());
        await MigrationAssert.KernelIsContentAsync(_hosts.A);
        await MigrationAssert.KernelIsContentAsync(_hosts.B);
    }

    private async Task<JsonElement> MigrateAsync(string to, params string[] options)
    {
        Run run = await _hosts.WatariAsync(["migrate", "web", "--to", to, "-o", "json", .. options]);
        Assert.True(run.Code == 0, run.Error);
        TestContext.Current.TestOutputHelper!.WriteLine(run.Out);
        return JsonDocument.Parse(run.Out).RootElement;
    }
}
