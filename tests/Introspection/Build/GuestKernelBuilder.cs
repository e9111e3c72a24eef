using System.Text;

namespace Watari.Introspection.Tests.Build;

/// <summary>
/// A kernel small enough to be written by a test: image with symbols, types and banner, direct map, page tables. Its objects are
/// put at addresses of the direct map.
/// </summary>
public sealed class GuestKernelBuilder : IDisposable
{
    public const string Release = "6.12.0-watari";
    private const ulong ImageStart = 0xffff_ffff_8010_0000;
    private const ulong ImageLength = 0x10_0000;
    private const ulong DirectMap = 0xffff_8880_0000_0000;
    private const ulong VmemmapBase = 0xffff_ea00_0000_0000;

    private readonly KallsymsBuilder _symbols = new();
    private ulong _nextInImage = ImageStart + GuestPage.Size;
    private ulong _nextObject = 0x30_0000;

    public GuestKernelBuilder(long memory = 8 << 20)
    {
        Guest = new GuestMemoryBuilder(memory);
        Tables = new PageTableBuilder(Guest, PagingMode.FourLevel);
        Long = Types.Int("long int", 8, signed: true);
        Ulong = Types.Int("long unsigned int", 8);
        Int = Types.Int("int", 4, signed: true);
        Uint = Types.Int("unsigned int", 4);
        Ushort = Types.Int("short unsigned int", 2);
        Char = Types.Int("char", 1);
        VoidPointer = Types.Pointer();
        ListHead = Types.Struct("list_head", 16, BtfField.At(0, "next", VoidPointer), BtfField.At(8, "prev", VoidPointer));
        Types.Struct("page", 64, BtfField.At(0, "flags", Ulong), BtfField.At(8, "compound_head", Ulong), BtfField.At(24, "mapping", VoidPointer),
            BtfField.At(32, "index", Ulong), BtfField.At(40, "private", Ulong), BtfField.At(48, "_mapcount", Int), BtfField.At(52, "_refcount", Int));
    }

    public GuestMemoryBuilder Guest { get; }

    public PageTableBuilder Tables { get; }

    public BtfBuilder Types { get; } = new();

    public int Long { get; }

    public int Ulong { get; }

    public int Int { get; }

    public int Uint { get; }

    public int Ushort { get; }

    public int Char { get; }

    public int VoidPointer { get; }

    public int ListHead { get; }

    public GuestPhysicalAddress NoteAddress { get; set; } = new(0x1000);

    /// <summary>What the note says once the kernel has booted.</summary>
    public string Note { get; private set; } = "";

    /// <summary>The release that the banner gives, if another than the note's.</summary>
    public string BannerRelease { get; set; } = Release;

    /// <summary>Room for an object: its address in the direct map.</summary>
    public GuestVirtualAddress Allocate(int length, int alignment = 16)
    {
        _nextObject = (_nextObject + (ulong)alignment - 1) & ~((ulong)alignment - 1);
        var address = new GuestVirtualAddress(DirectMap + _nextObject);
        _nextObject += (ulong)length;
        return address;
    }

    /// <summary>Room for a global variable: its address in the image, which a symbol gives.</summary>
    public GuestVirtualAddress AllocateGlobal(string name, int length)
    {
        var address = new GuestVirtualAddress(InImage(length));
        _symbols.Add(name, address.Value);
        return address;
    }

    public static GuestPhysicalAddress PhysicalOf(GuestVirtualAddress address) =>
        address.Value >= ImageStart ? PhysicalOfImage(address.Value) : new(address.Value - DirectMap);

    public GuestKernelBuilder Put<T>(GuestVirtualAddress address, T value) where T : unmanaged
    {
        Guest.Put(PhysicalOf(address), value);
        return this;
    }

    public GuestKernelBuilder Put(GuestVirtualAddress address, string text)
    {
        Guest.Put(PhysicalOf(address), Encoding.UTF8.GetBytes(text + '\0'));
        return this;
    }

    /// <summary>Links nodes into a circle, as list_add_tail would.</summary>
    public GuestKernelBuilder LinkList(params GuestVirtualAddress[] nodes)
    {
        for (int i = 0; i < nodes.Length; i++)
        {
            Put(nodes[i], nodes[(i + 1) % nodes.Length]);
            Put(nodes[(i + 1) % nodes.Length] + 8, nodes[i]);
        }

        return this;
    }

    public GuestKernelBuilder Symbol(string name, GuestVirtualAddress address)
    {
        _symbols.Add(name, address.Value);
        return this;
    }

    /// <summary>A variable of the image with this value.</summary>
    public GuestKernelBuilder Variable<T>(string name, T value) where T : unmanaged
    {
        Put(AllocateGlobal(name, sizeof(long)), value);
        return this;
    }

    /// <summary>Lays the image out in memory. What is put afterwards is changed in the running guest.</summary>
    public GuestKernelBuilder Boot()
    {
        Variable("page_offset_base", DirectMap);
        Variable("vmemmap_base", VmemmapBase);
        _symbols.Add("_text", ImageStart).Add("_stext", ImageStart).Add("_end", ImageStart + ImageLength);
        _symbols.Add("linux_banner", PutInImage(Encoding.ASCII.GetBytes($"Linux version {BannerRelease} (builder)\0")));
        byte[] types = Types.Build();
        ulong typesAt = PutInImage(types);
        _symbols.Add("__start_BTF", typesAt).Add("__stop_BTF", typesAt + (ulong)types.Length);

        var note = new StringBuilder();
        note.Append($"OSRELEASE={Release}\nBUILD-ID=00c0ffee\nNUMBER(phys_base)=0\nNUMBER(pgtable_l5_enabled)=0\n");
        void Give(string name, ulong address) => note.Append($"SYMBOL({name})={address:x}\n");
        Give("_stext", ImageStart);
        Give("swapper_pg_dir", 0xffff_ffff_8000_0000 + Tables.Root.Value);
        Give("kallsyms_num_syms", PutInImage(BitConverter.GetBytes(_symbols.Count)));
        Give("kallsyms_relative_base", PutInImage(BitConverter.GetBytes(KallsymsBuilder.RelativeBase)));
        Give("kallsyms_offsets", PutInImage(_symbols.Offsets));
        Give("kallsyms_token_index", PutInImage(KallsymsBuilder.TokenIndex));
        Give("kallsyms_token_table", PutInImage([.. KallsymsBuilder.TokenTable, .. new byte[512]]));
        Give("kallsyms_names", PutInImage(_symbols.Names));
        Note = note.ToString();
        PutNote(NoteAddress, Note);
        return this;
    }

    public void PutNote(GuestPhysicalAddress address, string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        Guest.Put(address, 11).Put(address + 4, bytes.Length).Put(address + 8, 0).Put(address + 12, "VMCOREINFO\0\0"u8).Put(address + 24, bytes);
    }

    public GuestKernel Attach(IntrospectionLimits? limits = null) => GuestKernel.Attach(Guest.Memory, limits);

    public void Dispose() => Guest.Dispose();

    private ulong PutInImage(byte[] bytes)
    {
        ulong address = InImage(bytes.Length);
        Guest.Put(PhysicalOfImage(address), bytes);
        return address;
    }

    private ulong InImage(int length)
    {
        ulong address = _nextInImage;
        _nextInImage = (address + (ulong)length + 15) & ~15UL;
        return _nextInImage <= ImageStart + ImageLength ? address : throw new InvalidOperationException("The image is full.");
    }

    private static GuestPhysicalAddress PhysicalOfImage(ulong address) => new(address - 0xffff_ffff_8000_0000);
}
