using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Namespaces;

/// <summary>The files of a tmpfs: all of them are in the kernel's cache of names, as there is nowhere else for them to be.</summary>
internal sealed class TmpfsCapture(CaptureContext context, string mountPoint)
{
    private const uint PermissionMask = 0xfff;
    private const int MinorBits = 20;
    private const ulong LargestTree = 512UL << 20; // it is packed in memory

    private int entries;
    private ulong bytes;

    public TmpfsEntry Capture(DentryStruct root) => Capture(root, root.DInode.Value, ".", 0);

    private TmpfsEntry Capture(DentryStruct dentry, InodeStruct inode, string name, int depth)
    {
        if (++entries > context.Kernel.Limits.Entries || depth > context.Kernel.Limits.Depth)
            throw new Introspection.Kernel.KernelWalkException("dentry.d_children", $"the tmpfs at {mountPoint} has more than {context.Kernel.Limits.Entries} files, or directories deeper than {context.Kernel.Limits.Depth}");
        FileType type = inode.Type;
        return new TmpfsEntry
        {
            Name = name,
            Mode = (uint)type | (inode.IMode & PermissionMask),
            Uid = inode.IUid,
            Gid = inode.IGid,
            ModificationTime = inode.MtimeSeconds,
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
            children.Add(Capture(child, inode, KernelText.Decode(child.Name), depth + 1));
        }
        return children.ToImmutable();
    }

    private PagedContents ContentsOf(InodeStruct inode, string name)
    {
        ulong size = (ulong)inode.ISize;
        bytes += size;
        if (bytes > LargestTree)
            context.Refuse($"tmpfs {mountPoint}", $"it holds more than {LargestTree >> 20} MiB");
        var pages = ImmutableArray.CreateBuilder<PageRun>();
        foreach (FilePageRun run in inode.IMapping.Value.Pages)
        {
            if (run.IsSwapped)
                context.Refuse($"tmpfs {mountPoint}", $"pages of {name} are in swap; free memory in the VM or turn swap off there");
            else
                pages.Add(new PageRun(run.Index << GuestPage.Shift, (ulong)run.Count.Value, new PageLocation(run.Frame.Address.Value)));
        }
        return new PagedContents(Math.Min(size, LargestTree), pages.ToImmutable());
    }

    /// <summary>A short target stands beside the inode, a long one in its page.</summary>
    private string LinkOf(InodeStruct inode)
    {
        if (!inode.ILink.IsNull)
        {
            var target = new List<byte>();
            inode.ILink.AppendTo(target);
            return KernelText.Decode(target.ToArray());
        }
        foreach (FilePageRun run in inode.IMapping.Value.Pages)
        {
            if (run.Index == 0 && !run.IsSwapped)
                return KernelText.Decode(context.Kernel.Memory.Span(run.Frame.Address, (int)Math.Min(inode.ISize, GuestPage.Size)));
        }
        throw new Introspection.Kernel.KernelWalkException("inode.i_link", $"a symbolic link in the tmpfs at {mountPoint} has no target");
    }

    private static bool IsDevice(FileType type) => type is FileType.CharacterDevice or FileType.BlockDevice;
}
