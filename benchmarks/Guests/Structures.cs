using Watari.Benchmarks.Core;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Benchmarks.Guests;

/// <summary>Where in a guest's RAM lies what is read: copied as it is, it bounds how fast it can be read.</summary>
/// <param name="name">Of what lies there.</param>
/// <param name="memory">The guest's.</param>
/// <param name="pieces">Each contiguous in it.</param>
internal sealed class Structures(string name, GuestPhysicalMemory memory, IReadOnlyList<(GuestPhysicalAddress Start, int Length)> pieces) : IDisposable
{
    private readonly NativeBuffer _copy = new(Math.Max(1, pieces.Sum(piece => piece.Length)));

    public string Name => name;

    /// <summary>The structure of each process.</summary>
    public static Structures OfProcesses(GuestKernel kernel) =>
        Of(kernel, "task_structs", Each<TaskStruct>(kernel, static (process, tasks) => tasks.Add(process)));

    /// <summary>Of every area of every process.</summary>
    public static Structures OfAreas(GuestKernel kernel) => Of(kernel, "vm_area_structs", Each<VmAreaStruct>(kernel, static (process, areas) =>
    {
        if (!process.Mm.TryGet(out MmStruct mm)) return;
        foreach (VmAreaStruct area in mm.Areas) areas.Add(area);
    }));

    /// <summary>Of every file that every process has open.</summary>
    public static Structures OfFiles(GuestKernel kernel) => Of(kernel, "files", Each<FileStruct>(kernel, static (process, files) =>
    {
        if (!process.Files.TryGet(out FilesStruct table)) return;
        foreach (OpenFile open in table.Open) files.Add(open.File);
    }));

    /// <summary>The last level of a process's page tables, and what leads there.</summary>
    public static Structures OfPageTables(TaskStruct process)
    {
        AddressSpace space = process.Mm.Value.AddressSpace;
        List<(GuestPhysicalAddress, int)> tables = [];
        AddTable(space.Root, space.Mode.RootShift, PagingMode.EntriesPerTable / 2);
        return new Structures("page tables", space.Memory, tables);

        void AddTable(GuestPhysicalAddress table, int shift, int entries)
        {
            tables.Add((table, entries * sizeof(ulong)));
            if (shift == GuestPage.Shift) return;
            for (int i = 0; i < entries; i++)
            {
                var entry = new PageTableEntry(space.Memory.Read<ulong>(table + (ulong)i * sizeof(ulong)));
                if (entry.IsPresent && !entry.IsLarge) AddTable(entry.Table, shift - PagingMode.BitsPerLevel, PagingMode.EntriesPerTable);
            }
        }
    }

    /// <summary>The kernel's symbols and types.</summary>
    public static Structures OfKernel(GuestKernel kernel)
    {
        GuestVirtualAddress[] symbols = [.. s_tables.Select(kernel.CoreInfo.Symbol).Order()];
        return new Structures("kallsyms and BTF", kernel.Memory,
        [
            // The kernel's image lies in one piece.
            (Physical(kernel, symbols[0]), (int)(symbols[^1] - symbols[0])),
            (Physical(kernel, kernel.Symbols.Find("__start_BTF")), (int)(kernel.Symbols.Find("__stop_BTF") - kernel.Symbols.Find("__start_BTF"))),
        ]);
    }

    public void Copy()
    {
        int done = 0;
        foreach ((GuestPhysicalAddress start, int length) in pieces)
        {
            memory.Span(start, length).CopyTo(_copy.Span[done..]); // in place, as a memcpy
            done += length;
        }
    }

    public void Dispose() => _copy.Dispose();

    private static readonly string[] s_tables =
        ["kallsyms_num_syms", "kallsyms_names", "kallsyms_token_table", "kallsyms_token_index", "kallsyms_offsets", "kallsyms_relative_base"];

    private static Structures Of<T>(GuestKernel kernel, string name, List<T> structures) where T : struct, IKernelStruct<T> =>
        new(name, kernel.Memory, [.. structures.Select(structure => (Physical(kernel, structure.Address), kernel.SizeOf<T>()))]);

    private static List<T> Each<T>(GuestKernel kernel, Action<TaskStruct, List<T>> add)
    {
        List<T> structures = [];
        foreach (TaskStruct process in kernel.Processes) add(process, structures);
        return structures;
    }

    private static GuestPhysicalAddress Physical(GuestKernel kernel, GuestVirtualAddress address) => kernel.AddressSpace.TryTranslate(address, out GuestPhysicalAddress physical)
        ? physical
        : throw new InvalidOperationException($"Nothing of the guest's memory is at {address}.");
}
