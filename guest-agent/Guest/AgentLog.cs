using System.Globalization;
using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Guest;

/// <summary>The agent's log in the guest: a file that begins anew, its last predecessor kept, when it has grown to a MiB. What ends the agent goes to the console too.</summary>
internal static class AgentLog
{
    private const long Longest = 1 << 20;

    private static readonly Lock Gate = new();
    private static string? file;

    /// <summary>From here on lines go to this file; before, nowhere.</summary>
    public static void Open(string path) => file = path;

    public static void Write(string line)
    {
        string? path = file;
        if (path is null)
            return;
        lock (Gate)
        {
            try
            {
                if (new FileInfo(path) is { Exists: true, Length: > Longest })
                    File.Move(path, path + ".1", overwrite: true);
                File.AppendAllText(path, $"{DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)} {line}\n");
            }
            catch (IOException)
            {
                // A log that cannot be written stops no migration.
            }
        }
    }

    public static void Fatal(string line)
    {
        Write("fatal: " + line);
        try
        {
            KernelFile.WriteText("/dev/console", $"watari-agent: {line}\r\n");
        }
        catch (KernelException)
        {
            // No console.
        }
    }
}
