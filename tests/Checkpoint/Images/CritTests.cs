using System.Collections;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Watari.Checkpoint.Images;

namespace Watari.Checkpoint.Tests.Images;

/// <summary>What we write, in the eyes of CRIU's own image tool.</summary>
public sealed class CritTests
{
    /// <summary>Fields of CRIU 4 that the crit of 3.17.1, Debian 12's, does not know: it leaves them out of what it encodes.</summary>
    private static readonly HashSet<string> s_newer =
    [
        "CgControllerEntry.is_threaded",
        "CredsEntry.cap_amb",
        "CredsEntry.no_new_privs",
        "InetSkEntry.tcp_opts",
        "IpOptsEntry.pktinfo",
        "IpOptsEntry.tos",
        "IpOptsEntry.ttl",
        "MemfdInodeEntry.mode",
        "TaskCoreEntry.membarrier_registration_mask",
        "TaskCoreEntry.stop_signo",
        "ThreadCoreEntry.cg_set",
    ];

    private static readonly JsonSerializerOptions s_compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public async Task Crit_shows_every_image_that_we_write(string name)
    {
        using var stock = new StockImages(name);
        foreach ((string file, CriuImageKind kind, string path) in Write(stock))
        {
            using var shown = JsonDocument.Parse(await Crit.ShowAsync(path));
            int entries = CriuImageReader.Read(file, kind, await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken), CriuImageLimits.Default).Count;
            Assert.Equal(entries, shown.RootElement.GetProperty("entries").GetArrayLength());
        }
    }

    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public async Task What_crit_decodes_it_encodes_to_the_same_bytes(string name)
    {
        using var stock = new StockImages(name);
        foreach ((string file, CriuImageKind kind, string path) in Write(stock))
        {
            byte[] encoded = await Crit.EncodeAsync(await Crit.DecodeAsync(path));
            byte[] image = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            Assert.True(encoded.AsSpan().SequenceEqual(image) || encoded.AsSpan().SequenceEqual(WithoutNewer(file, kind, image)), $"{file}: crit encodes other bytes than it decoded");
        }
    }

    /// <summary>
    /// The images of a container with one of each kind of object, as any crit reads them: a change of a byte that means something
    /// shows here. <c>WATARI_GOLDEN=write</c> writes the file anew, for a change that is meant.
    /// </summary>
    [Fact]
    public async Task The_images_of_a_container_mean_what_they_meant()
    {
        using var stock = new StockImages("kinds");
        var text = new StringBuilder();
        foreach ((string file, CriuImageKind kind, string path) in Write(stock))
        {
            text.Append(file).Append('\n');
            await File.WriteAllBytesAsync(path, WithoutNewer(file, kind, await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken)), TestContext.Current.CancellationToken);
            using var decoded = JsonDocument.Parse(await Crit.DecodeAsync(path));
            foreach (JsonElement entry in decoded.RootElement.GetProperty("entries").EnumerateArray())
                text.Append("    ").Append(JsonSerializer.Serialize(entry, s_compact)).Append('\n');
        }

        string golden = GoldenFile();
        if (Environment.GetEnvironmentVariable("WATARI_GOLDEN") == "write")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(golden)!);
            await File.WriteAllTextAsync(golden, text.ToString(), TestContext.Current.CancellationToken);
        }

        Assert.Equal(await File.ReadAllLinesAsync(golden, TestContext.Current.CancellationToken), text.ToString().TrimEnd('\n').Split('\n'));
    }

    private static string GoldenFile([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Golden", "kinds.txt");

    /// <summary>Writes the images of the container that stock CRIU dumped, and gives those that have entries.</summary>
    private static List<(string File, CriuImageKind Kind, string Path)> Write(StockImages stock)
    {
        CriuImageSet built = stock.Build(stock.Parse());
        string folder = Path.Combine(stock.Folder, "built");
        built.WriteImagesToDirectory(folder);
        return
        [
            .. built.Images.Keys
                .Select(file => (File: file, Kind: CriuImageKinds.OfFile(file)))
                .Where(image => image.Kind is { Framing: not CriuImageFraming.Raw })
                .Select(image => (image.File, image.Kind!, Path.Combine(folder, image.File))),
        ];
    }

    private static byte[] WithoutNewer(string file, CriuImageKind kind, byte[] image)
    {
        var known = new CriuImageWriter(kind);
        foreach (CriuImageEntry entry in CriuImageReader.Read(file, kind, image, CriuImageLimits.Default))
        {
            ClearNewer(entry.Message);
            known.Add(entry);
        }

        return known.ToArray();
    }

    private static void ClearNewer(IMessage message)
    {
        foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (s_newer.Contains($"{message.Descriptor.Name}.{field.Name}"))
                field.Accessor.Clear(message);
            else if (field.FieldType == FieldType.Message && field.Accessor.GetValue(message) is { } value)
                ClearNewerBelow(value);
        }
    }

    private static void ClearNewerBelow(object value)
    {
        foreach (IMessage message in value is IList list ? list.Cast<IMessage>() : [(IMessage)value]) ClearNewer(message);
    }
}
