using Watari.Benchmarks.Core;

namespace Watari.Benchmarks.Tests;

public sealed class ReportTests
{
    private static readonly Setting s_setting = new("a processor", 2, "Linux 6.1", 0.5, "0.1.0");

    [Theory]
    [InlineData(19.9, true)]
    [InlineData(20, true)]
    [InlineData(20.1, false)]
    public void An_upper_bound_is_met_up_to_itself(double milliseconds, bool met)
    {
        var report = new Report("freeze", s_setting);
        report.Add(new Figure("freeze", milliseconds, "ms", null, Goal.AtMost(20)));

        Assert.Equal(met, report.IsMet(report.Figures[0]));
    }

    [Theory]
    [InlineData(1.6, 8, true)] // the value
    [InlineData(1.1, 2, true)] // the share
    [InlineData(1.1, 8, false)]
    public void One_of_several_goals_will_do(double rate, double memcpy, bool met)
    {
        var report = new Report("capture", s_setting);
        report.Add(new Figure("memcpy", memcpy, "GB/s"));
        report.Add(new Figure("capture", rate, "GB/s", "memcpy", Goal.AtLeast(1.5), Goal.ShareAtLeast(0.5)));

        Assert.Equal(met, report.IsMet(report.Figures[1]));
    }

    [Fact]
    public void The_table_says_what_was_measured_on_what_and_what_was_wanted()
    {
        var report = new Report("downtime", s_setting with { Guest = new GuestSetting(Hypervisor.Accelerator.Tcg, "7.2.22", 1, "6.12.1", "4.1.1") });
        report.Add(new Figure("podman", 5000, "ms"));
        report.Add(new Figure("migration", 1900, "ms", "podman", Goal.ShareAtMost(0.5)));
        report.Add(new Figure("small", 12, "ms", "podman"));
        report.Add(new Figure("  part freeze", 9.5, "ms"));

        using var table = new StringWriter();
        ReportWriter.WriteTable(report, table);

        Assert.Equal(
            """
            downtime: Watari 0.1.0, 2 CPUs (a processor), Linux 6.1, load 0.5
              TCG, QEMU 7.2.22, 1 vCPU, guest kernel 6.12.1, CRIU 4.1.1
              podman              5,000 ms
              migration           1,900 ms  38 % of podman  (wanted ≤ 50 %: met)
              small                  12 ms  0.24 % of podman
                part freeze         9.5 ms

            """, table.ToString());
    }

    [Fact]
    public void The_median_of_an_even_count_lies_between_its_two()
    {
        Assert.Equal(new Spread(1, 2.5, 9), Spread.Of([9, 1, 2, 3]));
        Assert.Throws<ArgumentException>(() => Spread.Of([]));
    }
}
