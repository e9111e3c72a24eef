using System.Globalization;

namespace Watari.GrainInterfaces.Model;

/// <summary>A signal of Linux on x86-64 (signal(7)).</summary>
/// <param name="Number">1 to 64.</param>
[GenerateSerializer, Immutable, Alias("watari.Signal")]
public readonly record struct Signal([property: Id(0)] int Number)
{
    public const int Last = 64;

    private const int RealTime = 34; // SIGRTMIN, as libc has it

    private static readonly string[] Names =
    [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    public static Signal Kill { get; } = new(9);

    public bool IsKill => this == Kill;

    /// <summary>Reads <c>TERM</c>, <c>SIGTERM</c>, <c>15</c> or <c>RTMIN+3</c>, in small letters too.</summary>
    public static bool TryParse(string text, out Signal signal)
    {
        signal = default;
        string name = text.ToUpperInvariant();
        if (name.StartsWith("SIG", StringComparison.Ordinal)) name = name[3..];
        int number = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int written) && name == text ? written
            : name switch
            {
                "IOT" => 6,
                "CLD" => 17,
                "POLL" => 29,
                "RTMIN" => RealTime,
                "RTMAX" => Last,
                _ when Offset(name, "RTMIN+") is { } above && RealTime + above <= Last => RealTime + above,
                _ when Offset(name, "RTMAX-") is { } below && Last - below >= RealTime => Last - below,
                _ => Array.IndexOf(Names, name) + 1,
            };
        if (number is < 1 or > Last) return false;
        signal = new Signal(number);
        return true;
    }

    /// <summary>E.g. <c>SIGTERM</c>.</summary>
    public override string ToString() => Number switch
    {
        >= 1 when Number <= Names.Length => $"SIG{Names[Number - 1]}",
        RealTime => "SIGRTMIN",
        > RealTime => $"SIGRTMIN+{Number - RealTime}",
        _ => $"signal {Number}",
    };

    private static int? Offset(string name, string from) =>
        name.StartsWith(from, StringComparison.Ordinal) && int.TryParse(name.AsSpan(from.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int offset) ? offset : null;
}
