using System.Diagnostics;
using System.Text.Json;
using Watari.Checkpoint.Images;

namespace Watari.Checkpoint.Tests.Images;

/// <summary>What we write, in the eyes of CRIU's own image tool.</summary>
public sealed class CritTests
{
    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public async Task Crit_decodes_every_image_that_we_write(string name)
    {
        using var stock = new StockImages(name);
        CriuImageSet built = stock.Build(stock.Parse());
        string folder = Path.Combine(stock.Folder, "built");
        built.WriteImagesToDirectory(folder);

        foreach (string file in built.Images.Keys)
        {
            if (CriuImageKinds.OfFile(file) is not { } kind || kind.Framing == CriuImageFraming.Raw)
                continue;
            using JsonDocument decoded = await Decode(Path.Combine(folder, file));
            int entries = CriuImageReader.Read(file, kind, built.Images[file], CriuImageLimits.Default).Count;
            Assert.Equal(entries, decoded.RootElement.GetProperty("entries").GetArrayLength());
        }
    }

    private static async Task<JsonDocument> Decode(string image)
    {
        var start = new ProcessStartInfo("crit", ["decode", "-i", image]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process crit = Process.Start(start)!;
        Task<string> error = crit.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await crit.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await crit.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(crit.ExitCode == 0, $"crit decode {Path.GetFileName(image)}: {await error}");
        return JsonDocument.Parse(output);
    }
}
