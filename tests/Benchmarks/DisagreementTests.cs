using Watari.Benchmarks.SecondOpinion;

namespace Watari.Benchmarks.Tests;

/// <summary>A comparison that could not fail would be none.</summary>
public sealed class DisagreementTests
{
    private static readonly TaskFacts s_task = new(0xffff888001000000, 7, 7, 1, "sleep", 1, 0, 0x400000, 120, 5, 6, 7, 0xffff888002000000);
    private static readonly AreaFacts s_area = new(0xffff888002000000, 0x1000, 0x3000, 0x75, 2, 0x800001, 42, "/usr/bin/sleep");
    private static readonly Account s_account = new([s_task], [s_area]);

    [Fact]
    public void Two_that_say_the_same_in_any_order_agree()
    {
        TaskFacts other = s_task with { Pid = 8 };

        Assert.Empty(Disagreement.Between(new Account([s_task, other], [s_area]), new Account([other, s_task], [s_area])));
    }

    [Fact]
    public void A_field_that_differs_is_named_with_both_values()
    {
        var drgn = new Account([s_task with { Comm = "awake" }], [s_area with { VmFlags = 0x77 }]);

        Assert.Equal(
            ["task 7: Comm is 'sleep' to Watari and 'awake' to drgn", "area 0x1000 of mm 0xffff888002000000: VmFlags is 0x75 to Watari and 0x77 to drgn"],
            Disagreement.Between(s_account, drgn));
    }

    [Fact]
    public void What_only_one_has_or_has_twice_is_told()
    {
        var drgn = new Account([], [s_area, s_area]);

        Assert.Equal(
            ["task 7 is found 1 times by Watari and 0 times by drgn", "area 0x1000 of mm 0xffff888002000000 is found 1 times by Watari and 2 times by drgn"],
            Disagreement.Between(s_account, drgn));
    }
}
