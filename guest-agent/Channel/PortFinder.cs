using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Channel;

/// <summary>Finds the virtio-serial port by its name, with or without udev; waits for the kernel to announce it if it is not there yet.</summary>
internal static unsafe class PortFinder
{
    public const string Name = "org.watari.agent.0";

    private const int AF_NETLINK = 16, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000, NETLINK_KOBJECT_UEVENT = 15;
    private const int AddressSize = 12; // struct sockaddr_nl
    private const int ModprobeMilliseconds = 20_000;

    /// <summary>The device's file, as /dev/vport1p1.</summary>
    public static string Find()
    {
        // Announcements from here on are kept by the socket, so none between the look and the wait is lost.
        using KernelFile announcements = Listen();
        if (Look() is { } there)
            return there;
        LoadDriver();
        byte[] announcement = new byte[8192];
        while (true)
        {
            if (Look() is { } found)
                return found;
            fixed (byte* at = announcement)
                _ = Libc.read(announcements.Fd, at, (nuint)announcement.Length);
        }
    }

    private static string? Look()
    {
        const string ports = "/sys/class/virtio-ports";
        if (!Directory.Exists(ports))
            return null;
        foreach (string port in Directory.EnumerateFileSystemEntries(ports))
        {
            string device = "/dev/" + Path.GetFileName(port);
            if (KernelFile.TryReadText(port + "/name")?.Trim() == Name && File.Exists(device))
                return device;
        }
        return null;
    }

    private static KernelFile Listen()
    {
        KernelFile socket = new(KernelException.Check(Libc.socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT), "uevents"));
        byte* address = stackalloc byte[AddressSize];
        new Span<byte>(address, AddressSize).Clear();
        *(ushort*)address = AF_NETLINK;
        *(uint*)(address + 8) = 1; // the kernel's group
        KernelException.Check(Libc.bind(socket.Fd, address, AddressSize), "uevents");
        return socket;
    }

    // A guest without udev loads no driver by itself.
    private static void LoadDriver()
    {
        foreach (string modprobe in (string[])["/usr/sbin/modprobe", "/sbin/modprobe"])
        {
            if (!File.Exists(modprobe))
                continue;
            try
            {
                ChildProcess.Run(modprobe, ["modprobe", "-q", "virtio_console"], EnvironmentList.Current(), Deadline.After(ModprobeMilliseconds));
            }
            catch (Exception failed) when (failed is KernelException or AgentException)
            {
                AgentLog.Write($"modprobe virtio_console: {failed.Message}");
            }
            return;
        }
    }
}
