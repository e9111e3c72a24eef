using System.Runtime.InteropServices;

namespace Watari.Benchmarks.Core;

/// <summary>
/// Gives the calling thread the nice value of the engine's threads. A ceiling that is measured at a better one would, on
/// a busy machine, only show the scheduler's preference.
/// </summary>
internal static partial class Niceness
{
    private const int Bulk = 5;

    public static void BeBulk() => _ = SetPriority(0, 0, Bulk);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
