using Watari.GrainInterfaces.Model;
using Watari.Introspection.Log;
using Watari.Introspection.Tests.Log;
using Watari.Silo.Engine;

namespace Watari.Silo.Tests.Engine;

public sealed class KernelLogsTests : IDisposable
{
    private const ulong InfoSize = 32;

    private readonly LogBuilder _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void A_piece_begins_where_it_shall_and_tells_where_the_next_one_does()
    {
        for (int i = 0; i < 5; i++) _log.Add($"message {i}", nanoseconds: (ulong)i);
        GuestKernel kernel = _log.Kernel.Boot().Attach();

        KernelLogPiece all = KernelLogs.Read(kernel, 0), rest = KernelLogs.Read(kernel, 3), none = KernelLogs.Read(kernel, all.Next);

        Assert.Equal((5, 5UL, true), (all.Entries.Length, all.Next, all.IsLast));
        Assert.Equal(["message 3", "message 4"], rest.Entries.Select(entry => entry.Text));
        Assert.Equal((0, 5UL, true), (none.Entries.Length, none.Next, none.IsLast));
        Assert.Null(all.BootTime); // such a kernel has no clocks
    }

    [Fact]
    public void Numbers_that_a_guest_has_made_up_do_not_lead_its_reader_back()
    {
        for (int i = 0; i < LogBuilder.Descriptors; i++) _log.Add($"message {i}");
        GuestKernel kernel = _log.Kernel.Boot().Attach();
        GuestVirtualAddress infos = PrintkRingBuffer.Of(kernel).DescRing.Infos;
        _log.Kernel.Put(infos + 2 * InfoSize, 2UL + 10 * LogBuilder.Descriptors); // those after it are lower
        _log.Kernel.Put(infos + 7 * InfoSize, ulong.MaxValue); // and behind this there is none

        KernelLogPiece piece = KernelLogs.Read(kernel, 0);

        ulong[] numbers = [.. piece.Entries.Select(entry => entry.Sequence)];
        Assert.Equal(numbers.Order().Distinct(), numbers);
        Assert.Contains(82UL, numbers);
        Assert.Equal(83UL, piece.Next);
    }
}
