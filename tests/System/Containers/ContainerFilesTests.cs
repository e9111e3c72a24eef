using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Watari.Containers;
using Watari.Containers.Archives;
using Watari.Containers.Logs;
using Watari.Containers.Root;
using Watari.Disk.FileSystems;

namespace Watari.SystemTests.Containers;

/// <summary>A container's files and log from outside, beside what its engine says; nothing of it is synced before.</summary>
public abstract class ContainerFilesTests(EngineGuest guest)
{
    private const string Name = "files";

    /// <summary>What was just written, in the container's layer, in its volume and in a tmpfs; names that were removed, linked, made anew.</summary>
    private const string Work =
        "mkdir -p /d/deep; echo hello >/d/file; busybox ln -s ../file /d/deep/link; busybox ln -s /etc/passwd /d/passwd; busybox ln /d/file /d/second; busybox head -c 3000000 /dev/urandom >/d/large;"
        + " busybox truncate -s 500000 /d/sparse; echo end >>/d/sparse; : >/d/empty; busybox mkfifo /d/fifo; busybox chmod 4750 /d/empty; busybox chown 7:8 /d/deep;"
        + " rm /bin/true; echo changed >>/etc/passwd; mkdir -p /new/inner; echo x >/new/inner/file; busybox rmdir /tmp; mkdir /tmp; echo t >/tmp/file; mkdir /data/v; echo volume >/data/v/file; echo memory >/mem/file;"
        + " i=0; while [ $i -lt 300 ]; do echo line $i; echo error $i >&2; i=$((i+1)); done; busybox head -c 40000 /dev/zero | busybox tr '\\0' x; echo; printf 'no end'; : >/d/done; sleep 1000";

    private static readonly string[] s_read = ["/d/file", "/d/deep/link", "/d/passwd", "/d/large", "/d/sparse", "/d/empty", "/etc/passwd", "/etc/hosts", "/new/inner/file", "/tmp/file", "/data/v/file", "/mem/file", "/bin/busybox"];

    /// <summary>Podman before 4.6 mixes the pieces of a long line up (containers/podman#19545).</summary>
    protected virtual bool TellsTheTailRight => true;

    [Fact]
    public Task What_a_container_has_changed_is_told_as_its_engine_tells_it() => WithContainerAsync(async () =>
    {
        string[] theirs = Lines(await guest.InAsync($"{guest.Engine} diff {Name}"));
        Assert.Equal(theirs, Changes(Container()));
        Assert.Contains("D /bin/true", theirs);
        Assert.Contains("A /new/inner/file", theirs);

        await guest.InAsync($"{guest.Engine} kill {Name}; {guest.Engine} wait {Name}");
        Assert.Equal(Lines(await guest.InAsync($"{guest.Engine} diff {Name}")), Changes(Container()));
    });

    [Fact]
    public Task Files_are_those_that_its_processes_see_also_while_the_guest_stands_still() => WithContainerAsync(async () =>
    {
        string[] theirs = Lines(await guest.InAsync($"{guest.Engine} exec {Name} busybox sha256sum {string.Join(' ', s_read)}"));
        Assert.Equal(theirs, Sums(s_read));
        await using (await guest.Vm.HoldAsync(TestContext.Current.CancellationToken)) Assert.Equal(theirs, Sums(s_read));

        // Of one that does not run its memory is gone, and what its engine mounts while it runs.
        await guest.InAsync($"{guest.Engine} kill {Name}; {guest.Engine} wait {Name}");
        string[] kept = [.. s_read.Except(["/mem/file", "/etc/hosts"])];
        Assert.Equal(theirs.Where(line => kept.Any(path => line.EndsWith($" {path}", StringComparison.Ordinal))), Sums(kept));
    });

    [Fact]
    public Task An_archive_of_its_files_is_the_one_that_its_engine_makes() => WithContainerAsync(async () =>
    {
        await guest.InAsync($"{guest.Engine} cp {Name}:/d - >/run/theirs.tar");
        List<string> theirs = Entries(guest.Files().Root.Find("/run/theirs.tar"u8).ReadAll(8 << 20));
        var archive = new TreeArchive("/d"u8.ToArray(), "d"u8.ToArray());
        using var ours = new MemoryStream();
        while (archive.Write(Root(Container()).Root, ours, 1 << 20))
        {
        }

        Assert.Empty(archive.TakeProblems());
        Assert.Equal(theirs, Entries(ours.ToArray()));
        Assert.Equal(11, theirs.Count);
    });

    [Fact]
    public Task Its_log_is_the_one_that_its_engine_prints() => WithContainerAsync(async () =>
    {
        // Podman puts a time before each piece of a long line.
        string theirs = await guest.InAsync($"{guest.Engine} logs {Name} 2>&1 | sha256sum; {guest.Engine} logs -t {Name} 2>&1 | sed /xxxx/d | sha256sum");
        Assert.Equal(theirs, string.Join('\n', Sum(Log(null, timestamps: false, errors: true)), Sum(WithoutLongLines(Log(null, timestamps: true, errors: true)))));
        if (TellsTheTailRight) Assert.Equal(await guest.InAsync($"{guest.Engine} logs --tail 2 {Name} 2>/dev/null | sha256sum"), Sum(Log(2, timestamps: false, errors: false)));
        Assert.Equal(600, Encoding.UTF8.GetString(Log(null, timestamps: false, errors: true)).Split('\n').Count(line => line.Contains("line ", StringComparison.Ordinal) || line.StartsWith("error ", StringComparison.Ordinal)));

        static string Sum(byte[] bytes) => $"{Convert.ToHexStringLower(SHA256.HashData(bytes))}  -";

        static byte[] WithoutLongLines(byte[] log) =>
            Encoding.Latin1.GetBytes(string.Join('\n', Encoding.Latin1.GetString(log).Split('\n').Where(line => !line.Contains("xxxx", StringComparison.Ordinal))));
    });

