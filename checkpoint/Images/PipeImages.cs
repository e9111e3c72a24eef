using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Pipes and FIFOs; pipes-data and fifo-data for what stands unread in them.</summary>
internal static class PipeImages
{
    public static Proto.PipeEntry Build(PipeEnd pipe) => new()
    {
        Id = pipe.Id.Value,
        PipeId = pipe.Pipe.Value,
        Flags = pipe.Flags,
        Fown = FileOwnerImages.Build(pipe.Owner),
    };

    public static PipeEnd Parse(Proto.PipeEntry entry) => new()
    {
        Id = new FileId(entry.Id),
        Pipe = new PipeId(entry.PipeId),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
    };

    public static Proto.FifoEntry Build(Fifo fifo) => new()
    {
        Id = fifo.Id.Value,
        PipeId = fifo.Pipe.Value,
        RegfId = fifo.Path.Value,
    };

    public static Fifo Parse(Proto.FifoEntry entry) => new()
    {
        Id = new FileId(entry.Id),
        Pipe = new PipeId(entry.PipeId),
        Path = new FileId(entry.RegfId),
    };

    public static void BuildData(ImageSetWriter images, Container container)
    {
        BuildData(images, CriuImageKinds.PipesData, container.Pipes);
        BuildData(images, CriuImageKinds.FifoData, container.Fifos);
    }

    public static ImmutableArray<Pipe> ParseData(ImageSetView images, CriuImageKind kind) =>
    [
        .. images.Read(kind).Select(entry =>
        {
            var data = (Proto.PipeDataEntry)entry.Message;
            return new Pipe(new PipeId(data.PipeId), data.Size, entry.Payload);
        }),
    ];

    private static void BuildData(ImageSetWriter images, CriuImageKind kind, ImmutableArray<Pipe> pipes)
    {
        if (pipes.IsEmpty)
            return;
        var writer = new CriuImageWriter(kind);
        foreach (Pipe pipe in pipes)
            writer.Add(new Proto.PipeDataEntry { PipeId = pipe.Id.Value, Bytes = (uint)pipe.Unread.Length, Size = pipe.Capacity }, pipe.Unread.Span);
        images.Add(kind.FileName(), writer.ToArray());
    }
}
