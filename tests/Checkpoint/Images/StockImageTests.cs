using Google.Protobuf;
using Watari.Checkpoint.Images;

namespace Watari.Checkpoint.Tests.Images;

/// <summary>Our definitions of CRIU's images against images that CRIU itself wrote.</summary>
public sealed class StockImageTests
{
    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void Every_image_is_of_a_known_kind(string name)
    {
        using var stock = new StockImages(name);
        Assert.All(stock.Set.Images.Keys.Where(file => file != "descriptors.json"), file => Assert.NotNull(CriuImageKinds.OfFile(file)));
    }

    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void Reading_and_writing_an_image_gives_the_same_bytes(string name)
    {
        using var stock = new StockImages(name);
        foreach ((string file, CriuImageKind kind) in MessageImages(stock))
        {
            var writer = new CriuImageWriter(kind);
            foreach (CriuImageEntry entry in CriuImageReader.Read(file, kind, stock.Set.Images[file], CriuImageLimits.Default))
                writer.Add(entry);
            Assert.True(stock.Set.Images[file].Span.SequenceEqual(writer.ToArray()), file);
        }
    }

    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void No_image_has_a_field_that_our_definitions_lack(string name)
    {
        using var stock = new StockImages(name);
        foreach ((string file, CriuImageKind kind) in MessageImages(stock))
        {
            foreach (CriuImageEntry entry in CriuImageReader.Read(file, kind, stock.Set.Images[file], CriuImageLimits.Default))
            {
                IMessage known = entry.Message.Descriptor.Parser.WithDiscardUnknownFields(true).ParseFrom(entry.Message.ToByteArray());
                Assert.Equal(known.CalculateSize(), entry.Message.CalculateSize());
            }
        }
    }

    private static IEnumerable<(string File, CriuImageKind Kind)> MessageImages(StockImages stock)
    {
        foreach (string file in stock.Set.Images.Keys)
        {
            if (CriuImageKinds.OfFile(file) is { } kind && kind.Framing != CriuImageFraming.Raw)
                yield return (file, kind);
        }
    }
}
