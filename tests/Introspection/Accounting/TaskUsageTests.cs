using Watari.Introspection.Accounting;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Accounting;

/// <summary>What a process has in memory: 10 pages of files, 200 of its own and 3 shared ones.</summary>
public sealed class TaskUsageTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Resident_is_the_sum_of_the_counts()
    {
        BtfBuilder types = _builder.Types;
        int counts = types.Struct("mm_rss_stat", 32, BtfField.At(0, "count", types.Array(_builder.Long, 4)));
        types.Struct("mm_struct", 32, BtfField.At(0, "rss_stat", counts));
        GuestVirtualAddress mm = _builder.Allocate(32);
        _builder.Put(mm, 10L).Put(mm + 8, 200L).Put(mm + 16, 5000L).Put(mm + 24, 3L); // the third counts what is in swap

        Assert.Equal(new PageCount(213), _builder.Boot().Attach().At<MmUsage>(mm).Resident);
    }

    [Fact]
    public void Resident_is_the_sum_of_the_counters_and_of_what_each_processor_holds_back_of_them()
    {
        GuestVirtualAddress mm = Counters(processors: 2);

        Assert.Equal(new PageCount(213), _builder.Boot().Attach().At<MmUsage>(mm).Resident);
    }

    [Fact]
    public void Resident_costs_a_step_of_the_look_for_each_processor()
    {
        GuestVirtualAddress mm = Counters(processors: 1000);
        GuestKernel look = _builder.Boot().Attach(IntrospectionLimits.Default with { LookSteps = 100 }).BeginLook();

        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => look.At<MmUsage>(mm).Resident).Path);
    }

    [Fact]
    public void Counts_below_nothing_count_as_none()
    {
        GuestVirtualAddress mm = Counters(processors: 2);
        _builder.Put(mm + 16, -1000L);

        Assert.Equal(new PageCount(13), _builder.Boot().Attach().At<MmUsage>(mm).Resident);
    }

    /// <summary>An mm_struct with a counter of 16 bytes for each kind; of its own pages one processor holds 10 back, and the other has given 5 too much.</summary>
    private GuestVirtualAddress Counters(int processors)
    {
        BtfBuilder types = _builder.Types;
        int counter = types.Struct("percpu_counter", 16, BtfField.At(0, "count", _builder.Long), BtfField.At(8, "counters", _builder.VoidPointer));
        types.Struct("mm_struct", 64, BtfField.At(0, "rss_stat", types.Array(counter, 4)));
        _builder.Variable("nr_cpu_ids", processors);
        GuestVirtualAddress mm = _builder.Allocate(64), parts = _builder.Allocate(32), offsets = _builder.AllocateGlobal("__per_cpu_offset", 16);
        _builder.Put(offsets, 0UL).Put(offsets + 8, 16UL).Put(parts, 10).Put(parts + 16, -5);
        _builder.Put(mm, 10L).Put(mm + 16, 195L).Put(mm + 24, parts).Put(mm + 48, 3L);
        return mm;
    }
}
