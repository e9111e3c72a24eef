namespace Watari.Disk.FileSystems;

/// <summary>An inode that is another one but for what a derived class does on the way; as are those that are found in it.</summary>
public abstract class DelegatingInode(IInode other) : IInode
{
    public virtual FileStatus Status => Inner.Status;

    public virtual IEnumerable<DirectoryEntry> Entries => Inner.Entries;

    /// <summary>The other one; each access asks for it.</summary>
    protected virtual IInode Inner => other;

    public IInode Open(in DirectoryEntry entry) => Wrap(Inner.Open(entry));

    public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode)
    {
        bool any = Inner.TryLookup(name, out inode);
        if (any) inode = Wrap(inode);
        return any;
    }

    public int Read(long offset, Span<byte> destination) => Inner.Read(offset, destination);

    public bool TryFindData(long offset, out FileRange data) => Inner.TryFindData(offset, out data);

    public ReadOnlyMemory<byte> ReadLink() => Inner.ReadLink();

    public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => Inner.ReadExtendedAttributes();

    /// <summary>What the other one has found in itself, as one of this kind.</summary>
    protected abstract IInode Wrap(IInode inode);
}
