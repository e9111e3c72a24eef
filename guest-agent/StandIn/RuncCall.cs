namespace Watari.GuestAgent.StandIn;

/// <summary>How containerd's shim calls runc: <c>runc [GLOBAL OPTIONS] COMMAND [OPTIONS] [ID]</c> (github.com/containerd/go-runc).</summary>
/// <param name="Global">The options before the command.</param>
/// <param name="Command">create, start, kill …</param>
/// <param name="Options">Those of the command.</param>
/// <param name="Container">The last argument; null where there is none.</param>
internal sealed record RuncCall(IReadOnlyList<string> Global, string Command, IReadOnlyList<string> Options, string? Container)
{
    /// <summary>Options that take no value (runc 1.1 and 1.2, main.go and create.go).</summary>
    private static readonly HashSet<string> s_flags = new(StringComparer.Ordinal) { "--debug", "--systemd-cgroup", "--no-pivot", "--no-new-keyring", "--help", "--version", "-h", "-v" };

    /// <returns>Null: there is no command in it.</returns>
    public static RuncCall? Parse(IReadOnlyList<string> arguments)
    {
        int command = EndOfOptions(arguments, 0);
        if (command == arguments.Count)
            return null;
        int last = EndOfOptions(arguments, command + 1);
        return new RuncCall([.. arguments.Take(command)], arguments[command], [.. arguments.Skip(command + 1).Take(last - command - 1)], last < arguments.Count ? arguments[last] : null);
    }

    /// <summary>The value of one of the command's options; null where it was not given.</summary>
    public string? Option(string name)
    {
        for (int at = 0; at < Options.Count; at++)
        {
            if (Options[at] == name && at + 1 < Options.Count)
                return Options[at + 1];
            if (Options[at].StartsWith(name + "=", StringComparison.Ordinal))
                return Options[at][(name.Length + 1)..];
        }
        return null;
    }

    /// <summary>The call that restores what this one would create: the same bundle, pid file and console.</summary>
    /// <param name="restoring">More options of <c>runc restore</c>.</param>
    public IReadOnlyList<string> AsRestore(params ReadOnlySpan<string> restoring)
    {
        List<string> call = ["runc", .. Global, "restore", "--detach"];
        foreach (string name in (string[])["--bundle", "--pid-file", "--console-socket"])
        {
            if (Option(name) is { } value)
                call.AddRange([name, value]);
        }
        if (Options.Contains("--no-pivot"))
            call.Add("--no-pivot");
        call.AddRange(restoring);
        call.Add(Container!);
        return call;
    }

    private static int EndOfOptions(IReadOnlyList<string> arguments, int at)
    {
        while (at < arguments.Count && arguments[at].StartsWith('-'))
            at += s_flags.Contains(arguments[at]) || arguments[at].Contains('=', StringComparison.Ordinal) ? 1 : 2;
        return Math.Min(at, arguments.Count);
    }
}
