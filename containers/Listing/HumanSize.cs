using System.Globalization;

namespace Watari.Containers.Listing;

/// <summary>A number of bytes with three digits, as Docker has it (docker/go-units HumanSizeWithPrecision).</summary>
public static class HumanSize
{
    private const double Step = 1000;

    private static readonly string[] s_units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

    public static string Of(long bytes)
    {
        double size = bytes;
        int unit = 0;
        for (; size >= Step && unit < s_units.Length - 1; unit++) size /= Step;
        return size.ToString("G3", CultureInfo.InvariantCulture).Replace('E', 'e') + s_units[unit];
    }
}
