using System.Diagnostics;

namespace Watari.Disk.Tests.Corpus;

/// <summary>Programs of the host: those that make file systems, and those that say what is in them.</summary>
internal static class Tool
{
    /// <summary>Runs a program to its end; what it prints.</summary>
    /// <param name="program">By name or path.</param>
    /// <param name="arguments">As they are.</param>
    /// <exception cref="InvalidOperationException">It failed; with what it said.</exception>
    public static string Run(string program, params IEnumerable<string> arguments) => Run(program, arguments, [0]);

    /// <summary>As the other, for a program with other exit codes that are good.</summary>
    public static string Run(string program, IEnumerable<string> arguments, int[] good)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (!good.Contains(process.ExitCode)) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}: {errors.Result}{output}");
        return output;
    }

    /// <summary>The path of a script beside the tests.</summary>
    public static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Corpus", name);

    public static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
