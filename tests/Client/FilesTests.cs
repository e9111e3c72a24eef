using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using Watari.Client.Commands;
using Watari.Client.Files;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>Files and logs of containers: what is printed and copied, asked of real silos.</summary>
public sealed class FilesTests(TwoHosts hosts) : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("watari-files-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("", "hostname|link|\\x1b[31mred|")]
    [InlineData("-a", ".hidden|hostname|link|\\x1b[31mred|")]
    public async Task names_are_listed_by_their_pieces_and_none_can_steer_a_terminal(string option, string expected) =>
        Assert.Equal(expected, (await WatariAsync(["ls", "web:/etc", .. option.Split(' ', StringSplitOptions.RemoveEmptyEntries)])).Replace('\n', '|'));

    [Fact]
    public async Task a_long_list_is_as_that_of_ls()
    {
        string time = DateTimeOffset.UnixEpoch.ToLocalTime().ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture);

        Assert.Equal(
            $"""
            drwxr-xr-x 1 0 999 4096 {time} .hidden
            -rw-r--r-- 1 0 999    5 {time} hostname
            lrwxrwxrwx 1 0 999    8 {time} link -> hostname
            crw------- 1 0 999 5, 1 {time} \x1b[31mred

            """,
            await WatariAsync("ls", "-la", "web:/etc"));
        JsonElement link = JsonDocument.Parse(await WatariAsync("ls", "web:/etc", "-o", "json")).RootElement[1];
        Assert.Equal(("link", "symbolic link", "0777", "hostname"), (link.GetProperty("name").GetString(), link.GetProperty("type").GetString(), link.GetProperty("mode").GetString(), link.GetProperty("target").GetString()));
    }

    [Fact]
    public async Task a_file_is_printed_by_its_pieces() => Assert.Equal("web-1", await WatariAsync("cat", "web:/etc/hostname"));

    [Fact]
    public async Task changes_are_printed_as_docker_diff_does()
    {
        Assert.Equal("C /etc\nA /etc/\\x1b[31mred\nD /etc/motd\n", await WatariAsync("diff", "web"));
        Assert.Equal("deleted", JsonDocument.Parse(await WatariAsync("diff", "web", "-o", "json")).RootElement[2].GetProperty("change").GetString());
    }

    [Theory]
    [InlineData("", "line 1|line 3|line 4|line 5|")]
    [InlineData("--tail 2", "line 4|line 5|")]
    [InlineData("-n all --since 4", "line 4|line 5|")]
    [InlineData("-f -t --tail 1", "1970-01-01T00:00:05.000000005Z line 5|")]
    public async Task a_log_is_printed_as_docker_logs_does(string options, string expected)
    {
        Run run = await (await hosts.Cluster).WatariAsync(["logs", "web", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.Equal((0, expected), (run.Code, run.Out.Replace('\n', '|')));
        if (options.Length == 0) Assert.Equal("watari: 1 entry of the log was damaged or too long, and left out\nline 2\n", run.Error);
    }

    [Theory]
    [InlineData("1767323045", 1767323045, 0)]
    [InlineData("1767323045.25", 1767323045, 250_000_000)]
    [InlineData("2026-01-02T03:04:05Z", 1767323045, 0)]
    [InlineData("2026-01-02T04:04:05.5+01:00", 1767323045, 500_000_000)]
    [InlineData("1h30m", 1767323045 - 5400, 0)]
    [InlineData("500ms", 1767323044, 500_000_000)]
    public void a_time_is_written_as_for_docker(string text, long seconds, int nanoseconds)
    {
        Assert.True(LogsCommand.TryParse(text, DateTimeOffset.FromUnixTimeSeconds(1767323045), out LogMoment moment));
        Assert.Equal(new LogMoment(seconds, (uint)nanoseconds), moment);
    }

    [Theory]
    [InlineData("/etc/hostname", "", "hostname")]
    [InlineData("/etc/hostname", "new", "new")]
    public async Task a_file_is_copied_into_a_directory_or_to_a_name(string source, string destination, string at)
    {
        Assert.Equal("watari: etc/gone is left out\n", (await CopyAsync(source, destination)).Error);

        Assert.Equal("web-1", await File.ReadAllTextAsync(Path.Combine(_directory.FullName, at), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("/etc", "", "etc")]
    [InlineData("/etc", "new", "new")]
    public async Task a_directory_is_copied_with_its_links_as_they_are(string source, string destination, string at)
    {
        Assert.Equal(0, (await CopyAsync(source, destination)).Code);

        string copy = Path.Combine(_directory.FullName, at);
        Assert.Equal(["hostname", "link", "second"], Directory.EnumerateFileSystemEntries(copy).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("hostname", new FileInfo(Path.Combine(copy, "link")).LinkTarget);
        Assert.Equal("web-1", await File.ReadAllTextAsync(Path.Combine(copy, "second"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task nothing_is_written_outside_of_the_copy()
    {
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "inner"));

        Run run = await CopyAsync("/hostile", "inner");

        Assert.Equal(["inner"], Directory.EnumerateFileSystemEntries(_directory.FullName).Select(Path.GetFileName));
        string copy = Path.Combine(_directory.FullName, "inner", "hostile");
        Assert.Equal(["out", "suid"], Directory.EnumerateFileSystemEntries(copy).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(copy, "suid")));
        Assert.False(File.Exists("/absolute"));
        Assert.Equal(7, run.Error.Split('\n').Count(line => line.Contains(" is left out: ", StringComparison.Ordinal)));
    }

    /// <summary>Bytes that are no UTF-8 read alike, all of them.</summary>
    [Fact]
    public async Task of_two_names_that_read_alike_the_second_is_left_out_with_all_that_is_in_it()
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, leaveOpen: true))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "c/"));
            foreach (string content in (string[])["first", "second"])
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "c/\ufffd/"));
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "c/\ufffd/file") { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "c/\ufffd/of " + content));
            }

            tar.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "c/last") { LinkName = "c/\ufffd/file" });
        }

        archive.Position = 0;
        List<string> problems = [];
        string copy = Path.Combine(_directory.FullName, "copy");
        Directory.CreateDirectory(copy);
        await new Extraction(copy, problems.Add).WriteAsync(archive, TestContext.Current.CancellationToken);

        Assert.Equal(["file", "of first"], Directory.EnumerateFiles(Path.Combine(copy, "\ufffd")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("first", await File.ReadAllTextAsync(Path.Combine(copy, "\ufffd", "file"), TestContext.Current.CancellationToken));
        Assert.False(File.Exists(Path.Combine(copy, "last")));
        Assert.Equal(4, problems.Count);
    }

    [Fact]
    public async Task an_archive_goes_to_standard_output_as_it_is()
    {
        Run run = await (await hosts.Cluster).WatariAsync("cp", "web:/etc/hostname", "-");

        Assert.Equal(0, run.Out.Length % 512);
        Assert.Contains("web-1", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void what_a_container_writes_cannot_steer_a_terminal()
    {
        using var output = new MemoryStream();
        using (var harmless = new GuestBytes.HarmlessStream(output)) harmless.Write("a\tü\n\u001b[2J\u009b\r\u202e"u8.ToArray().Append((byte)0xff).ToArray());

        Assert.Equal("a\tü\n\\x1b[2J\\xc2\\x9b\\x0d\\xe2\\x80\\xae\\xff", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Theory]
    [InlineData("cat web", 2, "'web' names no file of a container: write CONTAINER:PATH.")]
    [InlineData("cat web:/etc/nothing", 3, "web:/etc/nothing: no such file.")]
    [InlineData("ls nowhere:/", 3, "There is no container 'nowhere'")]
    [InlineData("logs web --since soon", 2, "'soon' is no time")]
    [InlineData("logs web --since 999999999h", 2, "'999999999h' is no time")]
    [InlineData("logs web --tail -3", 2, "is no number of lines")]
    [InlineData("cp web:/etc/hostname /nowhere/at/all", 2, "There is no directory for '/nowhere/at/all' to lie in.")]
    public async Task what_cannot_be_read_is_said_with_a_code(string line, int code, string says)
    {
        Run run = await (await hosts.Cluster).WatariAsync(line.Split(' '));

        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.Equal(code, run.Code);
    }

    private async Task<string> WatariAsync(params string[] args)
    {
        Run run = await (await hosts.Cluster).WatariAsync(args);
        Assert.Equal((0, ""), (run.Code, run.Error));
        return run.Out;
    }

    private async Task<Run> CopyAsync(string source, string destination) => await (await hosts.Cluster).WatariAsync("cp", $"web:{source}", Path.Combine(_directory.FullName, destination));
}
