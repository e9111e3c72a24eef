using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Processes;

/// <summary>execve(2) of this process.</summary>
internal static unsafe class Exec
{
    /// <summary>Becomes another program, with this process's environment and inheritable descriptors.</summary>
    /// <exception cref="KernelException">It cannot be run.</exception>
    [DoesNotReturn]
    public static void Become(string path, IReadOnlyList<string> arguments)
    {
        using Arguments argv = new(arguments);
        using Arguments envp = new(EnvironmentList.Current());
        // .NET ignores SIGPIPE, and what is ignored stays so in the next program.
        _ = Libc.signal(Libc.SIGPIPE, 0);
        KernelException.Check(Libc.execve(path, argv.Pointers, envp.Pointers), path);
        throw new KernelException(path, 0);
    }
}

/// <summary>This process's environment as execve takes it.</summary>
internal static class EnvironmentList
{
    public const string SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public static List<string> Current()
    {
        List<string> list = [];
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            list.Add($"{entry.Key}={entry.Value}");
        return list;
    }

    /// <summary>For programs that a person would start in a shell of root's.</summary>
    public static List<string> OfShell() => With(("PATH", SearchPath), ("HOME", "/root"));

    /// <summary>This process's environment with some variables set anew.</summary>
    public static List<string> With(params ReadOnlySpan<(string Name, string Value)> changes)
    {
        List<string> list = Current();
        foreach ((string name, string value) in changes)
        {
            list.RemoveAll(entry => entry.StartsWith(name + "=", StringComparison.Ordinal));
            list.Add($"{name}={value}");
        }
        return list;
    }
}
