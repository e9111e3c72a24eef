using System.Globalization;
using System.Runtime.InteropServices;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Cgroups;

/// <summary>One cgroup of the unified hierarchy and what the kernel lets be done with it (Documentation/admin-guide/cgroup-v2.rst).</summary>
internal sealed class Cgroup
{
    public const string Mount = "/sys/fs/cgroup";

    private const int MostRounds = 100;

    private Cgroup(string path) => Path = path;

    /// <summary>Below the mount, as "/redis".</summary>
    public string Path { get; }

    public string Directory => Mount + Path;

    public bool Exists => System.IO.Directory.Exists(Directory);

    /// <summary>cgroup.events says frozen 1: every task of it and of its descendants stands still.</summary>
    public bool Frozen => Event("frozen");

    /// <summary>cgroup.events says populated 1.</summary>
    public bool Populated => Event("populated");

    /// <exception cref="AgentException">The path is relative, is the root's, or climbs.</exception>
    public static Cgroup At(string path)
    {
        bool good = path.Length is > 1 and <= 512 && path[0] == '/' && path[^1] != '/' && !path.Contains('\0', StringComparison.Ordinal)
            && path.AsSpan(1).IndexOf("//", StringComparison.Ordinal) < 0
            && !path.Split('/').Any(part => part is "." or "..");
        return good ? new Cgroup(path) : throw new AgentException(new AgentError(AgentErrorCode.BadRequest, "A cgroup is named by its path below /sys/fs/cgroup, as \"/redis\"; the root is not one that is frozen."));
    }

    /// <summary>The cgroup of a process, by the line "0::" of /proc/PID/cgroup; null where it is gone or in the root.</summary>
    public static Cgroup? Of(string process)
    {
        string? line = KernelFile.TryReadText($"/proc/{process}/cgroup")?.Split('\n').FirstOrDefault(l => l.StartsWith("0::", StringComparison.Ordinal));
        return line is null or "0::/" || line.Length <= 4 ? null : At(line[3..]);
    }

    public void Create() => System.IO.Directory.CreateDirectory(Directory);

    public void Add(int pid) => KernelFile.WriteText(Directory + "/cgroup.procs", pid.ToString(CultureInfo.InvariantCulture));

    /// <summary>The processes of this cgroup and of those below it.</summary>
    public List<int> Processes()
    {
        List<int> pids = [];
        ForEach(directory =>
        {
            foreach (string line in (KernelFile.TryReadText(directory + "/cgroup.procs") ?? "").Split('\n'))
            {
                // 0: a process of another pid namespace.
                if (int.TryParse(line, CultureInfo.InvariantCulture, out int pid) && pid > 0)
                    pids.Add(pid);
            }
        });
        return pids;
    }

    /// <summary>Asks for all of it to stand still and waits until it does.</summary>
    /// <exception cref="AgentException">deadline-exceeded: it was thawed again.</exception>
    public void Freeze(Deadline deadline)
    {
        try
        {
            Write("cgroup.freeze", "1");
            WaitFor("frozen", true, deadline, $"cgroup {Path} froze");
        }
        catch (AgentException)
        {
            Write("cgroup.freeze", "0");
            throw;
        }
    }

    public void Thaw(Deadline deadline)
    {
        Write("cgroup.freeze", "0");
        WaitFor("frozen", false, deadline, $"cgroup {Path} thawed");
    }

    /// <summary>SIGKILL to all of it, frozen or not, forks included; returns when none is left.</summary>
    public void Kill(Deadline deadline)
    {
        if (!Exists)
            return;
        try
        {
            Write("cgroup.kill", "1"); // 661ee6280931, v5.14
        }
        catch (AgentException)
        {
            return;
        }
        WaitFor("populated", false, deadline, $"the processes of cgroup {Path} ended");
    }

    /// <summary>Removes it and what is below it; nothing may run in it.</summary>
    /// <returns>It was there.</returns>
    public bool Remove()
    {
        if (!Exists)
            return false;
        List<string> directories = [];
        ForEach(directories.Add);
        for (int i = directories.Count - 1; i >= 0; i--)
        {
            if (Libc.rmdir(directories[i]) < 0 && Marshal.GetLastPInvokeError() is not Libc.ENOENT and int errno)
                throw new KernelException(directories[i], errno);
        }
        return true;
    }

    /// <summary>Moves its processes into the root's cgroup and removes it.</summary>
    public void Disband()
    {
        // What is forked meanwhile is moved in the next round.
        for (int round = 0; round < MostRounds && Processes() is { Count: > 0 } processes; round++)
        {
            foreach (int pid in processes)
                MoveToRoot(pid);
        }
        Remove();
    }

    private static void MoveToRoot(int pid)
    {
        try
        {
            KernelFile.WriteText(Mount + "/cgroup.procs", pid.ToString(CultureInfo.InvariantCulture));
        }
        catch (KernelException ended) when (ended.Errno == Libc.ESRCH)
        {
        }
    }

    private bool Event(string name) => KernelFile.TryReadText(Directory + "/cgroup.events")?.Contains(name + " 1", StringComparison.Ordinal) ?? false;

    private void Write(string file, string text)
    {
        try
        {
            KernelFile.WriteText($"{Directory}/{file}", text);
        }
        catch (KernelException gone) when (gone.Errno is Libc.ENOENT or Libc.ENODEV)
        {
            throw new AgentException(new AgentError(AgentErrorCode.NoSuchCgroup, $"There is no cgroup {Path}."));
        }
    }

    // kernfs notifies cgroup.events by POLLPRI; what has changed since the last read is reported at once.
    private void WaitFor(string name, bool value, Deadline deadline, string what)
    {
        KernelFile events;
        try
        {
            events = KernelFile.Open(Directory + "/cgroup.events", Libc.O_RDONLY);
        }
        catch (KernelException gone) when (gone.Errno is Libc.ENOENT or Libc.ENODEV)
        {
            if (!value)
                return;
            throw new AgentException(new AgentError(AgentErrorCode.NoSuchCgroup, $"There is no cgroup {Path}."));
        }
        using (events)
        {
            while (true)
            {
                string now;
                try
                {
                    now = events.ReadText();
                }
                catch (KernelException gone) when (gone.Errno == Libc.ENODEV && !value)
                {
                    return;
                }
                if (now.Contains($"{name} {(value ? 1 : 0)}", StringComparison.Ordinal))
                    return;
                deadline.Wait(events.Fd, Libc.POLLPRI, what);
            }
        }
    }

    // Parents before children. A guest may nest at most what cgroup.max.depth allows; the walk ends with the path's length.
    private void ForEach(Action<string> visit)
    {
        Stack<string> left = new([Directory]);
        while (left.TryPop(out string? directory))
        {
            visit(directory);
            try
            {
                foreach (string child in System.IO.Directory.EnumerateDirectories(directory))
                    left.Push(child);
            }
            catch (DirectoryNotFoundException)
            {
                // Gone meanwhile.
            }
        }
    }
}
