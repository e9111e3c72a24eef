using System.Diagnostics;
using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;
using Watari.Checkpoint.Freezing;
using Watari.GuestAgent.Protocol;
using Watari.Guests;

namespace Watari.Benchmarks.Freeze;

/// <summary>
/// Freezing and thawing a container of ten threads by writing its VM's memory: nine that wait in different system calls beside one
/// that never sleeps, and ten that wait on a guest that idles. Beside it what the guest's own cgroup.freeze takes.
/// </summary>
internal sealed class FreezeBenchmark : IBenchmark
{
    private const int Threads = 10;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    public string Name => "freeze";

    public string Description => "freezing and thawing ten threads from outside, beside the guest's own cgroup.freeze";

    public BenchmarkSize Usual => new(MiB: 0, Rounds: 30);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        Report? report = null;
        foreach ((string kind, string arguments) in new[] { ("one spins", $"\"--threads\", \"{Threads - 2}\", \"--spin\""), ("all wait", $"\"--threads\", \"{Threads - 1}\"") })
        {
            await using MeasuredGuest guest = await MeasuredGuest.StartAsync(new GuestOptions { Setup = RunCounter(arguments) }, cancellation);
            report ??= new Report(Name, Setting.OfMachine() with { Guest = guest.Setting });
            (Spread inside, Spread insideThaw) = await FromInsideAsync(guest, size.Rounds, cancellation);
            (Spread freeze, Spread thaw) = FromOutside(guest.Vm.Freezer(), size.Rounds);
            report.Add(new Figure($"cgroup.freeze, {kind}", inside.Median, "ms"));
            report.Add(new Figure($"freeze, {kind}", freeze.Median, "ms", $"cgroup.freeze, {kind}", Goal.AtMost(20)));
            report.Add(new Figure($"  quickest freeze, {kind}", freeze.Min, "ms"));
            report.Add(new Figure($"  slowest freeze, {kind}", freeze.Max, "ms"));
            report.Add(new Figure($"cgroup thaw, {kind}", insideThaw.Median, "ms"));
            report.Add(new Figure($"thaw, {kind}", thaw.Median, "ms", $"cgroup thaw, {kind}"));
            report.Add(new Figure($"  quickest thaw, {kind}", thaw.Min, "ms"));
            report.Add(new Figure($"  slowest thaw, {kind}", thaw.Max, "ms"));
        }
        return report!;
    }

    private static string RunCounter(string arguments) =>
        $"sed -i 's|\"/bin/counter\"|\"/bin/counter\", {arguments}|' /var/lib/watari/bundles/counter/config.json && watari-run counter";

    private static (Spread Freeze, Spread Thaw) FromOutside(OutsideFreezer freezer, int rounds)
    {
        var counter = new TaskSelection.OfCgroup("/counter");
        List<double> freezes = [];
        List<double> thaws = [];
        for (int round = -1; round < rounds; round++)
        {
            long began = Stopwatch.GetTimestamp();
            FrozenTasks frozen = freezer.Freeze(counter, s_patience);
            double freeze = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            if (frozen.Tasks.Count != Threads) throw new InvalidOperationException($"{frozen.Tasks.Count} threads were frozen, and {Threads} are to be measured.");
            began = Stopwatch.GetTimestamp();
            freezer.Thaw(frozen, s_patience);
            // The first round only warms up.
            if (round < 0) continue;
            freezes.Add(freeze);
            thaws.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        return (Spread.Of(freezes), Spread.Of(thaws));
    }

    /// <summary>By the agent, which writes cgroup.freeze and waits for cgroup.events; by the guest's own clock.</summary>
    private static async Task<(Spread Freeze, Spread Thaw)> FromInsideAsync(MeasuredGuest guest, int rounds, CancellationToken cancellation)
    {
        GuestAgentClient agent = await guest.Vm.AgentAsync(cancellation);
        List<double> freezes = [];
        List<double> thaws = [];
        for (int round = 0; round < rounds; round++)
        {
            JobStep step = new(JobId.Parse("freeze"), new FencingEpoch(1), $"round-{round}");
            freezes.Add((await agent.FreezeAsync(step, "/counter", s_patience, cancellation)).Milliseconds);
            thaws.Add((await agent.ThawAsync(step, "/counter", s_patience, cancellation)).Milliseconds);
        }
        return (Spread.Of(freezes), Spread.Of(thaws));
    }
}
