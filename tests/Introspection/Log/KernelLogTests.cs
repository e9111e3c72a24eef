using System.Text;
using Watari.Introspection.Log;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Log;

public sealed class KernelLogTests : IDisposable
{
    private readonly LogBuilder _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Records_come_in_order_with_their_level_and_time()
    {
        _log.Add("Linux version 6.12", level: 5);
        _log.Add("oops", level: 0, nanoseconds: 1_234_567_890);

        List<(KernelLogRecord Record, string Text)> records = Read();

        Assert.Equal(["Linux version 6.12", "oops"], records.Select(r => r.Text));
        Assert.Equal([(0UL, 0UL, 5, 77u), (1UL, 1_234_567_890UL, 0, 77u)], records.Select(r => (r.Record.Sequence, r.Record.Nanoseconds, (int)r.Record.Level, r.Record.CallerId)));
    }

    [Fact]
    public void A_log_that_nothing_was_written_to_is_empty() => Assert.Empty(Read());

    [Theory]
    [InlineData(false, 3)]
    [InlineData(true, 4)]
    public void Texts_go_round_the_ring(bool fillsToTheEnd, int held)
    {
        using LogBuilder log = new() { FillsToTheEnd = fillsToTheEnd };
        // 64 bytes each with its header: the fourth ends where the ring does, or begins anew at its start. Of twenty, the last are there.
        string[] texts = [.. Enumerable.Range(0, 20).Select(i => $"{i:00} " + new string((char)('a' + i), 53))];
        foreach (string text in texts) log.Add(text);

        string[] read = [.. Read(log).Select(r => r.Text)];

        // What was overwritten is left out, by its block's id.
        Assert.Equal(texts[^held..], read);
    }

    [Theory]
    [InlineData(LogBuilder.Reserved)]
    [InlineData(LogBuilder.Committed)]
    [InlineData(LogBuilder.Reusable)]
    public void A_record_that_is_not_finished_is_left_out(ulong state)
    {
        _log.Add("before");
        _log.Add("half wri", state: state);
        _log.Add("after");

        Assert.Equal(["before", "after"], Read().Select(r => r.Text));
    }

    [Fact]
    public void A_record_whose_place_another_has_taken_is_left_out()
    {
        ulong gone = _log.Add("gone"), torn = _log.Add("torn");
        _log.Add("there");
        _log.Foreign(gone);
        _log.BlockId(torn, 12345);

        Assert.Equal(["there"], Read().Select(r => r.Text));
    }

    [Fact]
    public void An_empty_line_is_a_line_and_a_text_that_was_lost_is_none()
    {
        _log.AddWithoutText(position: 3);
        _log.AddWithoutText(position: 1, length: 20);
        _log.Add("end");

        Assert.Equal(["", "end"], Read().Select(r => r.Text));
    }

    [Theory]
    [InlineData(17)]
    [InlineData(ushort.MaxValue)]
    public void A_text_longer_than_its_block_is_left_out(int length)
    {
        ulong absurd = _log.Add("sixteen bytes ok");
        _log.Add("end");
        _log.TextLength(absurd, (ushort)length);

        Assert.Equal(["end"], Read().Select(r => r.Text));
    }

    [Theory]
    [InlineData(0UL, 0UL)]
    [InlineData(0UL, ulong.MaxValue)]
    [InlineData(8UL, 8UL)]
    [InlineData(16UL, 8UL)]
    [InlineData(250UL, 600UL)]
    [InlineData(ulong.MaxValue - 1, 4UL)]
    public void A_block_that_cannot_be_is_left_out(ulong begin, ulong next)
    {
        ulong absurd = _log.Add("text");
        _log.Add("end");
        _log.Position(absurd, begin, next);

        Assert.Equal(["end"], Read().Select(r => r.Text));
    }

    [Fact]
    public void A_block_that_ends_before_it_begins_is_left_out_whatever_length_its_text_is_said_to_have()
    {
        _log.Add("before");
        ulong absurd = _log.Add("text");
        _log.Add("end");
        _log.Position(absurd, _log.BeginOf(absurd), _log.BeginOf(absurd) - 8);
        _log.TextLength(absurd, LogBuilder.TextBytes + 1);

        Assert.Equal(["before", "end"], Read().Select(r => r.Text));
    }

    [Theory]
    [InlineData(3, long.MaxValue)]
    [InlineData(long.MaxValue, 9)]
    public void A_log_costs_steps_and_bytes_of_the_look(long steps, long bytes)
    {
        for (int i = 0; i < 5; i++) _log.Add($"{i}.");
        GuestKernel kernel = _log.Kernel.Boot().Attach(IntrospectionLimits.Default with { LookSteps = steps, LookBytes = bytes });

        Assert.Equal("look", Assert.Throws<KernelWalkException>(() =>
        {
            foreach (KernelLogRecord _ in kernel.BeginLook().Log)
            {
            }
        }).Path);
    }

    [Fact]
    public void An_older_tail_than_the_ring_can_hold_gives_no_more_than_the_ring_holds()
    {
        for (int i = 0; i < 6; i++) _log.Add($"{i}");
        _log.Tail(1);

        Assert.Equal(["0", "1", "2", "3", "4", "5"], Read().Select(r => r.Text));
    }

    [Fact]
    public void Records_can_be_read_from_one_on()
    {
        for (int i = 0; i < 6; i++) _log.Add($"{i}");

        Assert.Equal(["4", "5"], Read(_log, from: 4).Select(r => r.Text));
    }

    [Theory]
    [InlineData(21u, 8u, "prb_desc_ring.count_bits")]
    [InlineData(200u, 8u, "prb_desc_ring.count_bits")]
    [InlineData(3u, 0u, "prb_data_ring.size_bits")]
    [InlineData(3u, 3u, "prb_data_ring.size_bits")]
    [InlineData(3u, 32u, "prb_data_ring.size_bits")]
    [InlineData(3u, uint.MaxValue, "prb_data_ring.size_bits")]
    public void Rings_of_an_absurd_size_are_an_error(uint countBits, uint sizeBits, string path)
    {
        _log.Add("text");
        _log.CountBits(countBits);
        _log.SizeBits(sizeBits);

        Assert.Equal(path, Assert.Throws<KernelWalkException>(() => Read()).Path);
    }

    [Fact]
    public void Rings_larger_than_what_they_hold_lead_out_of_memory()
    {
        _log.Add("text");
        _log.CountBits(20);

        Assert.ThrowsAny<IntrospectionException>(() => Read());
    }

    [Fact]
    public void A_kernel_without_such_a_log_says_so()
    {
        using var old = new GuestKernelBuilder();
        GuestKernel kernel = old.Boot().Attach();

        Assert.Contains("v5.10", Assert.Throws<KernelTypeException>(() => kernel.Log).Message, StringComparison.Ordinal);
    }

    private List<(KernelLogRecord Record, string Text)> Read() => Read(_log);

    private static List<(KernelLogRecord Record, string Text)> Read(LogBuilder log, ulong from = 0)
    {
        List<(KernelLogRecord, string)> records = [];
        foreach (KernelLogRecord record in log.Kernel.Boot().Attach().LogFrom(from)) records.Add((record, Encoding.UTF8.GetString(record.Text.Span)));
        return records;
    }
}
