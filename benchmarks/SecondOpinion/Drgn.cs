using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Watari.Hypervisor;

namespace Watari.Benchmarks.SecondOpinion;

/// <summary>drgn with the debug symbols of one kernel, in a root of its own (build.sh): it shares nothing with Watari but the guest.</summary>
internal sealed class Drgn
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true };

    private readonly string _root;

    private Drgn(string root) => _root = root;

    /// <exception cref="InvalidOperationException">It is not there.</exception>
    public static Drgn For(string kernelRelease)
    {
        string root = Path.Combine(WatariDirectories.Cache, "second-opinion", kernelRelease);
        return Directory.Exists(root) ? new Drgn(root) : throw new InvalidOperationException($"There is no drgn with the symbols of {kernelRelease} in {root}: run 'make drgn' first.");
    }

    /// <summary>Has it read all of a core, as often as said.</summary>
    /// <param name="core">A file of QEMU's.</param>
    /// <param name="note">A file with the kernel's VMCOREINFO note.</param>
    /// <exception cref="InvalidOperationException">It failed; with its words.</exception>
    public async Task<Answer> ReadAsync(string core, string note, int rounds, CancellationToken cancellation)
    {
        // What it reads comes as open files: nothing is put into the root.
        string script = Path.Combine(AppContext.BaseDirectory, "SecondOpinion", "look.py");
        using Process python = Process.Start(new ProcessStartInfo(
            "sh", ["-c", "exec chroot \"$0\" python3 - \"$1\" <\"$2\" 3<\"$3\" 4<\"$4\"", _root, rounds.ToString(CultureInfo.InvariantCulture), script, core, note])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using CancellationTokenRegistration end = cancellation.Register(python.Kill);
        Task<string> words = python.StandardError.ReadToEndAsync(cancellation);
        string answer = await python.StandardOutput.ReadToEndAsync(cancellation);
        await python.WaitForExitAsync(cancellation);
        if (python.ExitCode != 0) throw new InvalidOperationException($"drgn failed ({python.ExitCode}): {await words}");
        return JsonSerializer.Deserialize<Answer>(answer, s_json)!;
    }

    /// <param name="Version">Its own.</param>
    internal sealed record Answer(string Version, Times Times, Account Account);
}
