using System.Runtime.InteropServices;
using System.Text;

namespace Watari.GuestAgent.Native;

/// <summary>
/// A descriptor, and the plain read and write of /proc, /sys and cgroupfs files, whose errno has a
/// meaning that .NET's files would hide.
/// </summary>
internal sealed unsafe class KernelFile : IDisposable
{
    // A file of /proc or /sys that grows beyond this is not one that the agent reads.
    private const int LongestText = 1 << 20;

    private int fd;

    public KernelFile(int fd) => this.fd = fd;

    public int Fd => fd >= 0 ? fd : throw new ObjectDisposedException(nameof(KernelFile));

    /// <exception cref="KernelException">errno of open(2).</exception>
    public static KernelFile Open(string path, int flags, int mode = 0) =>
        new(KernelException.Check(Libc.open(path, flags | Libc.O_CLOEXEC, mode), path));

    public static string ReadText(string path)
    {
        using KernelFile file = Open(path, Libc.O_RDONLY);
        return file.ReadText();
    }

    /// <summary>The text, or null where there is no such file or process.</summary>
    public static string? TryReadText(string path)
    {
        try
        {
            return ReadText(path);
        }
        catch (KernelException gone) when (gone.Errno is Libc.ENOENT or Libc.ESRCH or Libc.ENODEV or Libc.ENOTDIR)
        {
            return null;
        }
    }

    /// <summary>One write(2) of the whole text to a file that exists.</summary>
    public static void WriteText(string path, string text)
    {
        using KernelFile file = Open(path, Libc.O_WRONLY);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* from = bytes)
            KernelException.Check(Libc.write(file.Fd, from, (nuint)bytes.Length), path);
    }

    /// <summary>From offset 0 to the end.</summary>
    public string ReadText()
    {
        byte[] buffer = new byte[4096];
        int length = 0;
        while (length < LongestText)
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, 2 * buffer.Length);
            int read = Read(buffer.AsSpan(length), length);
            if (read == 0)
                break;
            length += read;
        }
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    /// <summary>pread(2).</summary>
    public int Read(Span<byte> to, long offset)
    {
        fixed (byte* at = to)
        {
            nint read;
            do
                read = Libc.pread(Fd, at, (nuint)to.Length, offset);
            while (read < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
            return (int)KernelException.Check(read, "pread");
        }
    }

    public void Dispose()
    {
        int closing = Interlocked.Exchange(ref fd, -1);
        if (closing >= 0)
            _ = Libc.close(closing);
    }
}
