using System.Buffers;
using Watari.Introspection.Net;
using Watari.Introspection.Tests.Build;
using Watari.Introspection.Time;

namespace Watari.Introspection.Tests.Hostile;

/// <summary>Objects with lengths, lists and numbers that no kernel would write.</summary>
public sealed class HostileObjectsTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Packets_of_packets_that_hold_nothing_end_with_the_steps_of_the_look()
    {
        // Each packet has a list of further ones that leads back to itself and has no byte: lists of lists, each within its bound.
        BtfBuilder types = _builder.Types;
        types.Struct("sk_buff", 64, BtfField.At(0, "next", _builder.VoidPointer), BtfField.At(8, "len", _builder.Uint), BtfField.At(12, "data_len", _builder.Uint),
            BtfField.At(16, "head", _builder.VoidPointer), BtfField.At(24, "data", _builder.VoidPointer), BtfField.At(32, "end", _builder.Uint));
        int fragment = types.Struct("skb_frag", 16, BtfField.At(0, "netmem", _builder.Ulong), BtfField.At(8, "len", _builder.Uint), BtfField.At(12, "offset", _builder.Uint));
        types.Struct("skb_shared_info", 32, BtfField.At(0, "nr_frags", _builder.Char), BtfField.At(8, "frag_list", _builder.VoidPointer), BtfField.At(16, "frags", types.Array(fragment, 1)));
        GuestVirtualAddress packet = _builder.Allocate(64), shared = _builder.Allocate(32);
        _builder.Put(packet, packet).Put(packet + 8, 1).Put(packet + 12, 1).Put(packet + 16, shared).Put(shared + 8, packet);
        GuestKernel look = _builder.Boot().Attach(IntrospectionLimits.Default with { LookSteps = 100_000, Depth = 4 }).BeginLook();

        KernelWalkException error = Assert.Throws<KernelWalkException>(() => look.At<SkBuff>(packet).AppendTo(new ArrayBufferWriter<byte>()));

        Assert.Contains("nested more than 4 deep", error.Message, StringComparison.Ordinal);
        _builder.Put(packet + 8, 0UL); // no bytes, and so no packets in it: only the list has no end
        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => Drain(look.At<SkBuff>(packet))).Path);

        static void Drain(SkBuff first)
        {
            var bytes = new ArrayBufferWriter<byte>();
            for (SkBuff packet = first; ; packet = SkBuff.At(packet.Kernel, packet.Next)) packet.AppendTo(bytes);
        }
    }

    [Fact]
    public void An_address_that_is_no_address_of_16_bytes_is_read_as_one()
    {
        BtfBuilder types = _builder.Types;
        int bytes = types.Union("in6_u", 4, BtfField.At(0, "u6_addr8", types.Array(_builder.Char, 4)));
        types.Struct("in6_addr", 4, BtfField.At(0, "in6_u", bytes));

        Assert.Equal(16, _builder.Boot().Attach().At<In6Addr>(_builder.Allocate(16)).Bytes.Length);
    }

    [Fact]
    public void A_timer_of_which_nothing_tells_whether_it_is_set_is_an_error()
    {
        _builder.Types.Struct("hrtimer", 8, BtfField.At(0, "function", _builder.VoidPointer));

        Assert.Throws<KernelTypeException>(() => _builder.Boot().Attach().At<HrTimer>(_builder.Allocate(8)).IsActive);
    }

    [Theory]
    [InlineData(0U, 0U)]
    [InlineData(uint.MaxValue, 0U)]
    public void A_tick_of_no_length_or_of_seconds_is_an_error(uint mult, uint shift)
    {
        _builder.Types.Struct("clocksource", 8, BtfField.At(0, "mult", _builder.Uint), BtfField.At(4, "shift", _builder.Uint));
        GuestVirtualAddress ticks = _builder.AllocateGlobal("clocksource_jiffies", 8);
        _builder.Put(ticks, mult).Put(ticks + 4, shift).Boot();

        Assert.Equal("clocksource.mult", Assert.Throws<KernelWalkException>(() => Jiffies.PerSecond(_builder.Attach())).Path);
    }
}
