using Watari.Introspection.Symbols;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Symbols;

public sealed class KernelSymbolsTests : IDisposable
{
    private const ulong Stext = 0xffff_ffff_8010_0000;
    private static readonly string s_longName = new('n', 300);

    private readonly GuestMemoryBuilder _guest = new(1 << 20);

    public void Dispose() => _guest.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Names_lead_to_addresses_and_addresses_to_names(bool absolutePerCpu)
    {
        KernelSymbols symbols = Read(new KallsymsBuilder { AbsolutePerCpu = absolutePerCpu }
            .Add("_stext", Stext).Add("sys_open", Stext + 0x10).Add("sys_read", Stext + 0x40).Add(s_longName, Stext + 0x80));

        Assert.Equal(new GuestVirtualAddress(Stext + 0x40), symbols.Find("sys_read"));
        Assert.Equal(new GuestVirtualAddress(Stext + 0x80), symbols.Find(s_longName));
        Assert.True(symbols.TryGetName(new GuestVirtualAddress(Stext + 0x10), out string? name));
        Assert.Equal("sys_open", name);
        Assert.False(symbols.TryGetName(new GuestVirtualAddress(Stext + 0x11), out _));
        Assert.True(symbols.TryGetNearest(new GuestVirtualAddress(Stext + 0x44), out name, out ulong offset));
        Assert.Equal(("sys_read", 4UL), (name, offset));
        Assert.False(symbols.TryFind("sys_write", out _));
    }

    [Fact]
    public void Without_a_base_offsets_count_from_their_own_places()
    {
        const ulong places = 0x1_4000; // where the table of offsets is put
        KallsymsBuilder builder = new KallsymsBuilder { FromOwnPlaces = KernelImage.MapStart.Value + places }.Add("_stext", Stext).Add("sys_open", Stext + 0x10).Add("sys_read", Stext + 0x40);

        KernelSymbols symbols = Read(builder);

        Assert.Equal(new GuestVirtualAddress(Stext + 0x40), symbols.Find("sys_read"));
        Assert.True(symbols.TryGetName(new GuestVirtualAddress(Stext + 0x10), out string? name));
        Assert.Equal("sys_open", name);
    }

    [Fact]
    public void Per_cpu_symbols_are_places_in_each_cpus_area()
    {
        KernelSymbols symbols = Read(new KallsymsBuilder().Add("lazy_list", 0x2f440).Add("_stext", Stext));

        Assert.Equal(new GuestVirtualAddress(0x2f440), symbols.Find("lazy_list"));
    }

    [Fact]
    public void Of_several_symbols_with_a_name_the_first_is_found()
    {
        KernelSymbols symbols = Read(new KallsymsBuilder().Add("_stext", Stext).Add("init", Stext + 8).Add("init", Stext + 16));

        Assert.Equal(new GuestVirtualAddress(Stext + 8), symbols.Find("init"));
    }

    [Fact]
    public void A_table_out_of_order_is_searched_all_the_same()
    {
        KernelSymbols symbols = Read(new KallsymsBuilder().Add("c", Stext + 0x30).Add("_stext", Stext).Add("b", Stext + 0x20));

        Assert.True(symbols.TryGetNearest(new GuestVirtualAddress(Stext + 0x25), out string? name, out _));
        Assert.Equal("b", name);
    }

    [Fact]
    public void A_missing_symbol_is_named_in_the_error()
    {
        KernelSymbols symbols = Read(new KallsymsBuilder().Add("_stext", Stext));

        Assert.Equal("init_task", Assert.Throws<KernelSymbolException>(() => symbols.Find("init_task")).Symbol);
    }

    [Fact]
    public void Tables_that_contradict_the_note_are_not_trusted()
    {
        Assert.Throws<KernelSymbolException>(() => Read(new KallsymsBuilder().Add("_stext", Stext + 0x1000)));
    }

