using Watari.Introspection.Fs;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Hostile;

/// <summary>An error names the members that led to it: through tasks, areas, descriptors and mounts.</summary>
public sealed class WayToErrorsTests : IDisposable
{
    private static readonly GuestVirtualAddress s_nowhere = new(0xffff_f000_0000_0000);

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _task;
    private readonly GuestVirtualAddress _mm;
    private readonly GuestVirtualAddress _area;
    private readonly GuestVirtualAddress _file;
    private readonly GuestVirtualAddress _mount;

    public WayToErrorsTests()
    {
        BtfBuilder types = _builder.Types;
        int pointer = _builder.VoidPointer;
        types.Struct("task_struct", 64, BtfField.At(0, "tgid", _builder.Int), BtfField.At(8, "tasks", _builder.ListHead), BtfField.At(24, "mm", pointer), BtfField.At(32, "files", pointer), BtfField.At(40, "nsproxy", pointer));
        types.Struct("mm_struct", 32, BtfField.At(0, "pgd", pointer), BtfField.At(8, "mmap", pointer), BtfField.At(16, "exe_file", pointer));
        types.Struct("vm_area_struct", 32, BtfField.At(0, "vm_start", _builder.Ulong), BtfField.At(8, "vm_end", _builder.Ulong), BtfField.At(16, "vm_next", pointer), BtfField.At(24, "vm_file", pointer));
        types.Struct("file", 16, BtfField.At(0, "f_inode", pointer), BtfField.At(8, "f_flags", _builder.Uint));
        types.Struct("inode", 16, BtfField.At(0, "i_ino", _builder.Ulong));
        types.Struct("files_struct", 8, BtfField.At(0, "fdt", pointer));
        types.Struct("fdtable", 24, BtfField.At(0, "max_fds", _builder.Uint), BtfField.At(8, "fd", pointer), BtfField.At(16, "close_on_exec", pointer));
        types.Struct("nsproxy", 8, BtfField.At(0, "mnt_ns", pointer));
        types.Struct("mnt_namespace", 24, BtfField.At(8, "list", _builder.ListHead));
        int vfsmount = types.Struct("vfsmount", 24, BtfField.At(0, "mnt_root", pointer), BtfField.At(8, "mnt_sb", pointer), BtfField.At(16, "mnt_flags", _builder.Int));
        types.Struct("mount", 48, BtfField.At(0, "mnt", vfsmount), BtfField.At(24, "mnt_list", _builder.ListHead), BtfField.At(40, "mnt_id", _builder.Int));
        types.Struct("super_block", 8, BtfField.At(0, "s_dev", _builder.Uint));

        GuestVirtualAddress init = _builder.AllocateGlobal("init_task", 64);
        _task = _builder.Allocate(64);
        _mm = _builder.Allocate(32);
        _area = _builder.Allocate(32);
        _file = _builder.Allocate(16);
        _mount = _builder.Allocate(48);
        GuestVirtualAddress inode = _builder.Allocate(16), files = _builder.Allocate(8), table = _builder.Allocate(24), descriptors = _builder.Allocate(64), closing = _builder.Allocate(8);
        GuestVirtualAddress proxy = _builder.Allocate(8), space = _builder.Allocate(24), superblock = _builder.Allocate(8);
        _builder.LinkList(init + 8, _task + 8);
        _builder.Put(_task, 7).Put(_task + 24, _mm).Put(_task + 32, files).Put(_task + 40, proxy);
        _builder.Put(_mm + 8, _area).Put(_area, 0x1000UL).Put(_area + 8, 0x2000UL).Put(_area + 24, _file).Put(_file, inode);
        _builder.Put(files, table).Put(table, 8).Put(table + 8, descriptors).Put(table + 16, closing).Put(descriptors + 3 * 8, _file);
        _builder.Put(proxy, space).LinkList(space + 8, _mount + 24).Put(_mount + 8, superblock);
        _builder.Boot();
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Page_tables_that_are_not_in_memory() => AssertPath(
        "task_struct.tasks -> task_struct.mm -> mm_struct.pgd -> page tables",
        _mm, s_nowhere, static task => (long)task.Mm.Value.AddressSpace.Root.Value);

    [Fact]
    public void A_null_pointer() => AssertPath(
        "task_struct.tasks -> task_struct.mm -> mm_struct.exe_file -> struct file *",
        _mm + 16, default, static task => task.Mm.Value.ExeFile.Value.FFlags);

    [Fact]
    public void The_file_of_an_area() => AssertPath(
        "task_struct.tasks -> task_struct.mm -> mm_struct.mmap -> vm_area_struct.vm_file -> file.f_inode -> inode.i_ino",
        _file, s_nowhere, static task =>
        {
            long sum = 0;
            foreach (VmAreaStruct area in task.Mm.Value.Areas) sum += (long)area.VmFile.Value.FInode.Value.IIno;
            return sum;
        });

    [Fact]
    public void A_descriptor() => AssertPath(
        "task_struct.tasks -> task_struct.files -> files_struct.fdt -> fdtable.fd -> file.f_inode -> inode.i_ino",
        _file, s_nowhere, static task =>
        {
            long sum = 0;
            foreach (OpenFile open in task.Files.Value.Open) sum += (long)open.File.FInode.Value.IIno;
            return sum;
        });

    [Fact]
    public void A_mount() => AssertPath(
        "task_struct.tasks -> task_struct.nsproxy -> nsproxy.mnt_ns -> mnt_namespace.list -> mount.mnt_list -> mount.mnt -> vfsmount.mnt_sb -> super_block.s_dev",
        _mount + 8, s_nowhere, static task =>
        {
            long sum = 0;
            foreach (MountStruct mount in task.Nsproxy.Value.MntNs.Value.Mounts) sum += mount.Mnt.MntSb.Value.SDev;
            return sum;
        });

    [Fact]
    public void A_list_that_leads_out_of_memory() => AssertPath(
        "task_struct.tasks -> task_struct.nsproxy -> nsproxy.mnt_ns -> mnt_namespace.list -> mount.mnt_list",
        _mount + 24, s_nowhere, static task =>
        {
            long sum = 0;
            foreach (MountStruct mount in task.Nsproxy.Value.MntNs.Value.Mounts) sum += mount.MntId;
            return sum;
        });

    [Fact]
    public void Of_a_way_that_goes_on_and_on_the_end_is_told()
    {
        var trail = new PointerTrail();
        for (ulong step = 0; step < 100; step++)
        {
            int slot = TaskStruct.Descriptor.FirstSlot + 1 + (int)(step % 2);
            trail.Add(new PointerTrail.Pointer(new(step), new(step + 1), slot, PointerTrail.Pointer.NoNode));
        }

        string[] path = trail.PathTo(_builder.Attach().Types, new(100), "end").Split(" -> ");

        Assert.Equal(17, path.Length);
        Assert.Equal(("…", "end"), (path[0], path[^1]));
        Assert.All(path[1..^1], name => Assert.StartsWith("task_struct.", name, StringComparison.Ordinal));
    }

    [Fact]
    public void A_way_that_leads_nowhere_astray_allocates_nothing()
    {
        GuestKernel look = _builder.Attach().BeginLook();
        long Walk()
        {
            long sum = 0;
            foreach (TaskStruct task in look.Processes) sum += (long)task.Mm.Value.Mmap!.Value.Value.VmFile.Value.FInode.Value.IIno;
            return sum;
        }

        Walk();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Walk();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>Reads once as it should be, then with one word changed.</summary>
    private void AssertPath(string path, GuestVirtualAddress place, GuestVirtualAddress value, Func<TaskStruct, long> read)
    {
        GuestKernel kernel = _builder.Attach();
        if (!path.EndsWith("page tables", StringComparison.Ordinal) && !path.EndsWith('*')) Read(kernel);
        _builder.Put(place, value);

        Assert.Equal(path, Assert.Throws<KernelWalkException>(() => Read(kernel)).Path);

        void Read(GuestKernel kernel)
        {
            foreach (TaskStruct task in kernel.BeginLook().Processes) read(task);
        }
    }
}
