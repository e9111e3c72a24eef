using Watari.Guests;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;

namespace Watari.SystemTests.Checkpoint;

/// <summary>
/// Brings bytes into a guest that has nothing of ours inside it: the shell makes a file of zeroes on a tmpfs, and its pages
/// are written from outside while the guest is paused.
/// </summary>
internal static class LandingFile
{
    /// <summary>Makes the file <paramref name="path"/> in the guest with these contents.</summary>
    public static async Task WriteAsync(Guest guest, TestVm vm, string path, ReadOnlyMemory<byte> contents, CancellationToken cancellation)
    {
        string holder = await guest.Console.CheckAsync(
            $"head -c {contents.Length} /dev/zero >{path}; sleep 1000 9<{path} >/dev/null 2>&1 & until [ -e /proc/$!/fd/9 ]; do :; done; echo $!", cancellation: cancellation);
        Write(vm, int.Parse(holder, System.Globalization.CultureInfo.InvariantCulture), path, contents.Span);
        await guest.Console.CheckAsync($"kill {holder}", cancellation: cancellation);
    }

    /// <summary>The contents of the file <paramref name="path"/> of a tmpfs in the guest.</summary>
    public static async Task<byte[]> ReadAsync(Guest guest, TestVm vm, string path, CancellationToken cancellation)
    {
        string[] told = (await guest.Console.CheckAsync(
            $"sleep 1000 9<{path} >/dev/null 2>&1 & until [ -e /proc/$!/fd/9 ]; do :; done; echo $! $(stat -c %s {path})", cancellation: cancellation)).Split(' ');
        byte[] contents = Read(vm, int.Parse(told[0], System.Globalization.CultureInfo.InvariantCulture), path, int.Parse(told[1], System.Globalization.CultureInfo.InvariantCulture));
        await guest.Console.CheckAsync($"kill {told[0]}", cancellation: cancellation);
        return contents;
    }

    private static byte[] Read(TestVm vm, int holder, string path, int length)
    {
        byte[] contents = new byte[length];
        using StillGuest still = vm.Hold();
        foreach (FilePageRun run in Find(still.Kernel, holder, path).IMapping.Value.Pages)
        {
            int start = (int)run.Index << GuestPage.Shift;
            still.Kernel.Memory.Span(run.Frame.Address, Math.Min((int)run.Count.Bytes, length - start)).CopyTo(contents.AsSpan(start));
        }
        return contents;
    }

    private static void Write(TestVm vm, int holder, string path, ReadOnlySpan<byte> contents)
    {
        using StillGuest still = vm.Hold();
        int written = 0;
        foreach (FilePageRun run in Find(still.Kernel, holder, path).IMapping.Value.Pages)
        {
            int start = (int)run.Index << GuestPage.Shift;
            ReadOnlySpan<byte> part = contents[start..Math.Min(start + (int)run.Count.Bytes, contents.Length)];
            vm.Writer.Write(run.Frame.Address, part);
            written += part.Length;
        }
        Assert.Equal(contents.Length, written);
    }

    private static InodeStruct Find(GuestKernel kernel, int holder, string path)
    {
        Assert.True(kernel.TryFindProcess(holder, out TaskStruct process));
        foreach (OpenFile open in process.Files.Value.Open)
        {
            PathName name = open.File.FPath.NameFrom(process.Fs.Value.Root);
            if (System.Text.Encoding.UTF8.GetString(name.Bytes.Span) == path)
                return open.File.FInode.Value;
        }
        throw new InvalidOperationException($"Process {holder} does not hold {path}.");
    }
}