    private async Task WithContainerAsync(Func<Task> test)
    {
        await guest.InAsync($"rm -rf /srv/files; mkdir -p /srv/files; echo {Convert.ToBase64String(Encoding.ASCII.GetBytes(Work))} | base64 -d >/srv/work.sh");
        await guest.InAsync($"{guest.Engine} run -d --name {Name} --network none -v /srv/files:/data --tmpfs /mem -v /srv/work.sh:/work.sh:ro localhost/busybox sh /work.sh");
        try
        {
            await guest.InAsync($"until {guest.Engine} exec {Name} ls /d/done 2>/dev/null; do sleep 0.1; done");
            await test();
        }
        finally
        {
            await guest.InAsync($"{guest.Engine} rm -f {Name}");
        }
    }

    private FoundContainer Container() => guest.Inventory().Containers.Single(container => container.Record?.Names.Contains(Name) == true);

    private ContainerRoot Root(FoundContainer container) => ContainerRoot.Open(container, guest.Files(), guest.Kernel, guest.Volumes);

    private string[] Changes(FoundContainer container) =>
        [.. Root(container).Layers!.ChangesAsToldBy(container.Runtime).Select(change => $"{"CAD"[(int)change.Kind]} /{PathText.Of(change.Path.Span)}").Order(StringComparer.Ordinal)];

    private string[] Sums(IEnumerable<string> paths)
    {
        IInode root = Root(Container()).Root;
        return [.. paths.Select(path => $"{Convert.ToHexStringLower(SHA256.HashData(root.Find(Encoding.UTF8.GetBytes(path)).ReadAll(8 << 20)))}  {path}").Order(StringComparer.Ordinal)];
    }

    private byte[] Log(int? tail, bool timestamps, bool errors)
    {
        var log = ContainerLog.Open(Container(), guest.Files());
        using var text = new MemoryStream();
        for (LogPiece piece = log.Read(tail is { } count ? log.Tail(count) : default); ; piece = log.Read(piece.Next))
        {
            Assert.Equal((0, false), (piece.Damaged, piece.IsBehind));
            foreach (LogEntry entry in piece.Entries.Where(entry => errors || !entry.IsError))
            {
                if (timestamps) text.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.FromUnixTimeSeconds(entry.Time.Seconds):yyyy-MM-ddTHH:mm:ss}.{entry.Time.Nanoseconds:000000000}Z ")));
                text.Write(entry.Text.Span);
            }

            if (piece.IsLast) return text.ToArray();
        }
    }

    /// <summary>
    /// All that is told of each, and the hash of what is in it. Podman's cp gives all to the container's user, and rounds times to seconds, as
    /// Go's archive/tar does where it is told nothing else.
    /// </summary>
    private List<string> Entries(byte[] archive)
    {
        bool asPodman = guest.Engine == "podman";
        using var reader = new TarReader(new MemoryStream(archive));
        List<string> entries = [];
        while (reader.GetNextEntry(copyData: true) is { } entry)
        {
            string content = entry.DataStream is { } data ? Convert.ToHexStringLower(SHA256.HashData(data)) : "";
            DateTimeOffset time = asPodman ? entry.ModificationTime.AddSeconds(0.5) : entry.ModificationTime;
            entries.Add($"{entry.Name.TrimEnd('/')} {(entry.EntryType is TarEntryType.V7RegularFile ? TarEntryType.RegularFile : entry.EntryType)} {Convert.ToString((int)entry.Mode & 0xfff, 8)} {(asPodman ? "0:0" : $"{entry.Uid}:{entry.Gid}")} {time.ToUnixTimeSeconds()} {entry.LinkName} {content}");
        }

        return [.. entries.Order(StringComparer.Ordinal)];
    }

    private static string[] Lines(string text) => [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd('\r')).Order(StringComparer.Ordinal)];
}

[Collection(nameof(Docker26Guest))]
public sealed class Docker26FilesTests(Docker26Guest guest) : ContainerFilesTests(guest);

[Collection(nameof(Docker20Guest))]
[Trait("engines", "more")]
public sealed class Docker20FilesTests(Docker20Guest guest) : ContainerFilesTests(guest);

[Collection(nameof(Podman5Guest))]
public sealed class Podman5FilesTests(Podman5Guest guest) : ContainerFilesTests(guest);

[Collection(nameof(Podman4Guest))]
[Trait("engines", "more")]
public sealed class Podman4FilesTests(Podman4Guest guest) : ContainerFilesTests(guest)
{
    protected override bool TellsTheTailRight => false;
}
