using System.Globalization;
using System.Text.RegularExpressions;

namespace Watari.Hypervisor;

/// <summary>
/// The RAM of a guest in our own memory, through the files that QEMU shares. It stays readable when QEMU ends.
/// Dispose it only when nobody reads any more: the pointers of its regions are gone with it.
/// </summary>
public sealed partial class GuestRam : IDisposable
{
    private GuestRam(IReadOnlyList<RamRegion> regions) => Regions = regions;

    /// <summary>Lowest address first; no two overlap.</summary>
    public IReadOnlyList<RamRegion> Regions { get; }

    /// <summary>Bytes in all regions.</summary>
    public long Length => Regions.Sum(region => region.Length);

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
    /// Finds the guest's RAM and maps it. QEMU's memory tree says which block lies where, HMP <c>gpa2hva</c> where QEMU itself sees the block,
    /// /proc/PID/maps which file and which offset that is.
    /// </summary>
    /// <exception cref="HypervisorException">RAM that QEMU does not share, or a process that we may not look into.</exception>
    public static async Task<GuestRam> MapAsync(QmpClient qmp, CancellationToken cancellation = default)
    {
        var process = QemuProcess.Of(qmp);
        MemoryBackendInfo[] backends = await qmp.ExecuteAsync<MemoryBackendInfo[]>("query-memdev", cancellation: cancellation);
        IReadOnlyList<MappedBlock> blocks = MemoryTree.ReadBlocks(await qmp.HumanAsync("info mtree -f", cancellation));
        var regions = new List<RamRegion>();
        try
        {
            foreach (MappedBlock block in blocks)
            {
                if (backends.FirstOrDefault(backend => IsNameOf(block.Block, backend)) is not { } backend) continue; // a ROM, or a device's own memory
                if (!backend.Share) throw Private(qmp, block.Block);
                string answer = await qmp.HumanAsync($"gpa2hva {block.Start}", cancellation);
                if (HostAddress().Match(answer) is not { Success: true } match)
                    throw new HypervisorException($"QEMU does not say where the guest's RAM at {block.Start} lies (HMP gpa2hva): {answer.Trim()}.");
                ulong address = ulong.Parse(match.Groups["address"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                ProcessMapping mapping = process.MappingOf(address);
                if (!mapping.Shared) throw Private(qmp, block.Block);
                regions.Add(RamRegion.Map(block.Start, block.Length, process.OpenBacking(mapping), mapping.Offset + (long)(address - mapping.Start)));
            }
            return regions.Count > 0 ? new GuestRam(regions) : throw Private(qmp, "no memory backend");
        }
        catch
        {
            regions.ForEach(region => region.Unmap());
            throw;
        }
    }

    public void Dispose()
    {
        foreach (RamRegion region in Regions) region.Unmap();
    }

    private static bool IsNameOf(string block, MemoryBackendInfo backend) => block == backend.Id || block == $"/objects/{backend.Id}";

    private static HypervisorException Private(QmpClient qmp, string block) => new(
        $"The RAM of the VM at {qmp.SocketPath} ({block}) is private to its QEMU and cannot be read from outside. Start the VM with shared RAM: "
        + "-object memory-backend-memfd,id=ram,size=SIZE,share=on -machine ...,memory-backend=ram "
        + "(libvirt: <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>).");

    // "Host virtual address for 0x100000000 (ram) is 0x7fcc5bfff000"
    [GeneratedRegex(@"^Host virtual address for .* is 0x(?<address>[0-9a-f]{1,16})\s*$", RegexOptions.ExplicitCapture)]
    private static partial Regex HostAddress();
}
