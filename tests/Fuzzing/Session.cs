using System.Diagnostics;
using System.Globalization;

namespace Watari.Fuzzing;

/// <summary>Many runs on one material, and the report of them.</summary>
internal static class Session
{
    /// <summary>With these a look that goes astray ends within milliseconds, and a million runs within minutes.</summary>
    public static IntrospectionLimits TightLimits { get; } = IntrospectionLimits.Default with
    {
        Entries = 1 << 13,
        PageTableEntries = 1 << 18,
        LookSteps = 1 << 19,
        LookBytes = 32 << 20,
        CaptureObjects = 1 << 15,
        CaptureRuns = 1 << 16,
        Looks = 2,
    };

    /// <summary>What a run may cost with those.</summary>
    public static RunBounds TightBounds { get; } = new(TimeSpan.FromSeconds(2), 256L << 20);

    /// <summary>And with the limits of a silo.</summary>
    public static RunBounds ProductBounds { get; } = new(TimeSpan.FromSeconds(30), 8L << 30);

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(30);

    /// <returns>The exit code: 1 if a run ended as none may.</returns>
    public static int Run(IMaterial material, RunBounds bounds, ulong seed, ulong first, long runs, ulong? single, CancellationToken cancellation)
    {
        Say($"seed {seed}, {material.Names.Count} looks");
        var fuzzer = new Fuzzer(material, seed, bounds, Tell);
        var watch = new Thread(() => fuzzer.Watch(cancellation)) { IsBackground = true };
        watch.Start();
        if (single is { } only)
        {
            fuzzer.Run(only);
            foreach (string change in material.Done) Say(change);
            return Report(material, fuzzer, 1, TimeSpan.Zero);
        }

        using var last = new LastRun(seed);
        long began = Stopwatch.GetTimestamp();
        long told = began;
        ulong run = first;
        for (; run < first + (ulong)runs && !cancellation.IsCancellationRequested; run++)
        {
            last.Is(run);
            fuzzer.Run(run);
            if (Stopwatch.GetElapsedTime(told) < s_interval) continue;
            told = Stopwatch.GetTimestamp();
            Say($"run {run}, {Rate(run + 1 - first, Stopwatch.GetElapsedTime(began)):0} a second, {fuzzer.Failures} kinds of failures");
        }

        return Report(material, fuzzer, run - first, Stopwatch.GetElapsedTime(began));
    }

    private static int Report(IMaterial material, Fuzzer fuzzer, ulong runs, TimeSpan took)
    {
        Say($"{"look",-40} {"seen",9} {"errors",9} {"refused",9} {"failed",9} {"ms a run",9}");
        for (int look = 0; look < material.Names.Count; look++)
        {
            long all = Enum.GetValues<Outcome>().Sum(outcome => fuzzer.Of(look, outcome));
            Say($"{material.Names[look],-40} {fuzzer.Of(look, Outcome.Seen),9} {fuzzer.Of(look, Outcome.Error),9} {fuzzer.Of(look, Outcome.Refused),9} {fuzzer.Of(look, Outcome.Failed),9} {fuzzer.TimeOf(look).TotalMilliseconds / Math.Max(all, 1),9:0.000}");
        }

        Say($"{runs} runs, {Rate(runs, took):0} a second; the longest took {fuzzer.Longest.TotalMilliseconds:0} ms, the largest allocated {fuzzer.MostAllocated >> 10} KiB");
        if (material is SnapshotMaterial snapshot)
        {
            (int read, int all, IReadOnlyList<string> never) = Targets.Coverage(snapshot.Kernel);
            Say($"{read} of {all} members of kernel structures were read; never: {string.Join(", ", never)}");
        }

        return fuzzer.Failures > 0 ? 1 : 0;
    }

    private static void Tell(Failure failure) => Say($"""
        FAILED: --seed {failure.Seed} --run {failure.Run}, {failure.Look}
        {failure.What}
        {failure.Where}
        {string.Join('\n', failure.Done)}
        """);

    private static double Rate(ulong runs, TimeSpan took) => took > TimeSpan.Zero ? runs / took.TotalSeconds : 0;

    private static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static void Say(string text) => Console.WriteLine(text);
}