    [Fact]
    public void More_symbols_than_the_limit_are_refused()
    {
        KallsymsBuilder symbols = new KallsymsBuilder().Add("_stext", Stext).Add("b", Stext).Add("c", Stext);

        Assert.Throws<KernelSymbolException>(() => Read(symbols, limits: IntrospectionLimits.Default with { Symbols = 2 }));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    public void An_absurd_count_is_an_error(uint count)
    {
        Assert.Throws<KernelSymbolException>(() => Read(new KallsymsBuilder().Add("_stext", Stext), count));
    }

    [Fact]
    public void A_count_beyond_the_names_that_follow_is_an_error()
    {
        // The names lie at the end of memory, so that reading on would leave it.
        Assert.ThrowsAny<IntrospectionException>(() => Read(new KallsymsBuilder().Add("_stext", Stext), count: 1_000_000));
    }

    [Fact]
    public void A_token_index_that_leads_out_of_the_token_table_is_an_error()
    {
        byte[] index = KallsymsBuilder.TokenIndex;
        index[2 * 's'] = 0xff;
        index[2 * 's' + 1] = 0xff;

        Assert.Throws<KernelSymbolException>(() => Read(new KallsymsBuilder().Add("_stext", Stext), tokenIndex: index));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(600)]
    public void Without_their_places_in_the_note_the_tables_are_found_by_their_form(int count)
    {
        var builder = new KallsymsBuilder();
        builder.Add("_stext", Stext);
        for (int i = 1; i < count; i++) builder.Add($"symbol_{i}", Stext + (ulong)i * 16);

        KernelSymbols symbols = Scan(builder);

        Assert.Equal(count, symbols.Count);
        Assert.Equal(new GuestVirtualAddress(Stext + (ulong)(count - 1) * 16), symbols.Find($"symbol_{count - 1}"));
    }

    [Fact]
    public void Tables_whose_markers_say_otherwise_than_their_names_are_not_taken_for_kallsyms()
    {
        var builder = new KallsymsBuilder();
        builder.Add("_stext", Stext);
        for (int i = 1; i < 600; i++) builder.Add($"symbol_{i}", Stext + (ulong)i * 16);

        Assert.Throws<KernelSymbolException>(() => Scan(builder, spoil: marker => marker + 1));
    }

    [Fact]
    public void What_looks_like_the_tables_is_looked_at_so_far_and_no_further()
    {
        var builder = new KallsymsBuilder();
        builder.Add("_stext", Stext);
        for (int i = 1; i < 600; i++) builder.Add($"symbol_{i}", Stext + (ulong)i * 16);

        Assert.Contains("too much", Assert.Throws<KernelSymbolException>(() => Scan(builder, limits: IntrospectionLimits.Default with { LookSteps = 500 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kernel_without_kallsyms_is_an_error_that_says_so()
    {
        _guest.Put(new GuestPhysicalAddress(0x1000), new byte[0x10000]);
        Note($"SYMBOL(_stext)={Stext:x}\n");
        var image = new KernelImage(-0x10_0000, KernelImage.MapStart, KernelImage.MapStart + (2 << 20));

        KernelSymbolException error = Assert.Throws<KernelSymbolException>(
            () => Read(image, Assert.Single(VmCoreInfo.FindAll(_guest.Memory)), IntrospectionLimits.Default));

        Assert.Contains("CONFIG_KALLSYMS", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Lays the tables out as kernels before v6.4 do, and reads them with a note that does not say where they are.</summary>
    private KernelSymbols Scan(KallsymsBuilder symbols, Func<uint, uint>? spoil = null, IntrospectionLimits? limits = null)
    {
        ulong next = 0x2_0000;
        void Put(ReadOnlySpan<byte> bytes)
        {
            _guest.Put(new GuestPhysicalAddress(next), bytes);
            next = (next + (ulong)bytes.Length + 7) & ~7UL;
        }

        Put("what stands before"u8);
        Put(symbols.Offsets);
        Put(BitConverter.GetBytes(KallsymsBuilder.RelativeBase));
        Put(BitConverter.GetBytes(symbols.Count));
        Put(symbols.Names);
        Put(symbols.Markers.SelectMany((marker, i) => BitConverter.GetBytes(spoil is null || i == 0 ? marker : spoil(marker))).ToArray());
        Put(KallsymsBuilder.TokenTable);
        Put(KallsymsBuilder.TokenIndex);
        Note($"SYMBOL(_stext)={Stext:x}\n");
        var image = new KernelImage(-0x10_0000, KernelImage.MapStart, KernelImage.MapStart + (2 << 20));
        return Read(image, Assert.Single(VmCoreInfo.FindAll(_guest.Memory)), limits ?? IntrospectionLimits.Default);
    }

    private void Note(string values)
    {
        byte[] text = System.Text.Encoding.ASCII.GetBytes("OSRELEASE=test\n" + values);
        _guest.Put(new GuestPhysicalAddress(0), 11).Put(new GuestPhysicalAddress(4), text.Length)
            .Put(new GuestPhysicalAddress(12), "VMCOREINFO\0\0"u8).Put(new GuestPhysicalAddress(24), text);
    }

    private KernelSymbols Read(KallsymsBuilder symbols, uint? count = null, byte[]? tokenIndex = null, IntrospectionLimits? limits = null)
    {
        byte[] names = symbols.Names;
        ulong namesAt = (1 << 20) - (ulong)names.Length;
        var image = new KernelImage(0, KernelImage.MapStart, KernelImage.MapStart + (1 << 20));
        string At(string name, ulong physical, ReadOnlySpan<byte> bytes)
        {
            _guest.Put(new GuestPhysicalAddress(physical), bytes);
            return $"SYMBOL({name})={KernelImage.MapStart.Value + physical:x}\n";
        }

        Note($"SYMBOL(_stext)={Stext:x}\n"
            + At("kallsyms_num_syms", 0x10000, BitConverter.GetBytes(count ?? (uint)symbols.Count))
            + (symbols.FromOwnPlaces is null ? At("kallsyms_relative_base", 0x10010, BitConverter.GetBytes(KallsymsBuilder.RelativeBase)) : "")
            + At("kallsyms_token_index", 0x11000, tokenIndex ?? KallsymsBuilder.TokenIndex)
            + At("kallsyms_token_table", 0x12000, KallsymsBuilder.TokenTable)
            + At("kallsyms_offsets", 0x14000, symbols.Offsets)
            + At("kallsyms_names", namesAt, names));
        return Read(image, Assert.Single(VmCoreInfo.FindAll(_guest.Memory)), limits ?? IntrospectionLimits.Default);
    }

    private KernelSymbols Read(KernelImage image, VmCoreInfo note, IntrospectionLimits limits)
    {
        var places = KallsymsPlaces.Of(_guest.Memory, image, note, limits);
        var index = new KallsymsIndex(KallsymsTables.Read(_guest.Memory, places, limits), limits);
        return new KernelSymbols(index, places, _guest.Memory, note);
    }
}
