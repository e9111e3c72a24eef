using System.Diagnostics;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using Watari.Introspection.Symbols;

namespace Watari.Introspection.Tests.Symbols;

public sealed class VmCoreInfoTests : IDisposable
{
    private const long Ram = 256 << 20;

    private readonly string _path = Path.Combine("/dev/shm", $"watari-vmcoreinfo-{Guid.NewGuid():n}.ram");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Looking_for_the_note_gives_no_memory_to_pages_that_the_guest_never_touched()
    {
        const long notePage = 200 << 20;
        using (FileStream file = File.Create(_path))
        {
            file.SetLength(Ram);
            file.Position = notePage;
            file.Write(Note("OSRELEASE=6.12.0\n"));
        }

        using MemoryMappedFile mapping = MemoryMappedFile.CreateFromFile(_path, FileMode.Open);
        using MemoryMappedViewAccessor view = mapping.CreateViewAccessor(0, Ram);
        nint pointer = view.SafeMemoryMappedViewHandle.DangerousGetHandle();

        VmCoreInfo note = VmCoreInfo.FindAll(new GuestPhysicalMemory(new GuestMemorySegment(new GuestPhysicalAddress(0), pointer, Ram))).First();

        Assert.Equal("6.12.0", note.Release);
        Assert.Equal(new GuestPhysicalAddress(notePage), note.Address);
        Assert.True(Allocated(_path) < 1 << 20, $"{Allocated(_path)} bytes of {Ram} have memory now");
    }

    private static byte[] Note(string text) =>
        [.. BitConverter.GetBytes(11), .. BitConverter.GetBytes(text.Length), .. BitConverter.GetBytes(0), .. "VMCOREINFO\0\0"u8, .. System.Text.Encoding.ASCII.GetBytes(text)];

    private static long Allocated(string path)
    {
        using Process stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
        string blocks = stat.StandardOutput.ReadToEnd();
        stat.WaitForExit();
        return long.Parse(blocks, CultureInfo.InvariantCulture) * 512;
    }
}
