using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>inotify with its watches.</summary>
internal static class InotifyImages
{
    // FH_ENTRY_SIZES__min_entries of CRIU: shorter handles are not restored.
    private const int HandleWords = 16;

    public static Proto.InotifyFileEntry Build(Inotify file) => new()
    {
        Id = file.Id.Value,
        Flags = file.Flags,
        Fown = FileOwnerImages.Build(file.Owner),
        Wd = { file.Watches.Select(Build) },
    };

    public static Inotify Parse(Proto.InotifyFileEntry entry) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        Watches = [.. entry.Wd.Select(Parse)],
    };

    private static Proto.InotifyWdEntry Build(InotifyWatch watch)
    {
        var handle = new Proto.FhEntry { Bytes = watch.HandleBytes, Type = watch.HandleType };
        handle.Handle.AddRange(watch.Handle);
        while (handle.Handle.Count < HandleWords)
            handle.Handle.Add(0);
        if (watch.Path is { } path)
            handle.Path = ProtoText.Of(path);
        if (watch.MountId is { } mount)
            handle.MntId = (uint)mount;
        return new Proto.InotifyWdEntry
        {
            Id = 0,
            IIno = watch.Inode,
            Mask = watch.Mask,
            IgnoredMask = watch.IgnoredMask,
            SDev = watch.Device,
            Wd = watch.WatchDescriptor,
            FHandle = handle,
        };
    }

    private static InotifyWatch Parse(Proto.InotifyWdEntry entry) => new()
    {
        WatchDescriptor = entry.Wd,
        Inode = entry.IIno,
        Device = entry.SDev,
        Mask = entry.Mask,
        IgnoredMask = entry.IgnoredMask,
        HandleBytes = entry.FHandle.Bytes,
        HandleType = entry.FHandle.Type,
        Handle = [.. entry.FHandle.Handle],
        Path = entry.FHandle.HasPath ? KernelText.Decode(entry.FHandle.Path.Span) : null,
        MountId = entry.FHandle.HasMntId ? (int)entry.FHandle.MntId : null,
    };
}
