using System.Runtime.InteropServices;
using Watari.GrainInterfaces.Model;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Tests.Engine.Vms;

/// <summary>A search for a kernel where there is none, which a guest can make as long as it likes.</summary>
public sealed class GuestLifeTests : IDisposable
{
    private readonly nint _ram = Marshal.AllocHGlobal(1 << 20);
    private readonly SearchClock _time = new();
    private readonly GuestLife _life;
    private readonly GuestPhysicalMemory _memory;

    public GuestLifeTests()
    {
        _life = new GuestLife("vm-a", () => _ => true, _time);
        _memory = new GuestPhysicalMemory(new GuestMemorySegment(default, _ram, 1 << 20));
    }

    public void Dispose()
    {
        _life.Dispose();
        Marshal.FreeHGlobal(_ram);
    }

    [Fact]
    public void A_kernel_that_was_looked_for_in_vain_is_not_looked_for_again_for_as_long_as_that_took()
    {
        _time.Step = TimeSpan.FromSeconds(30);
        EngineException first = Assert.Throws<EngineException>(() => _life.Kernel(_memory));
        _time.Step = TimeSpan.Zero;
        int searches = _time.Asked;

        _time.Now += TimeSpan.FromSeconds(29);
        EngineException soon = Assert.Throws<EngineException>(() => _life.Kernel(_memory));
        int asked = _time.Asked - searches;
        _time.Now += TimeSpan.FromSeconds(2);
        EngineException later = Assert.Throws<EngineException>(() => _life.Kernel(_memory));

        Assert.Equal((1, 2), (asked, _time.Asked - searches - asked)); // a search is measured from its beginning to its end
        Assert.Same(first, soon.InnerException);
        Assert.NotSame(first, later.InnerException);
        Assert.Equal(first.Message, later.Message);
    }

    /// <summary>Goes on by a step each time that it is asked.</summary>
    private sealed class SearchClock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

        public TimeSpan Step { get; set; }

        public int Asked { get; private set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp()
        {
            Asked++;
            Now += Step;
            return Now.Ticks;
        }
    }
}
