using System.Diagnostics;

namespace Watari.Checkpoint.Tests.Images;

/// <summary>CRIU's own image tool, as Debian ships it.</summary>
internal static class Crit
{
    /// <summary>An image as JSON.</summary>
    public static Task<string> DecodeAsync(string image) => RunAsync("decode", "-i", image);

    /// <summary>An image as <c>crit show</c> prints it.</summary>
    public static Task<string> ShowAsync(string image) => RunAsync("show", image);

    /// <summary>The bytes that crit makes of JSON.</summary>
    public static async Task<byte[]> EncodeAsync(string json)
    {
        string folder = Directory.CreateTempSubdirectory("watari-crit-").FullName;
        try
        {
            string input = Path.Combine(folder, "json");
            string output = Path.Combine(folder, "img");
            await File.WriteAllTextAsync(input, json, TestContext.Current.CancellationToken);
            await RunAsync("encode", "-i", input, "-o", output);
            return await File.ReadAllBytesAsync(output, TestContext.Current.CancellationToken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        using Process crit = Process.Start(new ProcessStartInfo("crit", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = crit.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await crit.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await crit.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(crit.ExitCode == 0, $"crit {string.Join(' ', arguments)}: {await error}");
        return output;
    }
}
