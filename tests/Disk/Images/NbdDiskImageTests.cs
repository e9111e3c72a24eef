using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Watari.Disk.Images;
using Watari.Disk.Tests.Corpus;

namespace Watari.Disk.Tests.Images;

/// <summary>Disks that qemu-nbd exports, and servers that lie or are silent.</summary>
public sealed class NbdDiskImageTests
{
    [Fact]
    public void A_qcow2_that_is_exported_reads_as_the_raw_file_that_it_was_made_from()
    {
        using TestDirectory directory = new();
        byte[] contents = new byte[(3 << 20) + 512];
        new Random(7).NextBytes(contents);
        using Server server = Export(directory, contents);

        using var disk = NbdDiskImage.Connect(server.Socket, "disk");

        Assert.Equal(contents.Length, disk.Length);
        foreach ((int offset, int length) in (ReadOnlySpan<(int, int)>)[(0, contents.Length), (1, 1), (511, 2), (1024, 1024), (100_001, 999_999), (contents.Length - 3, 3), (4096, 0)])
        {
            byte[] read = new byte[length];
            disk.Read(offset, read);
            Assert.Equal(contents[offset..(offset + length)], read);
        }

        Assert.Throws<DiskImageException>(() => disk.Read(contents.Length - 3, new byte[4]));
        Assert.Throws<DiskImageException>(() => disk.Read(-1, new byte[4]));
        disk.Read(0, new byte[1]); // what was refused before it was asked for spoils nothing
    }

    [Fact]
    public void Many_threads_read_one_export()
    {
        using TestDirectory directory = new();
        byte[] contents = new byte[1 << 20];
        new Random(8).NextBytes(contents);
        using Server server = Export(directory, contents);
        using var disk = NbdDiskImage.Connect(server.Socket, "disk");

        Parallel.For(0, 200, index =>
        {
            byte[] read = new byte[4096];
            disk.Read(index * 5000, read);
            Assert.Equal(contents[(index * 5000)..(index * 5000 + read.Length)], read);
        });
    }

    [Fact]
    public void An_export_that_is_not_there_is_told_with_the_servers_words()
    {
        using TestDirectory directory = new();
        using Server server = Export(directory, new byte[4096]);

        DiskImageException error = Assert.Throws<DiskImageException>(() => NbdDiskImage.Connect(server.Socket, "other"));

        Assert.Contains("refuses it (error 6)", error.Message, StringComparison.Ordinal);
        Assert.Throws<DiskImageException>(() => NbdDiskImage.Connect(server.Socket + "-not", "disk"));
    }

