using System.Globalization;
using System.Text.RegularExpressions;

namespace Watari.Hypervisor;

/// <summary>
/// The RAM of a guest: in our own memory through the files that QEMU shares, where it stays readable when QEMU ends; and what QEMU keeps to
/// itself, in the memory of its process. Dispose it only when nobody reads any more: the pointers of its regions are gone with it.
/// </summary>
public sealed partial class GuestRam : IDisposable
{
    private readonly ProcessMemory? _process;

    private GuestRam(IReadOnlyList<RamRegion> regions, ProcessMemory? process)
    {
        Regions = regions;
        _process = process;
    }

    /// <summary>Lowest address first; no two overlap.</summary>
    public IReadOnlyList<RamRegion> Regions { get; }

    /// <summary>Bytes in all regions.</summary>
    public long Length => Regions.Sum(region => region.Length);

    /// <summary>How it is reached: the slowest of the ways of its regions.</summary>
    public RamAccess Access => Regions.Max(region => region.Access);

    /// <summary>The region that holds so many bytes from an address, or null.</summary>
    public RamRegion? RegionOf(GuestPhysicalAddress address, long length = 1)
    {
        foreach (RamRegion region in Regions)
        {
            if (region.Contains(address, length)) return region;
        }
        return null;
    }

    /// <summary>
    /// Finds the guest's RAM, and maps what QEMU shares. QEMU's memory tree says which block lies where, HMP <c>gpa2hva</c> where QEMU itself sees
    /// the block, /proc/PID/maps which file and which offset that is, or that it is QEMU's own.
    /// </summary>
    /// <exception cref="HypervisorException">No RAM is found, or a process that we may not look into.</exception>
    public static async Task<GuestRam> MapAsync(QmpClient qmp, CancellationToken cancellation = default)
    {
        var process = QemuProcess.Of(qmp);
        // Opened before anything is asked: whoever answers after that lives, and so it is QEMU's own.
        using ProcessHandle alive = ProcessHandle.TryOpen(process.Id) ?? throw Ended(process);
        Task<MemoryBackendInfo[]> asksBackends = qmp.ExecuteAsync<MemoryBackendInfo[]>("query-memdev", cancellation: cancellation);
        Task<string> asksTree = qmp.HumanAsync("info mtree -f", cancellation);
        // Asked with the others, for that is where RAM begins on every machine that has this command.
        Task<string> asksFirst = AskHostAddressAsync(qmp, "0", cancellation);
        IReadOnlyList<ProcessMapping> maps = process.Mappings(); // while QEMU answers
        await Task.WhenAll(asksBackends, asksTree, asksFirst);
        MemoryBackendInfo[] backends = await asksBackends;
        IReadOnlyList<MappedBlock> blocks = MemoryTree.ReadBlocks(await asksTree);
        var regions = new List<RamRegion>();
        ProcessMemory? memory = null;
        try
        {
            foreach (MappedBlock block in RamAmong(blocks, backends))
            {
                ulong address = HostAddressOf(block, block.Start.Value == 0 ? await asksFirst : await AskHostAddressAsync(qmp, $"{block.Start}", cancellation));
                IReadOnlyList<ProcessMapping> mappings = process.MappingsOf(maps, address, block.Length);
                if (TryMap(process, block, address, mappings) is { } mapped)
                {
                    regions.Add(mapped);
                    continue;
                }
                memory ??= ProcessMemory.Open(process);
                regions.Add(new RamRegion(block.Start, block.Length, memory, address, mappings.All(mapping => mapping.Inode == 0)));
            }
            if (regions.Count == 0) throw new HypervisorException($"The VM at {qmp.SocketPath} has no RAM: neither a memory backend of its nor anything else lies at address 0.");
            // The pid was its own all the while. What lies there can be read.
            if (alive.HasEnded) throw Ended(process);
            foreach (RamRegion region in regions.Where(region => region.Access == RamAccess.ProcessMemory)) region.Read(region.Start, new byte[1]);
            return new GuestRam(regions, memory);
        }
        catch
        {
            regions.ForEach(region => region.Unmap());
            memory?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (RamRegion region in Regions) region.Unmap();
        _process?.Dispose();
    }

    /// <summary>The blocks of memory backends, for others are ROM or a device's own. A QEMU that names its RAM in another way has it at address 0.</summary>
    private static IEnumerable<MappedBlock> RamAmong(IReadOnlyList<MappedBlock> blocks, MemoryBackendInfo[] backends)
    {
        MappedBlock[] known = [.. blocks.Where(block => backends.Any(backend => IsNameOf(block.Block, backend)))];
        if (known.Length > 0) return known;
        string? first = blocks.Where(block => block.Start.Value == 0).Select(block => block.Block).FirstOrDefault();
        return blocks.Where(block => block.Block == first);
    }

    private static bool IsNameOf(string block, MemoryBackendInfo backend) => block == backend.Id || block == $"/objects/{backend.Id}";

    private static Task<string> AskHostAddressAsync(QmpClient qmp, string start, CancellationToken cancellation) => qmp.HumanAsync($"gpa2hva {start}", cancellation);

    private static ulong HostAddressOf(MappedBlock block, string answer) => HostAddress().Match(answer) is { Success: true } match
        ? ulong.Parse(match.Groups["address"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : throw new HypervisorException($"QEMU does not say where the guest's RAM at {block.Start} lies (HMP gpa2hva): {answer.Trim()}.");

    /// <summary>Null for RAM that is QEMU's own, or not in one file as it is in memory, and for a file that cannot be opened (/proc/PID/map_files asks for a capability): its bytes are QEMU's memory all the same.</summary>
    private static RamRegion? TryMap(QemuProcess process, MappedBlock block, ulong address, IReadOnlyList<ProcessMapping> mappings)
    {
        ProcessMapping first = mappings[0];
        if (!mappings.All(mapping => mapping.Shared && mapping.Continues(first)) || process.TryOpenBacking(first) is not { } file) return null;
        try
        {
            RamAccess access = first.Path.StartsWith("/memfd:", StringComparison.Ordinal) ? RamAccess.Memfd : RamAccess.SharedFile;
            return RamRegion.Map(block.Start, block.Length, access, file, first.Offset + (long)(address - first.Start));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static HypervisorException Ended(QemuProcess process) => new($"The VM's process {process.Id} ({process.Executable}) has ended.");

    // "Host virtual address for 0x100000000 (ram) is 0x7fcc5bfff000"
    [GeneratedRegex(@"^Host virtual address for .* is 0x(?<address>[0-9a-f]{1,16})\s*$", RegexOptions.ExplicitCapture)]
    private static partial Regex HostAddress();
}
