using System.Globalization;
using Watari.Guests;
using Watari.Hypervisor;

namespace Watari.Fuzzing;

/// <summary>
/// The RAM of one guest at two moments, in a directory: <c>first.ram</c> while its CPUs stood still, <c>second.ram</c> while they
/// ran, so that it is torn; <c>segments</c> says where RAM lies.
/// </summary>
internal sealed record Snapshot(string Directory, IReadOnlyList<(ulong Start, long Length)> Segments)
{
    /// <summary>Containers of runc's, of which one is paused, so that all of it can be captured, and one of podman's.</summary>
    private static readonly string[] s_workload =
    [
        "watari-run redis", "watari-run counter", "watari-run kinds", "watari-fill-redis redis 4", "runc pause kinds",
        "podman run -d --name podman-redis --network none localhost/redis >/dev/null",
        // A connection of TCP with both ends inside.
        "runc exec --detach redis /usr/bin/redis-cli -h 127.0.0.1 subscribe news </dev/null >/dev/null 2>&1",
    ];

    public string First => Path.Combine(Directory, "first.ram");

    public string Second => Path.Combine(Directory, "second.ram");

    public static Snapshot Open(string directory) => new(directory,
        [.. File.ReadLines(Path.Combine(directory, "segments")).Select(line => line.Split(' '))
            .Select(words => (ulong.Parse(words[0], CultureInfo.InvariantCulture), long.Parse(words[1], CultureInfo.InvariantCulture)))]);

    /// <summary>Boots a guest, has it do what can be looked at, and keeps what its RAM held.</summary>
    public static async Task TakeAsync(string directory, int memoryMiB, CancellationToken cancellation)
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "fuzz", MemoryMiB = memoryMiB }, cancellation);
        foreach (string command in s_workload)
        {
            await Console.Error.WriteLineAsync(command);
            await guest.Console.CheckAsync(command, TimeSpan.FromMinutes(5), cancellation);
        }

        await guest.Console.CheckAsync("echo 3 >/proc/sys/vm/drop_caches", cancellation: cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(cancellation);
        System.IO.Directory.CreateDirectory(directory);
        var snapshot = new Snapshot(directory, [.. vm.Ram.Regions.Select(region => (region.Start.Value, region.Length))]);
        using (vm.Hold()) Save(vm, snapshot.First);
        // Meanwhile areas, files and processes come and go.
        await guest.Console.CheckAsync("(i=0; while [ $i -lt 200 ]; do ls /proc >/dev/null; i=$((i+1)); done) >/dev/null 2>&1 & sleep 1; runc exec redis /usr/bin/redis-cli -s /run/redis.sock flushall", TimeSpan.FromMinutes(2), cancellation);
        Save(vm, snapshot.Second);
        await File.WriteAllLinesAsync(Path.Combine(directory, "segments"),
            snapshot.Segments.Select(segment => string.Create(CultureInfo.InvariantCulture, $"{segment.Start} {segment.Length}")), cancellation);
    }

    private static unsafe void Save(VirtualMachine vm, string path)
    {
        using FileStream file = File.Create(path);
        long offset = 0;
        foreach (var region in vm.Ram.Regions)
        {
            for (long at = 0; at < region.Length; at += GuestPage.Size)
            {
                var page = new ReadOnlySpan<byte>((byte*)region.Pointer + at, GuestPage.Size);
                if (!page.ContainsAnyExcept((byte)0)) continue; // a hole
                file.Position = offset + at;
                file.Write(page);
            }

            offset += region.Length;
        }

        file.SetLength(offset);
    }
}
