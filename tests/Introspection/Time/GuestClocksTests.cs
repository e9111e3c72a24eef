using Watari.Introspection.Tests.Build;
using Watari.Introspection.Time;

namespace Watari.Introspection.Tests.Time;

public sealed class GuestClocksTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _core;

    public GuestClocksTests()
    {
        BtfBuilder types = _builder.Types;
        types.Typedef("seqcount_raw_spinlock_t", types.Struct("seqcount_raw_spinlock", 4, BtfField.At(0, "sequence", _builder.Uint)));
        int readBase = types.Struct("tk_read_base", 32, BtfField.At(0, "shift", _builder.Uint), BtfField.At(8, "xtime_nsec", _builder.Ulong), BtfField.At(16, "base", _builder.Long));
        types.Struct("timekeeper", 64, BtfField.At(0, "tkr_mono", readBase), BtfField.At(32, "offs_real", _builder.Long), BtfField.At(40, "offs_boot", _builder.Long));
        _core = _builder.AllocateGlobal("tk_core", 72);
        _builder.Put(_core + 8, 8).Put(_core + 16, 500UL << 8).Put(_core + 24, 1_000_000L).Put(_core + 40, 5_000_000L).Put(_core + 48, 30L);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Clocks_are_those_of_the_last_tick()
    {
        Assert.Equal(new GuestClocks(1_000_500, 1_000_530, 6_000_500), GuestClocks.Read(_builder.Boot().Attach()));
    }

    [Fact]
    public void Clocks_in_the_middle_of_a_change_are_an_error()
    {
        _builder.Put(_core, 3);

        Assert.Throws<KernelWalkException>(() => GuestClocks.Read(_builder.Boot().Attach()));
    }
}
