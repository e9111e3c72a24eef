using System.Runtime.InteropServices;
using System.Text;
using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Processes;

/// <summary>A program that the agent runs: in a session of its own, with /dev/null for what it is not given, and never without a deadline.</summary>
internal sealed unsafe class ChildProcess : IDisposable
{
    private const int SYS_pidfd_send_signal = 424, SYS_pidfd_open = 434;
    private const short POSIX_SPAWN_SETSIGDEF = 4, POSIX_SPAWN_SETSIGMASK = 8, POSIX_SPAWN_SETSID = 0x80;
    private const int SpawnStructSize = 512; // glibc: posix_spawnattr_t 336 bytes, posix_spawn_file_actions_t 80
    private const int SignalSetSize = 128;

    private readonly KernelFile pidfd;
    private int? status;

    private ChildProcess(int pid)
    {
        Pid = pid;
        pidfd = new KernelFile((int)KernelException.Check(Libc.syscall(SYS_pidfd_open, pid, 0, 0, 0), "pidfd_open"));
    }

    public int Pid { get; }

    /// <summary>Readable when the process has ended.</summary>
    public int Fd => pidfd.Fd;

    /// <summary>It has ended, whether or not its end was awaited.</summary>
    public bool HasEnded
    {
        get
        {
            if (status is not null)
                return true;
            Libc.PollFd ended = new() { Fd = Fd, Events = Libc.POLLIN };
            return Libc.poll(&ended, 1, 0) > 0;
        }
    }

    /// <summary>Starts a program in a session of its own.</summary>
    /// <param name="path">The program's file.</param>
    /// <param name="arguments">argv, the program's name first.</param>
    /// <param name="environment">"NAME=value".</param>
    /// <param name="output">Where its standard output and error go; null: /dev/null.</param>
    public static ChildProcess Start(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, KernelFile? output = null)
    {
        using KernelFile nothing = KernelFile.Open("/dev/null", Libc.O_RDWR);
        int sink = (output ?? nothing).Fd;
        return Spawn(path, arguments, environment, [(nothing.Fd, 0), (sink, 1), (sink, 2)], POSIX_SPAWN_SETSID);
    }

    /// <summary>Starts a program in a session of its own, with descriptors for all that it reads and writes.</summary>
    /// <param name="input">Its standard input; null: /dev/null.</param>
    public static ChildProcess Start(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, KernelFile? input, KernelFile output, KernelFile errors)
    {
        using KernelFile nothing = KernelFile.Open("/dev/null", Libc.O_RDWR);
        return Spawn(path, arguments, environment, [((input ?? nothing).Fd, 0), (output.Fd, 1), (errors.Fd, 2)], POSIX_SPAWN_SETSID);
    }

    /// <summary>Starts a program in this process's session, with all of its inheritable descriptors and one more, under the same number.</summary>
    public static ChildProcess StartBeside(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, int inherit) =>
        // dup2 onto itself clears close-on-exec (glibc 2.29).
        Spawn(path, arguments, environment, [(inherit, inherit)], 0);

    private static ChildProcess Spawn(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, ReadOnlySpan<(int From, int To)> descriptors, short flags)
    {
        using Arguments argv = new(arguments);
        using Arguments envp = new(environment);
        byte* actions = stackalloc byte[SpawnStructSize];
        byte* attributes = stackalloc byte[SpawnStructSize];
        byte* signals = stackalloc byte[SignalSetSize];
        _ = Libc.posix_spawn_file_actions_init(actions);
        _ = Libc.posix_spawnattr_init(attributes);
        try
        {
            foreach ((int from, int to) in descriptors)
                _ = Libc.posix_spawn_file_actions_adddup2(actions, from, to);
            _ = Libc.sigemptyset(signals);
            _ = Libc.posix_spawnattr_setsigmask(attributes, signals);
            _ = Libc.sigfillset(signals);
            _ = Libc.posix_spawnattr_setsigdefault(attributes, signals);
            _ = Libc.posix_spawnattr_setflags(attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | flags));
            int pid;
            int errno = Libc.posix_spawn(&pid, path, actions, attributes, argv.Pointers, envp.Pointers);
            return errno == 0 ? new ChildProcess(pid) : throw new KernelException(path, errno);
        }
        finally
        {
            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>Runs a short program to its end.</summary>
    /// <returns>Its exit code (128 + signal where one ended it) and the first 64 KiB of its output.</returns>
    /// <exception cref="Protocol.AgentException">The deadline passed; the program was killed.</exception>
    public static (int ExitCode, string Output) Run(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, Deadline deadline)
    {
        // A memory file, not a pipe: a grandchild that keeps it open holds nobody up.
        using KernelFile output = MemoryFile();
        using ChildProcess child = Start(path, arguments, environment, output);
        int code = child.Wait(deadline, $"{arguments[0]} {string.Join(' ', arguments.Skip(1).Take(1))} ran");
        byte[] text = new byte[64 * 1024];
        return (code, Encoding.UTF8.GetString(text, 0, output.Read(text, 0)));
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code; 128 + signal where one ended it.</returns>
    /// <exception cref="Protocol.AgentException">The deadline passed or the request was cut short; the process was killed.</exception>
    public int Wait(Deadline deadline, string what)
    {
        try
        {
            deadline.Wait(Fd, Libc.POLLIN, what);
        }
        catch
        {
            Kill();
            throw;
        }
        return Reap();
    }

    /// <summary>Sends it a signal, unless it has ended; its end is awaited by another thread.</summary>
    public void Signal(int number) => _ = Libc.syscall(SYS_pidfd_send_signal, pidfd.Fd, number, 0, 0);

    /// <summary>SIGKILL, and the end awaited.</summary>
    public void Kill()
    {
        if (status is null)
        {
            _ = Libc.kill(Pid, Libc.SIGKILL);
            Reap();
        }
    }

    public void Dispose() => pidfd.Dispose();

    private int Reap()
    {
        if (status is null)
        {
            int word;
            while (Libc.waitpid(Pid, &word, 0) < 0)
            {
                if (Marshal.GetLastPInvokeError() != Libc.EINTR)
                    break;
            }
            status = word;
        }
        int ended = status.Value;
        return (ended & 0x7f) == 0 ? (ended >> 8) & 0xff : 128 + (ended & 0x7f);
    }

    private static KernelFile MemoryFile()
    {
        const int SYS_memfd_create = 319, MFD_CLOEXEC = 1;
        fixed (byte* name = "watari\0"u8)
            return new KernelFile((int)KernelException.Check(Libc.syscall(SYS_memfd_create, (nint)name, MFD_CLOEXEC, 0, 0), "memfd_create"));
    }
}
