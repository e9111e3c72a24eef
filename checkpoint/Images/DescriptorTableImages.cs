using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>fdinfo-N: the descriptors of one table; and fs-PID.</summary>
internal static class DescriptorTableImages
{
    private const uint FdCloexec = 1;

    public static void Build(ImageSetWriter images, Container container)
    {
        Dictionary<FileId, OpenFile> files = container.Files.ToDictionary(file => file.Id);
        foreach (DescriptorTable table in container.DescriptorTables)
        {
            images.Add(CriuImageKinds.Fdinfo, table.Id.Value, table.Descriptors.Select(descriptor => new Proto.FdinfoEntry
            {
                Id = descriptor.File.Value,
                Flags = descriptor.CloseOnExec ? FdCloexec : 0,
                Type = FileImages.TypeOf(files[descriptor.File]),
                Fd = (uint)descriptor.Number,
            }));
        }
        foreach (Process process in container.Processes)
        {
            if (process.FileSystem is not { } fs)
                continue;
            images.Add(CriuImageKinds.Fs, (ulong)process.Pid, new Proto.FsEntry
            {
                CwdId = fs.WorkingDirectory.Value,
                RootId = fs.Root.Value,
                Umask = fs.Umask,
            });
        }
    }

    public static ImmutableArray<DescriptorTable> Parse(ImageSetView images) =>
    [
        .. images.Numbers(CriuImageKinds.Fdinfo).Select(id => new DescriptorTable(
            new DescriptorTableId(ImageSetView.Word(id, CriuImageKinds.Fdinfo.Stem, "its number")),
            [
                .. images.Messages<Proto.FdinfoEntry>(CriuImageKinds.Fdinfo, id)
                    .Select(entry => new Descriptor((int)entry.Fd, new FileId(entry.Id), (entry.Flags & FdCloexec) != 0)),
            ])),
    ];

    public static FileSystemContext ParseFs(ImageSetView images, uint pid)
    {
        var fs = images.Single<Proto.FsEntry>(CriuImageKinds.Fs, pid);
        return new FileSystemContext(new FileId(fs.CwdId), new FileId(fs.RootId), fs.Umask);
    }
}
