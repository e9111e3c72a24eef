using Watari.Introspection.Tasks;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Tasks;

public sealed class XStateTests : IDisposable
{
    private const int Avx = 2, Opmask = 5, Pkru = 9, FeatureCount = 10;
    private const ulong Compacted = 1UL << 63;
    private const ulong Area = 64;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _task;
    private readonly GuestVirtualAddress _state;

    public XStateTests()
    {
        BtfBuilder types = _builder.Types;
        int registers = types.Union("fpregs_state", 4096, BtfField.At(0, "__padding", types.Array(types.Int("unsigned char", 1), 4096)));
        types.Struct("fpstate", 4160, BtfField.At(0, "size", _builder.Uint), BtfField.At((int)Area, "regs", registers));
        int fpu = types.Struct("fpu", 8, BtfField.At(0, "fpstate", _builder.VoidPointer));
        int thread = types.Struct("thread_struct", 8, BtfField.At(0, "fpu", fpu));
        types.Struct("task_struct", 8, BtfField.At(0, "thread", thread));
        types.Enum("xfeature", ("XFEATURE_YMM", Avx), ("XFEATURE_MAX", FeatureCount));
        _task = _builder.Allocate(8);
        _state = _builder.Allocate(4160, 64);
        _builder.Put(_task, _state).Put(_state, 2696);
        Table("xstate_offsets", (Avx, 576), (Opmask, 1088), (Pkru, 2688));
        Table("xstate_sizes", (Avx, 256), (Opmask, 64), (Pkru, 8));
        Table("xstate_flags", (Pkru, 2)); // aligned
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void In_the_plain_form_each_component_has_its_place()
    {
        Header(features: 1UL << Avx | 1UL << Pkru, compacted: 0);
        Put(576, 0xaa).Put(_state + Area + 2688, 0x55);

        XState state = Read();

        Assert.False(state.IsCompacted);
        Assert.Equal(256, state.Component(Avx).Length);
        Assert.Equal(0xaa, state.Component(Avx)[0]);
        Assert.Equal(0x55, state.Component(Pkru)[0]);
        Assert.Equal(512, state.Legacy.Length);
    }

    [Fact]
    public void In_the_compacted_form_they_follow_one_another_aligned_where_they_must_be()
    {
        Header(features: 1UL << Avx | 1UL << Opmask | 1UL << Pkru, compacted: Compacted | 1UL << Avx | 1UL << Opmask | 1UL << Pkru);
        Set("xstate_sizes", Opmask, 40);
        Put(576, 0xaa).Put(_state + Area + 832, 0xbb).Put(_state + Area + 896, 0xcc);

        XState state = Read();

        Assert.True(state.IsCompacted);
        Assert.Equal(0xaa, state.Component(Avx)[0]);
        Assert.Equal(0xbb, state.Component(Opmask)[0]); // 576 + 256
        Assert.Equal(0xcc, state.Component(Pkru)[0]);   // 832 + 40, rounded up to 64
    }

    [Fact]
    public void A_component_in_its_initial_state_is_empty_whatever_lies_in_its_place()
    {
        Header(features: 1UL << Pkru, compacted: 0);
        Put(576, 0xaa);

        Assert.True(Read().Component(Avx).IsEmpty);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(575)]
    [InlineData(1 << 20)]
    public void An_area_of_an_absurd_size_is_an_error(int size)
    {
        _builder.Put(_state, size);

        Assert.Throws<KernelWalkException>(() => Read());
    }

    [Fact]
    public void A_component_beyond_the_area_is_an_error()
    {
        Header(features: 1UL << Pkru, compacted: 0);
        _builder.Put(_state, 1088);

        Assert.Throws<KernelWalkException>(() => Read().Component(Pkru).Length);
    }

    private XState Read() => XState.Read(_builder.Boot().Attach().At<TaskStruct>(_task));

    private void Header(ulong features, ulong compacted) => _builder.Put(_state + Area + 512, features).Put(_state + Area + 520, compacted);

    private GuestKernelBuilder Put(ulong offset, int value) => _builder.Put(_state + Area + offset, value);

    private readonly Dictionary<string, GuestVirtualAddress> _tables = [];

    private void Table(string name, params (int Feature, int Value)[] values)
    {
        _tables[name] = _builder.AllocateGlobal(name, FeatureCount * sizeof(int));
        foreach ((int feature, int value) in values) Set(name, feature, value);
    }

    private void Set(string name, int feature, int value) => _builder.Put(_tables[name] + (ulong)feature * sizeof(int), value);
}
