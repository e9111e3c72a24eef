using Watari.Introspection.Tests.Build;
using Watari.Introspection.Tests.Walks;

namespace Watari.Introspection.Tests.Hostile;

/// <summary>A guest of a few MiB with a list, a hash chain, a tree and a vmalloc area: so small that it is attached to and read in microseconds.</summary>
public sealed class SmallGuest : IDisposable
{
    private const ulong ImagePhysical = 0x10_0000;
    private const ulong ObjectsPhysical = 0x30_0000;
    private const ulong ObjectsLength = 512;
    private const ulong ImageLength = 12_000; // as much of it as is in use
    private const ulong TablesLength = 5 * GuestPage.Size;

    private readonly GuestVirtualAddress _links;

    public SmallGuest()
    {
        BtfBuilder types = Builder.Types;
        int hlistHead = types.Struct("hlist_head", 8, BtfField.At(0, "first", Builder.VoidPointer));
        int hlistNode = types.Struct("hlist_node", 16, BtfField.At(0, "next", Builder.VoidPointer), BtfField.At(8, "pprev", Builder.VoidPointer));
        int rbRoot = types.Struct("rb_root", 8, BtfField.At(0, "rb_node", Builder.VoidPointer));
        int rbNode = types.Struct("rb_node", 24, BtfField.At(0, "__rb_parent_color", Builder.Ulong), BtfField.At(8, "rb_right", Builder.VoidPointer), BtfField.At(16, "rb_left", Builder.VoidPointer));
        types.Struct("link", 80, BtfField.At(0, "value", Builder.Long), BtfField.At(8, "node", Builder.ListHead), BtfField.At(24, "hash", hlistNode), BtfField.At(40, "branch", rbNode));
        types.Struct("links", 32, BtfField.At(0, "list", Builder.ListHead), BtfField.At(16, "hlist", hlistHead), BtfField.At(24, "tree", rbRoot));
        _links = Builder.Allocate(32);
        GuestVirtualAddress[] links = [Builder.Allocate(80), Builder.Allocate(80), Builder.Allocate(80)];
        Builder.LinkList([_links, .. links.Select(link => link + 8)]);
        Builder.Put(_links + 16, links[0] + 24).Put(links[0] + 24, links[1] + 24);
        Builder.Put(_links + 24, links[1] + 40).Put(links[1] + 40 + 8, links[2] + 40).Put(links[2] + 40, links[1] + 40);
        for (ulong page = 0; page < 16; page++) Builder.Tables.Map(0xffff_c900_0000_0000 + page * 0x1000, 0x30_0000 + page * 0x1000, PageTableBuilder.Present);
        Builder.Boot();
        Regions =
        [
            (Builder.NoteAddress, 1024),
            (new GuestPhysicalAddress(ObjectsPhysical), ObjectsLength),
            (Builder.Guest.Memory.End + unchecked(0 - TablesLength), TablesLength),
            (new GuestPhysicalAddress(ImagePhysical + GuestPage.Size), ImageLength),
        ];
    }

    public GuestKernelBuilder Builder { get; } = new(4 << 20);

    /// <summary>Where what it reads lies: the note, the objects, the page tables, symbols and types.</summary>
    public IReadOnlyList<(GuestPhysicalAddress Start, ulong Length)> Regions { get; }

    /// <summary>An address of an object, as false pointers may have it.</summary>
    public GuestVirtualAddress Links => _links;

    public long ReadEverything(IntrospectionLimits limits)
    {
        GuestKernel kernel = Builder.Attach(limits).BeginLook();
        Links links = kernel.At<Links>(_links);
        long sum = 0;
        foreach (Link link in links.List.Entries<Link>(static link => link.Node)) sum += link.Value;
        foreach (Link link in links.Hlist.Entries<Link>(static link => link.Hash)) sum += link.Value;
        foreach (Link link in links.Tree.Entries<Link>(static link => link.Branch)) sum += link.Value;
        foreach (PageRun run in kernel.AddressSpace.Tables.PageRuns(new GuestVirtualRange(new(0xffff_8000_0000_0000), new(ulong.MaxValue)))) sum += run.Count.Value;
        if (kernel.Symbols.TryGetNearest(new GuestVirtualAddress(0xffff_ffff_8010_2000), out _, out ulong offset)) sum += (long)offset;
        return sum;
    }

    public void Dispose() => Builder.Dispose();
}
