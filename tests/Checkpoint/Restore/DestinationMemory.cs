using Watari.Checkpoint.Restore;
using Watari.Introspection.Tests.Build;

namespace Watari.Checkpoint.Tests.Restore;

/// <summary>A guest with one process, page by page: what each of its pages is, and what it holds.</summary>
internal sealed class DestinationMemory : IVcpuControl, IDisposable
{
    private const ulong Vmemmap = 0xffff_ea00_0000_0000;
    private const ulong Dirty = 0x40;
    private const ulong SavedDirty = 1UL << 58;
    private const int DirtyBit = 4;
    private const int ExclusiveBit = 17;
    private const int Frames = 0x1000;
    private const ulong ZeroFrame = 0x100;
    private readonly GuestKernelBuilder _builder = new(Frames * GuestPage.Size);
    private readonly PageTableBuilder _process;
    private ulong _nextFrame = 0x400;

    public DestinationMemory(bool marksExclusive = true)
    {
        _process = new PageTableBuilder(_builder.Guest, PagingMode.FourLevel);
        _builder.Types.Enum("pageflags", marksExclusive ? [("PG_dirty", DirtyBit), ("PG_anon_exclusive", ExclusiveBit)] : [("PG_dirty", DirtyBit)]);
        for (ulong page = 0; page < Frames * 64 / GuestPage.Size; page++)
            _builder.Tables.Map(Vmemmap + page * GuestPage.Size, _builder.Guest.TakePage().Value, PageTableBuilder.Present | PageTableBuilder.Writable);
        Kernel = _builder.Variable("zero_pfn", ZeroFrame).Boot().Attach();
    }

    public GuestKernel Kernel { get; }

    public GuestMemoryWriter Writer => _builder.Guest.Writer;

    public AddressSpace Space => Kernel.AddressSpace.Tables with { Root = _process.Root };

    public int Pauses { get; private set; }

    /// <summary>Done each time that the guest runs: it moves what it likes.</summary>
    public Action WhenRunning { get; set; } = () => { };

    /// <summary>A page that the process has written and nobody else sees.</summary>
    public ulong Own(ulong address, byte holds = 0xee, bool writable = true, bool dirty = true)
    {
        ulong frame = Frame(holds, mapping: 1, flags: 1UL << ExclusiveBit);
        ulong dirtyBit = !dirty ? 0 : writable ? Dirty : SavedDirty;
        _process.Map(address, frame << GuestPage.Shift, PageTableBuilder.Present | PageTableBuilder.User | dirtyBit | (writable ? PageTableBuilder.Writable : 0));
        return frame;
    }

    /// <summary>Has the kernel write to a page of <see cref="Own"/> in its process's stead: the page is marked, the entry is not.</summary>
    public void MarkDirty(ulong frame) => PutVirtual(new GuestVirtualAddress(PageAddress(frame)), (1UL << ExclusiveBit) | (1UL << DirtyBit));

    /// <summary>A page of another kind: of a file, shared after a fork, merged.</summary>
    public ulong Other(ulong address, ulong mapping, byte holds = 0xee)
    {
        ulong frame = Frame(holds, mapping, flags: 0);
        _process.Map(address, frame << GuestPage.Shift, PageTableBuilder.Present | PageTableBuilder.User | Dirty);
        return frame;
    }

    public void ZeroPage(ulong address) => _process.Map(address, ZeroFrame << GuestPage.Shift);

    public void Swapped(ulong address) => _process.SetEntry(address, 0x1234_0000);

    public void Huge(ulong address)
    {
        ulong frame = 0x800;
        for (ulong i = 0; i < 512; i++)
        {
            Describe(frame + i, mapping: i == 0 ? 1UL : 0, flags: i == 0 ? 1UL << ExclusiveBit : 0, head: i == 0 ? 0 : PageAddress(frame) + 1);
            Fill(frame + i, 0xee);
        }
        _process.Map(address, frame << GuestPage.Shift, PageTableBuilder.Present | PageTableBuilder.User | PageTableBuilder.Writable | Dirty, shift: 21);
    }

    /// <summary>Pages of a file of tmpfs, one frame after the other.</summary>
    public PageFrameNumber File(ulong firstPage, int pages, ulong mapping)
    {
        PageFrameNumber first = new(_nextFrame);
        for (int i = 0; i < pages; i++)
        {
            ulong frame = Frame(0xee, mapping, flags: 0);
            PutVirtual(new GuestVirtualAddress(PageAddress(frame)) + 32, firstPage + (ulong)i);
        }
        return first;
    }

    public void SetIndex(PageFrameNumber frame, ulong index) => PutVirtual(new GuestVirtualAddress(PageAddress(frame.Value)) + 32, index);

    public byte[] Holds(ulong frame) => _builder.Guest.Memory.Span(new PageFrameNumber(frame).Address, GuestPage.Size).ToArray();

    public void Pause() => Pauses++;

    public void Resume() => WhenRunning();

    public void Dispose() => _builder.Dispose();

    private ulong Frame(byte holds, ulong mapping, ulong flags)
    {
        ulong frame = _nextFrame++;
        Describe(frame, mapping, flags, head: 0);
        Fill(frame, holds);
        return frame;
    }

    private void Fill(ulong frame, byte value) => _builder.Guest.Put(new PageFrameNumber(frame).Address, Enumerable.Repeat(value, GuestPage.Size).ToArray());

    private void Describe(ulong frame, ulong mapping, ulong flags, ulong head)
    {
        GuestVirtualAddress page = new(PageAddress(frame));
        PutVirtual(page, flags);
        PutVirtual(page + 8, head);
        PutVirtual(page + 24, mapping);
        PutVirtual(page + 48, 0);
        PutVirtual(page + 52, 1);
    }

    /// <summary>Writes at a kernel address that only the page tables lead to.</summary>
    private void PutVirtual<T>(GuestVirtualAddress address, T value) where T : unmanaged => _builder.Guest.Put(Kernel.AddressSpace.Translate(address), value);

    private static ulong PageAddress(ulong frame) => Vmemmap + frame * 64;
}

/// <summary>Pages to be written, and what was read back of them.</summary>
internal sealed class WantedPages(params (ulong Start, byte[] Contents, int ZeroPages)[] runs) : IPagesToWrite
{
    public SortedDictionary<ulong, byte> ReadBackFirstBytes { get; } = [];

    public int Runs => runs.Length;

    public PagesToWrite this[int run] => new(
        new GuestVirtualAddress(runs[run].Start),
        new PageCount(runs[run].ZeroPages > 0 ? runs[run].ZeroPages : runs[run].Contents.Length / GuestPage.Size),
        runs[run].ZeroPages > 0 ? default : runs[run].Contents);

    public static byte[] Filled(params byte[] pages) => [.. pages.SelectMany(value => Enumerable.Repeat(value, GuestPage.Size))];

    public void ReadBack(GuestVirtualAddress start, ReadOnlySpan<byte> contents)
    {
        for (int i = 0; i < contents.Length; i += GuestPage.Size) ReadBackFirstBytes.Add(start.Value + (ulong)i, contents[i]);
    }
}
