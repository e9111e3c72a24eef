using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;

namespace Watari.Fuzzing;

/// <summary>A place in RAM that a look reads: so many bytes at an address.</summary>
internal readonly record struct Target(GuestPhysicalAddress Address, int Size);

/// <summary>What a look reads of an image: the members of the structures that it follows, as it remembers them itself.</summary>
/// <param name="Words">Members and elements.</param>
/// <param name="Pages">The pages that they lie in.</param>
/// <param name="Objects">Addresses of structures: what a false pointer may well lead to.</param>
internal sealed record Targets(Target[] Words, GuestPhysicalAddress[] Pages, ulong[] Objects)
{
    private const int TrailLength = 1 << 20;
    private const int MostElements = 64;

    /// <summary>Looks once at an image that is whole.</summary>
    public static Targets Of(GuestKernel kernel, GuestLook look)
    {
        var way = new PointerTrail(TrailLength);
        look.See(kernel.BeginLook(way));
        var words = new HashSet<Target>();
        var objects = new HashSet<ulong>();
        foreach (PointerTrail.Pointer pointer in way.Pointers)
        {
            objects.Add(pointer.To.Value);
            if (pointer.Slot == PointerTrail.Pointer.Nameless)
            {
                for (ulong i = 0; i < MostElements; i++) Add(pointer.From + i * sizeof(ulong), sizeof(ulong));
                continue;
            }

            KernelStructDescriptor structure = KernelStructDescriptor.OfSlot(pointer.Slot);
            GuestVirtualAddress at = pointer.Node == PointerTrail.Pointer.NoNode ? pointer.From : pointer.To;
            if (pointer.Node != PointerTrail.Pointer.NoNode) Add(pointer.To + (ulong)pointer.Node, sizeof(ulong));
            for (int field = 0; field < structure.Fields.Count; field++)
            {
                int slot = structure.FirstSlot + 1 + field;
                if (!kernel.Layout.IsKnown(slot) || kernel.Layout.Slot(slot) is not { IsAbsent: false } place) continue;
                KernelFieldDescriptor form = structure.Fields[field];
                int size = form.Size is > 0 and <= sizeof(ulong) ? form.Size : sizeof(ulong);
                int elements = form.Shape is KernelFieldShape.Array ? Math.Min(place.Length, MostElements) : 1;
                for (int i = 0; i < elements; i++) Add(at + place.Offset + (ulong)(i * size), size);
            }
        }

        objects.Add(kernel.InitTask.Address.Value);
        // Variables are read without a pointer, too.
        foreach ((string variable, int length) in (ReadOnlySpan<(string, int)>)[("tk_core", 256), ("zero_pfn", 8), ("clocksource_jiffies", 128), ("xstate_offsets", 64), ("xstate_sizes", 64), ("prb", 8), ("__per_cpu_offset", 16), ("nr_cpu_ids", 4), ("nr_node_ids", 4), ("node_data", 8)])
        {
            if (!kernel.Symbols.TryFind(variable, out GuestVirtualAddress start)) continue;
            for (ulong at = 0; at < (ulong)length; at += sizeof(uint)) Add(start + at, sizeof(uint));
        }

        AddTables();
        GuestPhysicalAddress[] pages = [.. words.Select(word => word.Address.Frame.Address).Distinct().Order()];
        return new Targets([.. words.OrderBy(word => word.Address).ThenBy(word => word.Size)], pages, [.. objects.Where(address => (long)address < 0).Order()]);

        void Add(GuestVirtualAddress address, int size)
        {
            if (kernel.AddressSpace.TryTranslate(address, out GuestPhysicalAddress physical) && kernel.Memory.TryGetSpan(physical, size, out _))
                words.Add(new Target(physical, size));
        }

        // Entries of page tables are followed without a pointer of the kernel's.
        void AddTables()
        {
            if (look.Name is not ("pages" or "containers") && !look.Name.StartsWith("capture", StringComparison.Ordinal) && !look.Name.StartsWith("images", StringComparison.Ordinal)) return;
            foreach (TaskStruct process in kernel.Processes)
            {
                if (!process.Mm.TryGet(out MmStruct mm)) continue;
                AddressSpace space = mm.AddressSpace;
                foreach (VmAreaStruct area in mm.Areas) AddWay(space, area.VmStart);
            }
        }

        void AddWay(AddressSpace space, GuestVirtualAddress address)
        {
            GuestPhysicalAddress table = space.Root;
            for (int shift = space.Mode.RootShift; shift >= GuestPage.Shift; shift -= PagingMode.BitsPerLevel)
            {
                GuestPhysicalAddress place = table + ((address.Value >> shift) & 511) * sizeof(ulong);
                words.Add(new Target(place, sizeof(ulong)));
                var entry = new PageTableEntry(kernel.Memory.Read<ulong>(place));
                if (!entry.IsPresent || (entry.IsLarge && shift <= PagingMode.LargestLeafShift)) return;
                table = entry.Table;
            }
        }
    }

    /// <summary>How many members of how many structures a kernel has been asked for, of all that the product knows.</summary>
    public static (int Read, int All, IReadOnlyList<string> Never) Coverage(GuestKernel kernel)
    {
        int read = 0, all = 0;
        var never = new List<string>();
        foreach (KernelContract contract in Introspection.KernelStructs.All.Concat(Checkpoint.KernelStructs.All))
        {
            KernelStructDescriptor structure = contract.Descriptor;
            for (int slot = structure.FirstSlot + 1; slot <= structure.FirstSlot + structure.Fields.Count; slot++)
            {
                all++;
                if (kernel.Layout.IsKnown(slot)) read++;
                else never.Add(KernelLayout.PathOf(slot));
            }
        }

        return (read, all, never);
    }
}
