namespace Watari.Introspection.Accounting;

/// <summary>The guest's memory as its /proc/meminfo tells it.</summary>
public static class MemoryAccounting
{
    extension(GuestKernel kernel)
    {
        /// <summary>
        /// Of the kernel's sums, to which each processor adds what it holds back when that is more than some dozen pages (or once in a
        /// second): /proc/meminfo has the same figures.
        /// </summary>
        public MemoryInfo MemoryInfo
        {
            get
            {
                long total = kernel.AddressSpace.Read<long>(kernel.Symbols.Find("_totalram_pages"));
                long free = Zone(kernel, "NR_FREE_PAGES");
                return new MemoryInfo(Bytes(total), Bytes(free), Bytes(Available(kernel, free)));
            }
        }
    }

    /// <summary>si_mem_available, mm/show_mem.c (mm/page_alloc.c before v6.6).</summary>
    private static long Available(GuestKernel kernel, long free)
    {
        (long low, long reserved) = Watermarks(kernel);
        long cache = Node(kernel, "NR_ACTIVE_FILE") + Node(kernel, "NR_INACTIVE_FILE");
        long reclaimable = Node(kernel, "NR_SLAB_RECLAIMABLE_B") + Node(kernel, "NR_KERNEL_MISC_RECLAIMABLE");
        return Math.Max(0, free - reserved + cache - Math.Min(cache / 2, low) + reclaimable - Math.Min(reclaimable / 2, low));
    }

    private static (long Low, long Reserved) Watermarks(GuestKernel kernel)
    {
        BtfTypeId marks = kernel.Types.Find("zone_watermarks");
        if (!kernel.Types.TryGetEnumerator(marks, "WMARK_LOW", out long lowMark)) throw new KernelTypeException("This kernel's zone_watermarks has no WMARK_LOW.");
        long low = 0;
        foreach (PgListData node in Nodes(kernel))
        {
            KernelStructArray<Zone> zones = node.NodeZones;
            for (int i = 0; i < zones.Length; i++) low += (long)(zones[i].Watermark[(int)lowMark] + zones[i].WatermarkBoost);
        }

        return (low, kernel.AddressSpace.Read<long>(kernel.Symbols.Find("totalreserve_pages")));
    }

    /// <summary>The nodes of memory: an array of pointers with CONFIG_NUMA, one structure without.</summary>
    private static IEnumerable<PgListData> Nodes(GuestKernel kernel)
    {
        if (!kernel.Symbols.TryFind("node_data"u8, out GuestVirtualAddress nodes))
        {
            yield return kernel.Global<PgListData>("contig_page_data");
            yield break;
        }

        uint count = kernel.Symbols.TryFind("nr_node_ids"u8, out GuestVirtualAddress variable) ? kernel.AddressSpace.Read<uint>(variable) : 1;
        if (count > kernel.Limits.Entries) throw kernel.Astray(variable, "nr_node_ids", $"is {count}, and the limit is {kernel.Limits.Entries}");
        for (uint i = 0; i < count; i++)
        {
            kernel.TakeSteps(1);
            var node = new GuestVirtualAddress(kernel.AddressSpace.Read<ulong>(nodes + i * sizeof(ulong)));
            if (!node.IsNull) yield return PgListData.At(kernel, node);
        }
    }

    private static long Zone(GuestKernel kernel, string item) => Counter(kernel, "vm_zone_stat", "zone_stat_item", item);

    private static long Node(GuestKernel kernel, string item) => Counter(kernel, "vm_node_stat", "node_stat_item", item);

    /// <summary>Pages. A sum can be below nothing for a moment, and counts as none then.</summary>
    private static long Counter(GuestKernel kernel, string array, string kinds, string item)
    {
        if (!kernel.Types.TryGetEnumerator(kernel.Types.Find(kinds), item, out long index)) throw new KernelTypeException($"This kernel's {kinds} has no {item}.");
        return Math.Max(0, kernel.AddressSpace.Read<long>(kernel.Symbols.Find(array) + (ulong)index * sizeof(long)));
    }

    private static long Bytes(long pages) => pages << GuestPage.Shift;
}

/// <summary>Bytes: MemTotal, MemFree and MemAvailable.</summary>
public readonly record struct MemoryInfo(long Total, long Free, long Available);

/// <summary>Memory of one NUMA node (include/linux/mmzone.h).</summary>
[KernelStruct("pglist_data")]
public readonly partial record struct PgListData
{
    [Field] public partial KernelStructArray<Zone> NodeZones { get; }
}

/// <summary>Memory of one kind in a node (include/linux/mmzone.h).</summary>
[KernelStruct("zone")]
public readonly partial record struct Zone
{
    /// <summary>Free pages by WMARK_* below which the kernel takes pages back.</summary>
    [Field("_watermark")] public partial KernelArray<ulong> Watermark { get; }

    [Field] public partial ulong WatermarkBoost { get; }
}
