using System.Text.Json;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>
/// descriptors.json, which runc reads beside the images: what stands behind descriptors 0 to 2 of the container's first
/// process, as readlink(2) shows /proc/PID/fd/N. A pipe of that name is replaced by the one that runc hands in, so only
/// a pipe whose other end is outside of the container is named.
/// </summary>
internal static class RuntimeDescriptors
{
    public const string FileName = "descriptors.json";

    public static void Build(ImageSetWriter images, Container container)
    {
        Process root = container.Processes[0];
        DescriptorTable? table = container.DescriptorTables.FirstOrDefault(t => t.Id == root.Shares.Descriptors);
        if (table is null)
            return;
        Dictionary<FileId, OpenFile> files = container.Files.ToDictionary(file => file.Id);
        string[] links =
        [
            .. Enumerable.Range(0, 3).Select(number => table.Descriptors.Where(d => d.Number == number).Select(d => LinkOf(files[d.File], container)).FirstOrDefault("")),
        ];
        images.Add(FileName, JsonSerializer.SerializeToUtf8Bytes(links));
    }

    private static string LinkOf(OpenFile file, Container container) => file switch
    {
        PathFile path => path.Path,
        PipeEnd pipe when IsCutOff(pipe.Pipe, container) => $"pipe:[{pipe.Pipe.Value}]",
        UnixSocket socket => $"socket:[{socket.Inode}]",
        InetSocket socket => $"socket:[{socket.Inode}]",
        _ => "anon_inode",
    };

    private static bool IsCutOff(PipeId pipe, Container container)
    {
        const uint AccessMode = 3;
        return container.Files.OfType<PipeEnd>().Where(end => end.Pipe == pipe).Select(end => end.Flags & AccessMode).Distinct().Count() == 1;
    }
}
