using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Types;

public sealed class BtfTypesTests
{
    [Fact]
    public void Members_are_found_by_their_path_through_structures_and_anonymous_unions()
    {
        var builder = new BtfBuilder();
        int number = builder.Int("int", 4, signed: true);
        int inner = builder.Struct("inner", 8, BtfField.At(0, "a", number), BtfField.At(4, "b", number));
        int choice = builder.Union("", 8, BtfField.At(0, "in", builder.Typedef("inner_t", builder.Const(inner))), BtfField.At(0, "first", number));
        int hidden = builder.Struct("", 12, BtfField.At(0, "", choice), BtfField.At(8, "last", number));
        builder.Struct("outer", 20, BtfField.At(0, "head", number), BtfField.At(8, "", hidden));
        BtfTypes types = Parse(builder);

        Assert.Equal(12, types.Member("outer", "in.b").ByteOffset);
        Assert.Equal(8, types.Member("outer", "first").ByteOffset);
        Assert.Equal(16, types.Member("outer", "last").ByteOffset);
        Assert.Equal("in.b", types.PathAt(types.Find("outer"), 12));
        KernelTypeException error = Assert.Throws<KernelTypeException>(() => types.Member("outer", "missing"));
        Assert.Contains("outer", error.Message, StringComparison.Ordinal);
        Assert.Contains("missing", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_go_through_arrays_typedefs_and_pointers()
    {
        var builder = new BtfBuilder();
        int number = builder.Int("unsigned int", 4);
        int matrix = builder.Typedef("matrix_t", builder.Array(builder.Array(number, 3), 5));
        builder.Struct("holder", 72, BtfField.At(0, "matrix", matrix), BtfField.At(64, "pointer", builder.Pointer(matrix)));
        BtfTypes types = Parse(builder);

        Assert.Equal(60, types.SizeOf(types.Find("matrix_t")));
        Assert.Equal(8, types.SizeOf(types.Member("holder", "pointer").Type));
        Assert.True(types.TryGetArray(types.Member("holder", "matrix").Type, out _, out int length));
        Assert.Equal(5, length);
    }

    [Fact]
    public void Bitfields_have_a_place_and_a_width()
    {
        var builder = new BtfBuilder();
        int number = builder.Int("unsigned int", 4);
        builder.Struct("flags", 4, BtfField.Bits(0, 3, "low", number), BtfField.Bits(3, 1, "frozen", number));

        BtfMember frozen = Parse(builder).Member("flags", "frozen");

        Assert.Equal(3, frozen.BitOffset);
        Assert.Equal(1, frozen.BitSize);
    }

    [Fact]
    public void Enumerators_of_anonymous_enums_are_found_and_may_be_negative()
    {
        var builder = new BtfBuilder();
        builder.Enum("state", ("IDLE", 0), ("BUSY", 7));
        builder.Enum("", ("XFEATURE_MAX", 19), ("BAD", -1));
        BtfTypes types = Parse(builder);

        Assert.Equal(7, types.Enumerator("BUSY"));
        Assert.Equal(19, types.Enumerator("XFEATURE_MAX"));
        Assert.Equal(-1, types.Enumerator("BAD"));
        Assert.Throws<KernelTypeException>(() => types.Enumerator("NONE"));
    }

    [Fact]
    public void Of_two_types_of_a_name_the_structure_is_taken()
    {
        var builder = new BtfBuilder();
        int number = builder.Int("int", 4);
        builder.Typedef("path", number);
        builder.Struct("path", 16, BtfField.At(8, "dentry", number));

        Assert.Equal(8, Parse(builder).Member("path", "dentry").ByteOffset);
    }

    [Fact]
    public void A_typedef_of_itself_is_an_error()
    {
        var builder = new BtfBuilder();
        builder.Typedef("loop", 1);
        BtfTypes types = Parse(builder);

        Assert.Throws<KernelTypeException>(() => types.SizeOf(types.Find("loop")));
    }

    [Fact]
    public void Structures_nested_in_themselves_are_an_error_and_take_no_time()
    {
        var builder = new BtfBuilder();
        // Eight anonymous members each, all of the structure itself: without a bound, 8^64 steps.
        builder.Struct("loop", 64, [.. Enumerable.Range(0, 8).Select(i => BtfField.At(i * 8, "", 1))]);
        BtfTypes types = Parse(builder);

        Assert.Throws<KernelTypeException>(() => types.TryGetMember(types.Find("loop"), "absent", out _));
    }

    [Fact]
    public void A_member_beyond_its_structure_is_an_error()
    {
        var builder = new BtfBuilder();
        int number = builder.Int("int", 4);
        builder.Struct("short", 4, BtfField.At(4096, "far", number));

        Assert.Throws<KernelTypeException>(() => Parse(builder).Member("short", "far"));
    }

    [Fact]
    public void A_member_of_a_type_that_is_not_there_is_an_error()
    {
        var builder = new BtfBuilder();
        builder.Struct("wild", 4, BtfField.At(0, "a", 12345));

        Assert.Throws<KernelTypeException>(() => Parse(builder).Member("wild", "a"));
    }

    [Theory]
    [InlineData(0, 0)]        // magic
    [InlineData(8, 1 << 30)]  // the types begin beyond the end
    [InlineData(12, 1 << 30)] // the types are longer than the blob
    [InlineData(12, 17)]      // the types end in the middle of a record
    [InlineData(16, 1 << 30)] // the strings begin beyond the end
    [InlineData(20, -1)]      // the strings are longer than the blob
    public void A_damaged_header_is_an_error(int offset, int value)
    {
        var builder = new BtfBuilder();
        builder.Struct("a", 4, BtfField.At(0, "b", builder.Int("int", 4)));
        byte[] blob = builder.Build();
        BitConverter.TryWriteBytes(blob.AsSpan(offset), value);

        Assert.Throws<KernelTypeException>(() => BtfTypes.Parse(blob, IntrospectionLimits.Default));
    }

    [Fact]
    public void An_unknown_kind_of_record_is_an_error()
    {
        var builder = new BtfBuilder();
        builder.Record("odd", 30, 0, false, 0);

        Assert.Throws<KernelTypeException>(() => Parse(builder));
    }

    [Fact]
    public void More_types_than_the_limit_are_refused_before_they_are_copied()
    {
        Assert.Throws<KernelTypeException>(() => BtfTypes.Parse(new byte[4096], IntrospectionLimits.Default with { TypeBytes = 4095 }));
    }

    private static BtfTypes Parse(BtfBuilder builder) => BtfTypes.Parse(builder.Build(), IntrospectionLimits.Default);
}
