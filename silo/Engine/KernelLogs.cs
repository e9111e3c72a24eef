using System.Collections.Immutable;
using System.Text;
using Watari.GrainInterfaces.Model;
using Watari.Introspection;
using Watari.Introspection.Kernel;
using Watari.Introspection.Log;
using Watari.Introspection.Time;

namespace Watari.Silo.Engine;

/// <summary>A guest kernel's log in messages of a bearable size.</summary>
internal static class KernelLogs
{
    private const int MostEntries = 4096;
    private const int MostTextBytes = 512 << 10;

    /// <summary>The records from a number on. Each piece begins behind the last one, whatever numbers a guest gives to its records: so their reader comes to an end.</summary>
    /// <exception cref="IntrospectionException">The log cannot be read.</exception>
    public static KernelLogPiece Read(GuestKernel kernel, ulong from)
    {
        ImmutableArray<KernelLogEntry>.Builder entries = ImmutableArray.CreateBuilder<KernelLogEntry>();
        ulong next = from;
        int bytes = 0;
        foreach (KernelLogRecord record in kernel.LogFrom(from))
        {
            if (record.Sequence < next || record.Sequence == ulong.MaxValue) continue;
            if (entries.Count == MostEntries || bytes > MostTextBytes) return new KernelLogPiece(entries.ToImmutable(), next, IsLast: false, BootTime(kernel));
            entries.Add(new KernelLogEntry(record.Sequence, record.Nanoseconds, record.Level, record.Facility, record.CallerId, Encoding.UTF8.GetString(record.Text.Span)));
            bytes += record.Text.Length;
            next = record.Sequence + 1;
        }

        return new KernelLogPiece(entries.ToImmutable(), next, IsLast: true, BootTime(kernel));
    }

    private static DateTimeOffset? BootTime(GuestKernel kernel)
    {
        const int NanosecondsPerTick = 100;
        try
        {
            GuestClocks clocks = GuestClocks.Read(kernel);
            return DateTimeOffset.UnixEpoch.AddTicks((clocks.Realtime - clocks.Boottime) / NanosecondsPerTick);
        }
        catch (Exception e) when (e is IntrospectionException or ArgumentOutOfRangeException)
        {
            return null; // stopped in the middle of an update, or absurd
        }
    }
}
