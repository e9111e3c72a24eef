using System.Collections.Immutable;
using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Namespaces;

/// <summary>The files of a tmpfs: all of them are in the kernel's cache of names, as there is nowhere else for them to be.</summary>
internal sealed class TmpfsCapture(CaptureContext context, string mountPoint)
{
    private const uint PermissionMask = 0xfff;
    private const int MinorBits = 20;
    private const long LastSecond = 253_402_300_799; // of the year 9999: no archive and no clock goes further

    private int entries;

    private string Subject => $"tmpfs {mountPoint}";

    public TmpfsEntry Capture(DentryStruct root) => Capture(root, root.DInode.Value, ".", 0);

    private TmpfsEntry Capture(DentryStruct dentry, InodeStruct inode, string name, int depth)
    {
        context.Budget.TakeObjects(1);
        if (++entries > context.Kernel.Limits.Entries || depth > context.Kernel.Limits.Depth)
            throw new Introspection.Kernel.KernelWalkException("dentry.d_children", $"the tmpfs at {mountPoint} has more than {context.Kernel.Limits.Entries} files, or directories deeper than {context.Kernel.Limits.Depth}");
        FileType type = inode.Type;
        return new TmpfsEntry
        {
            Name = name,
            Mode = (uint)type | (inode.IMode & PermissionMask),
            Uid = inode.IUid,
            Gid = inode.IGid,
            ModificationTime = Math.Clamp(inode.MtimeSeconds, 0, LastSecond),
            LinkTarget = type == FileType.SymbolicLink ? LinkOf(inode) : null,
            DeviceMajor = IsDevice(type) ? inode.IRdev >> MinorBits : 0,
            DeviceMinor = IsDevice(type) ? inode.IRdev & ((1 << MinorBits) - 1) : 0,
            Contents = type == FileType.Regular ? ContentsOf(inode, name) : null,
            Children = type == FileType.Directory ? ChildrenOf(dentry, depth) : [],
        };
    }

    private ImmutableArray<TmpfsEntry> ChildrenOf(DentryStruct directory, int depth)
    {
        var children = ImmutableArray.CreateBuilder<TmpfsEntry>();
        foreach (DentryStruct child in directory.Children)
        {
            // A name that was looked up in vain, or one that is gone and still held.
            if (!child.DInode.TryGet(out InodeStruct inode) || child.IsUnlinked)
                continue;
            children.Add(Capture(child, inode, NameOf(child), depth + 1));
        }
        return children.ToImmutable();
    }

    /// <summary>The name as it will be written at the destination: one that would lead out of its directory is no name.</summary>
    private string NameOf(DentryStruct child)
    {
        string name = KernelText.Decode(child.Name);
        context.Budget.TakeBytes(sizeof(char) * name.Length);
        return name is "" or "." or ".." || name.Contains('/') || name.Contains('\0')
            ? throw new Introspection.Kernel.KernelWalkException("dentry.d_name", $"a name in the tmpfs at {mountPoint} is none")
            : name;
    }

    private PagedContents ContentsOf(InodeStruct inode, string name)
    {
        ulong size = (ulong)Math.Max(inode.ISize, 0);
        if (!context.Budget.TryTakeContents(size))
        {
            context.Refuse(Subject, $"with what other tmpfs of the container and its deleted files hold it is more than {CaptureBudget.MostContents >> 20} MiB, the most that is carried");
            return new PagedContents(0, []);
        }
        (ImmutableArray<PageRun> pages, ulong swapped) = context.Files.Memory.PagesOf(inode, context.Budget);
        if (swapped > 0)
            context.Refuse(Subject, $"pages of {name} are in swap; free memory in the VM or turn swap off there");
        return new PagedContents(size, pages);
    }

    /// <summary>A short target stands beside the inode, a long one in its page.</summary>
    private string LinkOf(InodeStruct inode)
    {
        if (!inode.ILink.IsNull)
        {
            var target = new List<byte>();
            inode.ILink.AppendTo(target);
            return TargetOf(target.ToArray());
        }
        foreach (FilePageRun run in inode.IMapping.Value.Pages)
        {
            if (run.Index == 0 && !run.IsSwapped)
                return TargetOf(context.Kernel.Memory.Span(run.Frame.Address, (int)Math.Clamp(inode.ISize, 0, GuestPage.Size)));
        }
        throw NoTarget();
    }

    private string TargetOf(ReadOnlySpan<byte> target) => target.IsEmpty || target.Contains((byte)0) ? throw NoTarget() : KernelText.Decode(target);

    private Introspection.Kernel.KernelWalkException NoTarget() => new("inode.i_link", $"a symbolic link in the tmpfs at {mountPoint} has no target");

    private static bool IsDevice(FileType type) => type is FileType.CharacterDevice or FileType.BlockDevice;
}
