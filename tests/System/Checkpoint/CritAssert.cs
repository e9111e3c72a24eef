using System.Diagnostics;
using System.Text.Json;
using Watari.Checkpoint.Images;

namespace Watari.SystemTests.Checkpoint;

/// <summary>CRIU's own image tool reads what was saved.</summary>
internal static class CritAssert
{
    /// <summary><c>crit show</c> decodes every file that has entries; the others are page contents, archives of tmpfs and a list for runc.</summary>
    public static async Task ShowsAllAsync(string folder)
    {
        int shown = 0;
        foreach (string file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(file);
            if (CriuImageKinds.OfFile(name) is not { } kind)
            {
                Assert.Equal("descriptors.json", name);
                continue;
            }

            if (kind.Framing == CriuImageFraming.Raw) continue;
            using JsonDocument decoded = JsonDocument.Parse(await ShowAsync(file));
            Assert.True(decoded.RootElement.TryGetProperty("entries", out _), name);
            shown++;
        }

        Assert.True(shown > 10, $"{folder} has {shown} images.");
    }

    private static async Task<string> ShowAsync(string file)
    {
        using Process crit = Process.Start(new ProcessStartInfo("crit", ["show", file]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = crit.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await crit.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await crit.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(crit.ExitCode == 0, $"crit show {file}: {await error}");
        return output;
    }
}
