using System.Globalization;
using System.Text;
using Watari.Introspection.Containers;
using Watari.Introspection.Symbols;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Hostile;

/// <summary>Symbols, types and files that are made to cost more than they should.</summary>
public sealed class HostileTablesTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Names_that_are_chosen_to_have_one_place_in_the_hash_are_refused()
    {
        var colliding = Enumerable.Range(0, int.MaxValue).Select(i => $"s{i}").Where(name => (NameHash.Of(Encoding.UTF8.GetBytes(name)) & 0xffff) == 0).Take(40);
        foreach (string name in colliding) _builder.Symbol(name, new GuestVirtualAddress(0xffff_ffff_8010_0000));
        _builder.Boot();

        Assert.Contains("have one place", Assert.Throws<KernelNotFoundException>(() => _builder.Attach(IntrospectionLimits.Default with { Collisions = 32 })).Message, StringComparison.Ordinal);
        Assert.True(_builder.Attach().Symbols.Count > 40);
    }

    [Fact]
    public void Names_that_are_chosen_to_have_the_hash_of_another_are_refused()
    {
        var colliding = Enumerable.Range(0, 1_000_000).Select(i => unchecked((ulong)i * 0x9e37_79b9_7f4a_7c15).ToString("x16", CultureInfo.InvariantCulture)).GroupBy(name => NameHash.Of(Encoding.UTF8.GetBytes(name))).Where(names => names.Count() == 2).Take(20).SelectMany(names => names);
        foreach (string name in colliding) _builder.Symbol(name, new GuestVirtualAddress(0xffff_ffff_8010_0000));
        _builder.Boot();

        Assert.Contains("have the hash of another", Assert.Throws<KernelNotFoundException>(() => _builder.Attach(IntrospectionLimits.Default with { Collisions = 19 })).Message, StringComparison.Ordinal);
        Assert.True(_builder.Attach(IntrospectionLimits.Default with { Collisions = 20 }).Symbols.Count > 40);
    }

    [Fact]
    public void A_name_that_many_symbols_have_has_one_place_and_the_first_of_them_counts()
    {
        for (ulong i = 0; i < 1000; i++) _builder.Symbol("__key", new GuestVirtualAddress(0xffff_ffff_8010_1000 + i * 8));
        GuestKernel kernel = _builder.Boot().Attach(IntrospectionLimits.Default with { Collisions = 32 });

        Assert.Equal(new GuestVirtualAddress(0xffff_ffff_8010_1000), kernel.Symbols.Find("__key"));
        Assert.True(kernel.Symbols.TryFind("_stext"u8, out _));
    }

    [Fact]
    public void Of_many_symbols_at_one_address_the_first_gives_its_name()
    {
        var at = new GuestVirtualAddress(0xffff_ffff_8010_1230);
        for (int i = 0; i < 100; i++) _builder.Symbol($"same{i}", at);
        GuestKernel kernel = _builder.Boot().Attach();

        Assert.True(kernel.Symbols.TryGetName(at, out string? name));
        Assert.Equal("same0", name);
        Assert.False(kernel.Symbols.TryGetName(at + 1, out _));
        Assert.True(kernel.Symbols.TryGetNearest(at + 5, out _, out ulong offset));
        Assert.Equal(5UL, offset);
    }

    [Fact]
    public void A_name_of_a_type_without_an_end_is_refused()
    {
        _builder.Types.Struct(new string('x', 600), 8);

        Assert.Contains("is longer than 512", Assert.Throws<KernelNotFoundException>(() => _builder.Boot().Attach()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Types_of_one_name_do_not_make_each_search_long()
    {
        for (int i = 0; i < 40; i++) _builder.Types.Struct("twin", 8);
        _builder.Boot();

        Assert.Contains("have one place", Assert.Throws<KernelNotFoundException>(() => _builder.Attach(IntrospectionLimits.Default with { Collisions = 32 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Structures_with_countless_members_are_searched_so_far_and_no_further()
    {
        int wide = _builder.Types.Struct("wide", 8, [.. Enumerable.Range(0, 200).Select(i => BtfField.At(0, $"m{i}", _builder.Char))]);
        GuestKernel kernel = _builder.Boot().Attach(IntrospectionLimits.Default with { TypeMembers = 100 });

        Assert.Throws<KernelTypeException>(() => kernel.Types.TryGetMember(new BtfTypeId(wide), "m150", out _));
        Assert.True(kernel.Types.TryGetMember(new BtfTypeId(wide), "m50", out _));
    }

    [Fact]
    public void The_path_of_a_member_in_a_message_is_no_longer_than_it_need_be()
    {
        BtfBuilder types = _builder.Types;
        int nested = types.Struct("innermost", 8, BtfField.At(0, "end", _builder.Long));
        for (int depth = 1; depth < 20; depth++) nested = types.Struct($"nested_{depth}", 8 + depth * 8, BtfField.At(8, new string((char)('a' + depth), 500), nested));

        string path = _builder.Boot().Attach().Types.PathAt(new BtfTypeId(nested), 19 * 8)!;

        Assert.Equal(1001, path.Length);
    }

    [Fact]
    public void No_more_notes_are_tried_than_the_limit()
    {
        _builder.NoteAddress = new GuestPhysicalAddress(0x1000);
        _builder.Boot();
        for (ulong page = 2; page < 7; page++) _builder.PutNote(new GuestPhysicalAddress(page * 0x1000), "OSRELEASE=5.10.0-stale\n");

        Assert.Equal(GuestKernelBuilder.Release, _builder.Attach().Release);
        Assert.Throws<KernelNotFoundException>(() => _builder.Attach(IntrospectionLimits.Default with { Notes = 4 }));
    }

    [Theory]
    [InlineData("""{"config":{"rootfs":"\ud800","labels":["bundle=/b"]}}""")]
    [InlineData("""{"config":{"rootfs":"/r","labels":["\udfff"]}}""")]
    [InlineData("""{"config":""")]
    [InlineData("")]
    public void A_runtimes_state_that_is_no_text_is_none(string json) => Assert.Null(RuncState.Parse(Encoding.UTF8.GetBytes(json)));
}
