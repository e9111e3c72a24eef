using System.Text;
using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Criu;

/// <summary>What of a log explains a failure: its error lines, else its end. At most 8 KiB.</summary>
internal static class RestoreLog
{
    private const int Longest = 8 * 1024;
    private const int TailOfFile = 256 * 1024;

    public static string Explain(params ReadOnlySpan<string> files)
    {
        StringBuilder text = new();
        foreach (string file in files)
        {
            string[] lines = Tail(file).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            string[] errors = [.. lines.Where(line => line.Contains("Error", StringComparison.Ordinal) || line.Contains("level=error", StringComparison.Ordinal))];
            foreach (string line in (errors.Length > 0 ? errors : lines).TakeLast(20))
                text.Append(line.Length <= 512 ? line : line[..512]).Append('\n');
        }
        return text.Length <= Longest ? text.ToString() : text.ToString(text.Length - Longest, Longest);
    }

    private static string Tail(string path)
    {
        try
        {
            using KernelFile file = KernelFile.Open(path, Libc.O_RDONLY);
            long length = new FileInfo(path).Length;
            byte[] bytes = new byte[Math.Min(length, TailOfFile)];
            return Encoding.UTF8.GetString(bytes, 0, file.Read(bytes, length - bytes.Length));
        }
        catch (Exception unreadable) when (unreadable is KernelException or IOException)
        {
            return "";
        }
    }
}
