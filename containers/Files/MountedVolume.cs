using Watari.Disk;
using Watari.Disk.Images;
using Watari.Introspection;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Containers.Files;

/// <summary>
/// A volume as the guest that has it mounted sees it: what its kernel has changed and not yet written lies over what is on the disk. Nothing
/// that is in the file system's journal is missed: what the journal holds, and is not yet in its place on the disk, is in the kernel's memory.
/// </summary>
/// <param name="disk">The volume.</param>
/// <param name="device">The same in the guest's kernel.</param>
public sealed class MountedVolume(IDiskImage disk, BlockDeviceStruct device) : IDiskImage
{
    public long Length => disk.Length;

    public void Read(long offset, Span<byte> destination)
    {
        byte[] bytes = new byte[destination.Length];
        try
        {
            // Before the disk: what is written there and dropped meanwhile is found there.
            IReadOnlyList<Range> cached = LiveView.Look(device.Kernel, look => look.At<BlockDeviceStruct>(device.Address).ReadCached((ulong)offset, bytes));
            disk.Read(offset, destination);
            foreach (Range part in cached) bytes[part].CopyTo(destination[part]);
        }
        catch (IntrospectionException e)
        {
            string message = $"What the guest has of its disk in memory cannot be read: {e.Message}";
            throw e is GuestRamLostException ? new DiskImageException(message, e) : new GuestFileException(message, e);
        }
    }
}
