using System.ComponentModel;
using System.Diagnostics;

namespace Watari.Hypervisor;

/// <summary>A program that runs to its end, and whose words are the error when it fails.</summary>
internal static class Tool
{
    private const int MaxWords = 4096;

    /// <exception cref="HypervisorException">It is not installed, did not end in time, or failed.</exception>
    internal static async Task<string> RunAsync(string program, IEnumerable<string> arguments, string package, TimeSpan deadline, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Start(start, package);
        process.StandardInput.Close();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(deadline);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            string errors = await process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0
                ? await output
                : throw new HypervisorException($"{program} failed ({process.ExitCode}): {(errors.Length > MaxWords ? errors[^MaxWords..] : errors).Trim()}");
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            cancellation.ThrowIfCancellationRequested();
            throw new HypervisorException($"{program} did not end within {deadline.TotalSeconds:0} s and was killed.");
        }
    }

    private static Process Start(ProcessStartInfo start, string package)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception missing)
        {
            throw new HypervisorException($"{start.FileName} cannot be started ({missing.Message}). Install it with: apt-get install {package}", missing);
        }
    }
}
