using System.Diagnostics;
using System.Globalization;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Verdicts;
using Watari.Disk;

namespace Watari.Fuzzing;

/// <summary>What a run came to.</summary>
internal enum Outcome
{
    Seen,
    Error,
    Refused,
    Failed,
}

/// <summary>A run that ended as none may.</summary>
internal sealed record Failure(ulong Seed, ulong Run, string Look, string What, string Where, IReadOnlyList<string> Done);

/// <summary>More than a run may cost, whatever the guest.</summary>
/// <param name="Time">Of a processor: on a busy machine a run takes as much longer by the clock.</param>
/// <param name="Bytes">Allocated, most of it only to be copied elsewhere.</param>
internal readonly record struct RunBounds(TimeSpan Time, long Bytes);

/// <summary>Spoils, looks, and judges how that ended, run after run.</summary>
/// <param name="material">What is spoilt.</param>
/// <param name="seed">What the changes follow from.</param>
/// <param name="bounds">What a run may cost.</param>
/// <param name="found">Is told of the first failure of each kind.</param>
internal sealed class Fuzzer(IMaterial material, ulong seed, RunBounds bounds, Action<Failure> found)
{
    private readonly long[,] _outcomes = new long[material.Names.Count, Enum.GetValues<Outcome>().Length];
    private readonly long[] _ticks = new long[material.Names.Count];
    private readonly HashSet<string> _failures = [];
    private long _began;
    private ulong _run;

    /// <summary>Kinds of failures so far.</summary>
    public int Failures => _failures.Count;

    public long Of(int look, Outcome outcome) => _outcomes[look, (int)outcome];

    public TimeSpan TimeOf(int look) => TimeSpan.FromTicks(_ticks[look]);

    public TimeSpan Longest { get; private set; }

    public long MostAllocated { get; private set; }

    public void Run(ulong run)
    {
        Volatile.Write(ref _run, run);
        var dice = new Dice(seed, run);
        int look = material.Choose(ref dice);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        Volatile.Write(ref _began, Stopwatch.GetTimestamp());
        TimeSpan used = Environment.CpuUsage.TotalTime;
        try
        {
            material.Spoil(look, ref dice);
            allocated = GC.GetAllocatedBytesForCurrentThread();
            material.See(look);
            _outcomes[look, (int)Outcome.Seen]++;
        }
        catch (Exception error) when (error is IntrospectionException or DiskException)
        {
            _outcomes[look, (int)Outcome.Error]++;
        }
        catch (Exception refusal) when (refusal is CheckpointRefusedException or FreezeException or PageContentsException or CriuImageException)
        {
            _outcomes[look, (int)Outcome.Refused]++;
        }
        catch (Exception failure)
        {
            Fail(run, look, $"{failure.GetType().Name}: {failure.Message}", failure.StackTrace ?? "");
        }
        finally
        {
            Volatile.Write(ref _began, 0);
            material.Restore();
        }

        TimeSpan took = Environment.CpuUsage.TotalTime - used;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        _ticks[look] += took.Ticks;
        if (took > Longest) Longest = took;
        MostAllocated = Math.Max(MostAllocated, allocated);
        if (took > bounds.Time) Fail(run, look, $"took {took.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture)} s", "time");
        if (allocated > bounds.Bytes) Fail(run, look, $"allocated {allocated >> 20} MiB", "allocation");
    }

    /// <summary>Ends the program, and says which run it was, if one does not end: for a thread of its own.</summary>
    public void Watch(CancellationToken cancellation)
    {
        TimeSpan hang = 10 * bounds.Time;
        while (!cancellation.WaitHandle.WaitOne(bounds.Time))
        {
            long began = Volatile.Read(ref _began);
            if (began != 0 && Stopwatch.GetElapsedTime(began) > hang)
                Environment.FailFast(string.Create(CultureInfo.InvariantCulture, $"Run {Volatile.Read(ref _run)} of seed {seed} does not end: {string.Join("; ", material.Done)}"));
        }
    }

    private void Fail(ulong run, int look, string what, string where)
    {
        _outcomes[look, (int)Outcome.Failed]++;
        string kind = material.Names[look] + what.Split(':')[0] + where.Split('\n')[0];
        if (_failures.Add(kind)) found(new Failure(seed, run, material.Names[look], what, where, [.. material.Done]));
    }
}
