using System.Globalization;
using System.Text;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Mm;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Tasks;

namespace Watari.SystemTests.Kernels;

/// <summary>
/// What guest-image/programs/account says of every process from inside, read from outside: the same facts in the same words.
/// </summary>
internal static class OutsideAccount
{
    private const uint CloseOnExec = 0x80000; // O_CLOEXEC, which /proc puts back into a file's flags

    private static readonly CultureInfo s_culture = CultureInfo.InvariantCulture;

    public static IEnumerable<string> Of(GuestKernel kernel)
    {
        var lines = new List<string>();
        var spaces = new HashSet<uint>();
        var processes = new List<TaskStruct>();
        foreach (TaskStruct process in kernel.Processes) processes.Add(process);
        foreach (TaskStruct process in processes.OrderBy(process => process.Tgid))
        {
            AddProcess(lines, process);
            AddNamespaces(lines, process);
            if (process.ExitState != 0) continue; // a zombie has given back all else
            AddMemory(lines, process);
            AddFiles(lines, process);
            if (spaces.Add(process.Nsproxy.Value.MntNs.Value.Inum)) AddMounts(lines, process);
        }

        foreach (CgroupNode cgroup in kernel.Cgroups) lines.Add(Text($"hierarchy {cgroup.Cgroup.Path} {cgroup.Cgroup.Kn.Value.Id}"));
        return lines;
    }

    private static void AddProcess(List<string> lines, TaskStruct process)
    {
        SignalStruct signal = process.Signal.Value;
        int pid = process.Tgid;
        int threads = 0;
        foreach (TaskStruct thread in process.Threads)
        {
            lines.Add(Text($"thread {pid} {thread.Pid} {thread.Comm}"));
            threads++;
        }

        lines.Add(Text($"process {pid} {process.RealParent.Value.Tgid} {signal.Pid(PidType.Pgid).Ids[0].Nr} {signal.Pid(PidType.Sid).Ids[0].Nr} {threads} {(process.IsKernelThread ? 1 : 0)} {process.Comm}"));

        Cred cred = process.Cred.Value;
        var ids = new StringBuilder(Text($"ids {pid} {cred.Uid} {cred.Euid} {cred.Suid} {cred.Fsuid} {cred.Gid} {cred.Egid} {cred.Sgid} {cred.Fsgid}"));
        for (int level = 0; level < process.ThreadPid.Value.Ids.Length; level++) ids.Append(s_culture, $" {process.ThreadPid.Value.Ids[level].Nr}");
        lines.Add(ids.ToString());
        lines.Add(Text($"cgroup {pid} {process.Cgroups.Value.DflCgrp.Value.Path}"));
    }

    private static void AddMemory(List<string> lines, TaskStruct process)
    {
        if (process.IsKernelThread || !process.Mm.TryGet(out MmStruct mm)) return;
        PathStruct root = process.Fs.Value.Root;
        foreach (VmAreaStruct area in mm.Areas) lines.Add(Text($"area {process.Tgid} {ProcText.Area(area, root)}"));
        if (mm.ExeFile.TryGet(out FileStruct exe)) lines.Add(Text($"link {process.Tgid} exe {ProcText.Name(exe.FPath.NameFrom(root))}"));
    }

    private static void AddFiles(List<string> lines, TaskStruct process)
    {
        PathStruct root = process.Fs.Value.Root;
        lines.Add(Text($"link {process.Tgid} cwd {ProcText.Name(process.Fs.Value.Pwd.NameFrom(root))}"));
        lines.Add(Text($"link {process.Tgid} root {ProcText.Name(root.NameFrom(root))}"));
        foreach (OpenFile open in process.Files.Value.Open)
        {
            uint flags = (open.File.FFlags & ~CloseOnExec) | (open.CloseOnExec ? CloseOnExec : 0);
            lines.Add(Text($"fd {process.Tgid} {open.Descriptor} 0{Convert.ToString(flags, 8)} {open.File.FPos} {ProcText.File(open.File, root)}"));
        }
    }

    private static void AddNamespaces(List<string> lines, TaskStruct process)
    {
        TaskNamespaces of = TaskNamespaces.Of(process);
        foreach ((string kind, uint number) in ((string, uint)[])[("pid", of.Pid), ("net", of.Net), ("ipc", of.Ipc), ("uts", of.Uts), ("mnt", of.Mnt), ("user", of.User), ("cgroup", of.Cgroup), ("time", of.Time)])
        {
            if (number != 0) lines.Add(Text($"ns {process.Tgid} {kind}:[{number}]"));
        }
    }

    private static void AddMounts(List<string> lines, TaskStruct process)
    {
        PathStruct root = process.Fs.Value.Root;
        MntNamespace space = process.Nsproxy.Value.MntNs.Value;
        foreach (MountStruct mount in space.Mounts)
        {
            var point = PathName.Of(mount.Mnt, mount.Mnt.MntRoot.Value, root);
            if (point.Origin == PathOrigin.Elsewhere) continue; // mountinfo shows what its reader can reach
            uint device = mount.Mnt.MntSb.Value.SDev;
            lines.Add(Text($"mount mnt:[{space.Inum}] {mount.MntId} {mount.MntParent.Value.MntId} {device >> 20}:{device & 0xfffff} {Encoding.UTF8.GetString(mount.Mnt.MntRoot.Value.PathInFileSystem.Span)} {ProcText.Name(point)}"));
        }
    }

    private static string Text(FormattableString text) => text.ToString(s_culture);
}
