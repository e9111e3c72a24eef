using System.Text;
using Watari.Introspection.Fs;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Fs;

/// <summary>A small tree: /, /etc, /etc/hosts on one file system, and on another, mounted at /run, its root and /run/lock.</summary>
public sealed class FilesTests : IDisposable
{
    private const int DentrySize = 64, MountSize = 128;
    private const ulong Parent = 0, NameAt = 16, HashPprev = 32;
    private const ulong Mnt = 16;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _root, _etc, _hosts, _runRoot, _lock, _rootMount, _runMount;

    public FilesTests()
    {
        BtfBuilder types = _builder.Types;
        int qstr = types.Struct("qstr", 16, BtfField.At(4, "len", _builder.Uint), BtfField.At(8, "name", _builder.VoidPointer));
        int hash = types.Struct("hlist_bl_node", 16, BtfField.At(0, "next", _builder.VoidPointer), BtfField.At(8, "pprev", _builder.VoidPointer));
        types.Struct("dentry", DentrySize, BtfField.At((int)Parent, "d_parent", _builder.VoidPointer), BtfField.At((int)NameAt, "d_name", qstr), BtfField.At((int)HashPprev - 8, "d_hash", hash));
        int path = types.Struct("path", 16, BtfField.At(0, "mnt", _builder.VoidPointer), BtfField.At(8, "dentry", _builder.VoidPointer));
        int vfsmount = types.Struct("vfsmount", 24, BtfField.At(0, "mnt_root", _builder.VoidPointer), BtfField.At(16, "mnt_flags", _builder.Int));
        types.Struct("mount", MountSize, BtfField.At(0, "mnt_parent", _builder.VoidPointer), BtfField.At(8, "mnt_mountpoint", _builder.VoidPointer),
            BtfField.At((int)Mnt, "mnt", vfsmount), BtfField.At(48, "mnt_id", _builder.Int), BtfField.At(56, "mnt_list", _builder.ListHead));
        types.Struct("mnt_namespace", 32, BtfField.At(0, "list", _builder.ListHead), BtfField.At(24, "mounts", _builder.Uint));
        types.Struct("fdtable", 32, BtfField.At(0, "max_fds", _builder.Uint), BtfField.At(8, "fd", _builder.VoidPointer), BtfField.At(16, "close_on_exec", _builder.VoidPointer));
        types.Struct("files_struct", 8, BtfField.At(0, "fdt", _builder.VoidPointer));
        types.Struct("file", 32, BtfField.At(0, "f_path", path), BtfField.At(16, "f_pos", _builder.Long));

        _root = Dentry("/", null);
        _etc = Dentry("etc", _root);
        _hosts = Dentry("hosts", _etc);
        GuestVirtualAddress run = Dentry("run", _root);
        _runRoot = Dentry("/", null);
        _lock = Dentry("lock", _runRoot);
        _rootMount = Mount(1, null, _root, _root);
        _runMount = Mount(2, _rootMount, run, _runRoot);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void A_path_climbs_through_mounts_up_to_the_root() => Assert.Equal("/run/lock", Name(_runMount, _lock, _rootMount, _root));

    [Fact]
    public void A_path_begins_at_the_root_that_is_asked_for() => Assert.Equal("/hosts", Name(_rootMount, _hosts, _rootMount, _etc));

    [Fact]
    public void A_root_is_a_slash() => Assert.Equal("/", Name(_runMount, _runRoot, _runMount, _runRoot));

    [Fact]
    public void What_lies_outside_the_root_says_so()
    {
        PathName name = NameOf(_rootMount, _hosts, _runMount, _runRoot);

        Assert.Equal(PathOrigin.Elsewhere, name.Origin);
        Assert.Equal("/etc/hosts", Text(name));
    }

    [Fact]
    public void A_deleted_file_keeps_its_last_name()
    {
        _builder.Put(_hosts + HashPprev, 0L);

        PathName name = NameOf(_rootMount, _hosts, _rootMount, _root);

        Assert.True(name.IsDeleted);
        Assert.Equal("/etc/hosts", Text(name));
    }

    [Fact]
    public void A_file_in_no_directory_has_a_bare_name()
    {
        GuestVirtualAddress memfd = Dentry("memfd:jit", null);

        PathName name = NameOf(_rootMount, memfd, _rootMount, _root);

        Assert.Equal(PathOrigin.Nowhere, name.Origin);
        Assert.Equal("memfd:jit", Text(name));
    }

    [Fact]
    public void Directories_in_a_circle_are_an_error()
    {
        _builder.Put(_etc + Parent, _hosts);

        Assert.Equal("dentry.d_parent", Assert.Throws<KernelWalkException>(() => NameOf(_rootMount, _hosts, _rootMount, _root)).Path);
    }

    [Fact]
    public void A_name_of_absurd_length_is_an_error()
    {
        _builder.Put(_hosts + NameAt + 4, uint.MaxValue);

        Assert.Equal("dentry.d_name.len", Assert.Throws<KernelWalkException>(() => NameOf(_rootMount, _hosts, _rootMount, _root)).Path);
    }

    [Fact]
    public void Open_descriptors_come_with_their_number_and_close_on_exec()
    {
        GuestVirtualAddress files = FileTable(128, (0, _builder.Allocate(32)), (3, _builder.Allocate(32)), (70, _builder.Allocate(32)));

        var open = new List<(int, bool)>();
        foreach (OpenFile file in _builder.Boot().Attach().At<FilesStruct>(files).Open) open.Add((file.Descriptor, file.CloseOnExec));

        Assert.Equal([(0, false), (3, true), (70, true)], open);
    }

    [Fact]
    public void A_table_of_absurd_size_is_an_error()
    {
        GuestVirtualAddress files = FileTable(uint.MaxValue);

        Assert.Equal("fdtable.max_fds", Assert.Throws<KernelWalkException>(() => _builder.Boot().Attach().At<FilesStruct>(files).Open.MoveNext()).Path);
    }

    [Fact]
    public void The_mounts_of_a_namespace_leave_out_the_marks_of_readers()
    {
        GuestVirtualAddress space = _builder.Allocate(32), cursor = Mount(0, null, _root, _root);
        _builder.Put(cursor + Mnt + 16, (int)MountFlags.Cursor).LinkList(space, _rootMount + 56, cursor + 56, _runMount + 56);

        var ids = new List<int>();
        foreach (MountStruct mount in _builder.Boot().Attach().At<MntNamespace>(space).Mounts) ids.Add(mount.MntId);

        Assert.Equal([1, 2], ids);
    }

    private GuestVirtualAddress Dentry(string name, GuestVirtualAddress? parent)
    {
        GuestVirtualAddress dentry = _builder.Allocate(DentrySize), text = _builder.Allocate(256);
        _builder.Put(dentry + Parent, parent ?? dentry).Put(dentry + NameAt + 4, name.Length).Put(dentry + NameAt + 8, text).Put(text, name).Put(dentry + HashPprev, 1L);
        return dentry;
    }

    private GuestVirtualAddress Mount(int id, GuestVirtualAddress? parent, GuestVirtualAddress mountPoint, GuestVirtualAddress root)
    {
        GuestVirtualAddress mount = _builder.Allocate(MountSize);
        _builder.Put(mount, parent ?? mount).Put(mount + 8, mountPoint).Put(mount + Mnt, root).Put(mount + 48, id);
        return mount;
    }

    private GuestVirtualAddress FileTable(uint size, params (int Descriptor, GuestVirtualAddress File)[] open)
    {
        GuestVirtualAddress files = _builder.Allocate(8), table = _builder.Allocate(32), array = _builder.Allocate(1024), closeOnExec = _builder.Allocate(16);
        _builder.Put(files, table).Put(table, size).Put(table + 8, array).Put(table + 16, closeOnExec).Put(closeOnExec, 1UL << 3).Put(closeOnExec + 8, 1UL << 6);
        foreach ((int descriptor, GuestVirtualAddress file) in open) _builder.Put(array + (ulong)descriptor * 8, file);
        return files;
    }

    private PathName NameOf(GuestVirtualAddress mount, GuestVirtualAddress dentry, GuestVirtualAddress rootMount, GuestVirtualAddress rootDentry)
    {
        GuestVirtualAddress path = _builder.Allocate(16), root = _builder.Allocate(16);
        _builder.Put(path, mount + Mnt).Put(path + 8, dentry).Put(root, rootMount + Mnt).Put(root + 8, rootDentry);
        GuestKernel kernel = _builder.Boot().Attach();
        return kernel.At<PathStruct>(path).NameFrom(kernel.At<PathStruct>(root));
    }

    private string Name(GuestVirtualAddress mount, GuestVirtualAddress dentry, GuestVirtualAddress rootMount, GuestVirtualAddress rootDentry)
    {
        PathName name = NameOf(mount, dentry, rootMount, rootDentry);
        Assert.Equal((PathOrigin.Root, false), (name.Origin, name.IsDeleted));
        return Text(name);
    }

    private static string Text(PathName name) => Encoding.UTF8.GetString(name.Bytes.Span);
}