    [Fact]
    public void A_server_that_stands_still_ends_the_read_at_its_deadline()
    {
        using TestDirectory directory = new();
        using Server server = Export(directory, new byte[4096]);
        using var disk = NbdDiskImage.Connect(server.Socket, "disk", TimeSpan.FromMilliseconds(300));
        server.Signal("STOP");
        try
        {
            long began = Stopwatch.GetTimestamp();
            Assert.Contains("no answer within 0.3 s", Assert.Throws<DiskImageException>(() => disk.Read(0, new byte[512])).Message, StringComparison.Ordinal);
            Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));
            Assert.Contains("broke before", Assert.Throws<DiskImageException>(() => disk.Read(0, new byte[512])).Message, StringComparison.Ordinal);
        }
        finally
        {
            server.Signal("CONT");
        }
    }

    [Fact]
    public void A_server_that_ends_breaks_the_connection()
    {
        using TestDirectory directory = new();
        using Server server = Export(directory, new byte[4096]);
        using var disk = NbdDiskImage.Connect(server.Socket, "disk");
        server.Dispose();

        Assert.Throws<DiskImageException>(() => disk.Read(0, new byte[512]));
    }

    public static TheoryData<string, byte[], string> Lies => new()
    {
        { "another protocol", "SSH-2.0-OpenSSH_9.2 Debian"u8.ToArray(), "does not speak NBD's newstyle" },
        { "oldstyle", [.. "NBDMAGIC"u8, .. Big(0x00420281861253, 8), 0, 0], "does not speak NBD's newstyle" },
        { "newstyle that is not fixed", [.. Greeting(0)], "fixed newstyle" },
        { "hangs up", [.. Greeting(3)], "hung up" },
        { "an answer to another option", [.. Greeting(3), .. Reply(8, 1, [])], "none to what was asked" },
        { "an answer without an end", [.. Greeting(3), .. Reply(7, 3, [], length: int.MaxValue)], "an answer of 2147483647 bytes" },
        { "no length", [.. Greeting(3), .. Reply(7, 1, [])], "that was not expected" },
        { "a length below zero", [.. Greeting(3), .. Reply(7, 3, [0, 0, .. Big(ulong.MaxValue, 8), 0, 1])], "a disk of 18446744073709551615 bytes" },
        { "blocks of an odd size", [.. Greeting(3), .. Reply(7, 3, [0, 3, .. Big(3, 4), .. Big(4096, 4), .. Big(1 << 20, 4)])], "blocks of 3 to" },
        { "answers without an end", [.. Greeting(3), .. Enumerable.Repeat(Reply(7, 3, [0, 1, 65]), 100).SelectMany(reply => reply)], "have no end" },
        { "an error that controls a terminal", [.. Greeting(3), .. Reply(7, 0x8000_0001, "\x1b[2J"u8.ToArray())], @"\x1b[2J" },
        { "a reply to nothing", [.. Export(4096), .. Big(0x67446698, 4), .. Big(0, 4), .. Big(99, 8)], "none to what was asked" },
        { "an error", [.. Export(4096), .. Big(0x67446698, 4), .. Big(5, 4), .. Big(1, 8)], "cannot read 512 bytes at 0 (error 5)" },
        { "too few bytes", [.. Export(4096), .. Big(0x67446698, 4), .. Big(0, 4), .. Big(1, 8), .. new byte[100]], "hung up" },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_server_that_lies_is_refused(string lie, byte[] words, string error)
    {
        using TestDirectory directory = new();
        string path = Path.Combine(directory.Path, "nbd.sock");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Task lying = Task.Run(async () =>
        {
            using Socket client = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            await client.SendAsync(words, TestContext.Current.CancellationToken);
            client.Shutdown(SocketShutdown.Send);
            // To close with bytes unread would reset the connection before the client has read; so may the client.
            byte[] heard = new byte[4096];
            try
            {
                while (await client.ReceiveAsync(heard, TestContext.Current.CancellationToken) > 0)
                {
                }
            }
            catch (SocketException)
            {
            }
        }, TestContext.Current.CancellationToken);

        DiskImageException refused = Assert.Throws<DiskImageException>(() =>
        {
            using var disk = NbdDiskImage.Connect(path, "disk", TimeSpan.FromSeconds(10));
            disk.Read(0, new byte[512]);
        });

        Assert.True(refused.Message.Contains(error, StringComparison.Ordinal), $"{lie}: {refused.Message}");
        await lying;
    }

    private static byte[] Big(ulong value, int size)
    {
        byte[] bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes[^size..];
    }

    private static byte[] Greeting(byte flags) => [.. "NBDMAGICIHAVEOPT"u8, 0, flags];

    private static byte[] Reply(uint option, uint type, byte[] data, int? length = null) =>
        [.. Big(0x3e889045565a9, 8), .. Big(option, 4), .. Big(type, 4), .. Big((ulong)(length ?? data.Length), 4), .. data];

    /// <summary>A negotiation that succeeds.</summary>
    private static byte[] Export(ulong length) => [.. Greeting(3), .. Reply(7, 3, [0, 0, .. Big(length, 8), 0, 1]), .. Reply(7, 1, [])];

    private static Server Export(TestDirectory directory, byte[] contents)
    {
        string raw = Path.Combine(directory.Path, "disk.raw"), qcow2 = Path.Combine(directory.Path, "disk.qcow2");
        File.WriteAllBytes(raw, contents);
        Tool.Run("qemu-img", "convert", "-O", "qcow2", raw, qcow2);
        return Server.Start(qcow2, Path.Combine(directory.Path, "nbd.sock"), Path.Combine(directory.Path, "nbd.pid"));
    }

    /// <summary>A qemu-nbd of ours.</summary>
    private sealed class Server : IDisposable
    {
        private int _process;

        private Server(string socket, int process)
        {
            Socket = socket;
            _process = process;
        }

        public string Socket { get; }

        /// <summary>In the background once it listens (--fork).</summary>
        public static Server Start(string disk, string socket, string pidFile)
        {
            using Process launcher = Process.Start("qemu-nbd", ["--fork", "--persistent", "--read-only", "--format=qcow2", "--export-name=disk", $"--socket={socket}", $"--pid-file={pidFile}", disk]);
            launcher.WaitForExit();
            Assert.Equal(0, launcher.ExitCode);
            return new Server(socket, int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture));
        }

        public void Signal(string signal) => Tool.Run("kill", $"-{signal}", _process.ToString(CultureInfo.InvariantCulture));

        public void Dispose()
        {
            if (_process == 0) return;
            Signal("KILL");
            _process = 0;
        }
    }
}
