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
