using System.Globalization;
using System.Text.RegularExpressions;

namespace Watari.Hypervisor;

/// <summary>One line of /proc/PID/maps (proc_pid_maps(5)). Addresses are those of the process, offsets count bytes in the file.</summary>
internal readonly record struct ProcessMapping(ulong Start, ulong End, bool Shared, long Offset, ulong Inode, string Path)
{
    /// <summary>Whether it shows the same file as another, at the same distance from it as in memory.</summary>
    internal bool Continues(ProcessMapping other) =>
        Inode == other.Inode && Path == other.Path && unchecked((ulong)Offset - Start) == unchecked((ulong)other.Offset - other.Start);
}

/// <summary>/proc/PID/maps.</summary>
internal static partial class ProcessMaps
{
    internal static IEnumerable<ProcessMapping> Read(string maps) => Line().Matches(maps).Select(line => new ProcessMapping(
        Hex(line.Groups["start"]), Hex(line.Groups["end"]), line.Groups["kind"].Value == "s",
        checked((long)Hex(line.Groups["offset"])), ulong.Parse(line.Groups["inode"].Value, CultureInfo.InvariantCulture), line.Groups["path"].Value));

    private static ulong Hex(Group digits) => ulong.Parse(digits.Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    // "7fcbdbfff000-7fccdbfff000 rw-s 00000000 00:01 70                         /memfd:memory-backend-memfd (deleted)"
    [GeneratedRegex(@"^(?<start>[0-9a-f]+)-(?<end>[0-9a-f]+) [r-][w-][x-](?<kind>[sp]) (?<offset>[0-9a-f]+) [0-9a-f]+:[0-9a-f]+ (?<inode>\d+) *(?<path>.*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Line();
}
