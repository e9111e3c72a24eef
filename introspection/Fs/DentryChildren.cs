using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>The names in a directory that the kernel remembers, whichever way it keeps them. On tmpfs, all there are.</summary>
public struct DentryChildren
{
    private readonly bool _isHlist;
    private HlistEntries<DentryStruct> _hlist;
    private ListEntries<DentryStruct> _list;

    internal DentryChildren(DentryStruct directory)
    {
        if (directory.DChildren is { } children)
        {
            _isHlist = true;
            _hlist = children.Entries<DentryStruct>(static dentry => dentry.DSib ?? throw Without("d_sib"));
        }
        else
        {
            ListHead subdirs = directory.DSubdirs ?? throw new KernelTypeException("This kernel's dentry has neither d_children nor d_subdirs: directories cannot be listed.");
            _list = subdirs.Entries<DentryStruct>(static dentry => dentry.DChild ?? throw Without("d_child"));
        }
    }

    public readonly DentryStruct Current => _isHlist ? _hlist.Current : _list.Current;

    public readonly DentryChildren GetEnumerator() => this;

    public bool MoveNext() => _isHlist ? _hlist.MoveNext() : _list.MoveNext();

    private static KernelTypeException Without(string node) => new($"This kernel's dentry has no {node}: directories cannot be listed.");
}
