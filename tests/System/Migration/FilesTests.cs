using System.Security.Cryptography;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>Files of containers by the console, beside what is in the guest; nothing is synced before.</summary>
[Collection(Migrations.Name)]
public sealed class FilesTests(SharedHosts shared) : MigrationTest(shared.Hosts)
{
    private const string Root = "/var/lib/watari/bundles/redis/rootfs";

    private readonly TwoHosts _hosts = shared.Hosts;

    [Fact]
    public async Task Files_of_a_running_container_are_listed_printed_and_copied_as_they_are_in_the_guest()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("watari-copy-");
        try
        {
            string theirs = await InAsync($"mkdir {Root}/data/new && head -c 2500000 /dev/urandom >{Root}/data/new/large && ln -s /etc/passwd {Root}/data/new/out && sha256sum <{Root}/data/new/large | cut -c1-64");

            Run listed = await _hosts.WatariAsync("ls", "redis:/data/new");
            Run printed = await _hosts.WatariAsync("cat", "redis:/data/new/out");
            Run copied = await _hosts.WatariAsync("cp", "redis:/data/new", directory.FullName);

            Assert.Equal((0, "large\nout\n", ""), (listed.Code, listed.Out, listed.Error));
            // The link leads to the container's own, not to the host's.
            Assert.Equal((0, $"{await InAsync($"cat {Root}/etc/passwd")}\n", ""), (printed.Code, printed.Out, printed.Error));
            Assert.Equal((0, ""), (copied.Code, copied.Error));
            string copy = Path.Combine(directory.FullName, "new");
            Assert.Equal(theirs, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(copy, "large"), Cancellation))));
            Assert.Equal("/etc/passwd", new FileInfo(Path.Combine(copy, "out")).LinkTarget);
        }
        finally
        {
            await InAsync($"rm -rf {Root}/data/new");
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("diff redis", "its root is no overlay of layers")]
    [InlineData("logs redis", "runc keeps no log of redis")]
    [InlineData("cat redis:/proc/1/status", "made up by the guest's kernel")]
    public async Task What_is_not_to_be_had_is_refused_with_its_reason(string line, string says)
    {
        Run run = await _hosts.WatariAsync(line.Split(' '));

        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.Equal((4, ""), (run.Code, run.Out));
    }

    private Task<string> InAsync(string command) => _hosts.A.Guest.Console.CheckAsync(command, cancellation: Cancellation);
}
