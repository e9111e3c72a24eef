using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Verdicts;
using Watari.Introspection.Tests.Build;

namespace Watari.Checkpoint.Tests.Capture;

public sealed class CaptureBudgetTests : IDisposable
{
    private static readonly IntrospectionLimits s_limits = IntrospectionLimits.Default with { CaptureObjects = 10, LookBytes = 100, PageTableEntries = 1000, CaptureRuns = 20 };

    private readonly GuestKernelBuilder _builder = new();
    private readonly CaptureBudget _budget;

    public CaptureBudgetTests() => _budget = new CaptureBudget(_builder.Boot().Attach(s_limits));

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Each_limit_can_be_reached_and_not_passed()
    {
        AssertBound(10, count => _budget.TakeObjects(count));
        AssertBound(100, count => _budget.TakeBytes(count));
        AssertBound(1000, count => _budget.TakePages((ulong)count));
        AssertBound(20, count => _budget.TakeRuns(count));

        static void AssertBound(long limit, Action<long> take)
        {
            take(limit - 1);
            take(1);
            take(0);
            Assert.Contains($"({limit})", Assert.Throws<KernelWalkException>(() => take(1)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_number_of_pages_beyond_all_bounds_is_beyond_this_one() => Assert.Throws<KernelWalkException>(() => _budget.TakePages(ulong.MaxValue));

    [Fact]
    public void Files_that_travel_whole_share_one_bound_and_after_one_that_is_too_large_there_is_room_for_none()
    {
        Assert.True(_budget.TryTakeContents(CaptureBudget.MostContents - 1));
        Assert.True(_budget.TryTakeContents(1));
        Assert.True(_budget.TryTakeContents(0));
        Assert.False(_budget.TryTakeContents(1));

        CaptureBudget other = new(_builder.Attach(s_limits));
        Assert.False(other.TryTakeContents(ulong.MaxValue));
        Assert.False(other.TryTakeContents(1));
    }

    [Fact]
    public void A_verdict_is_paid_for_by_its_words_and_said_once()
    {
        VerdictList verdicts = new(_budget);

        for (int i = 0; i < 1000; i++) verdicts.Add(VerdictKind.Refused, new string('a', 20), new string('b', 20)); // 80 bytes
        verdicts.Add(VerdictKind.CarriedWithHelp, "12345", "67890"); // and 20

        Assert.Equal(2, verdicts.All.Length);
        Assert.Throws<KernelWalkException>(() => verdicts.Add(VerdictKind.Refused, "", "c"));
        Assert.Equal(2, verdicts.All.Length);
    }

    [Fact]
    public void There_are_no_more_verdicts_than_objects()
    {
        VerdictList verdicts = new(_budget);
        for (int i = 0; i < 10; i++) verdicts.Add(VerdictKind.Refused, "", $"{i}");

        Assert.Throws<KernelWalkException>(() => verdicts.Add(VerdictKind.Refused, "", "x"));
    }
}
