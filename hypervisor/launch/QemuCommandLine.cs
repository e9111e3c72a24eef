namespace Watari.Hypervisor;

/// <summary>The arguments of QEMU for a VM of ours. A saved state fits only a VM of the same arguments, names and paths aside.</summary>
internal static class QemuCommandLine
{
    internal const string Program = "qemu-system-x86_64";
    internal const string AgentPort = "org.watari.agent.0";

    /// <param name="spec">What to start.</param>
    /// <param name="image">What to boot.</param>
    /// <param name="directory">Where its sockets and files go.</param>
    /// <param name="incoming">True for a VM that waits for a saved state instead of booting.</param>
    internal static IReadOnlyList<string> Build(VmSpec spec, GuestImage image, VmDirectory directory, bool incoming) =>
    [
        // The process: in the background once its sockets listen, complaining into its log from then on.
        "-name", $"guest={spec.Name}", "-daemonize", "-pidfile", directory.PidFile, "-D", directory.QemuLog,
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",

        // The machine. A memfd leaves nothing behind and cannot be truncated under our mapping. Of QEMU's translator one thread for all
        // processors: with one each, 7.2 now and then breaks a kernel that patches its own code.
        "-machine", "q35,memory-backend=ram", "-accel", spec.Accelerator == Accelerator.Kvm ? "kvm" : "tcg,thread=single",
        "-cpu", spec.Cpu, "-smp", $"{spec.Vcpus}", "-m", $"{spec.MemoryMiB}M",
        "-object", $"{(spec.PrivateRam ? "memory-backend-ram" : "memory-backend-memfd")},id=ram,size={spec.MemoryMiB}M,share={(spec.PrivateRam ? "off" : "on")}",
        "-device", "vmcoreinfo",

        // A guest that panicked stands still: QEMU and its memory stay, so that one can see later what has become of it.
        "-device", "pvpanic-pci", "-action", "panic=pause",

        .. Monitor("qmp", directory.QmpSocket), .. Monitor("control", directory.ControlSocket),

        // -drive would do for running, but QEMU 7.2 then refuses to hand the disk over when the state is saved.
        "-blockdev", $"driver=file,node-name=disk-file,filename={Escape(directory.Disk)},cache.no-flush=on",
        "-blockdev", "driver=qcow2,node-name=disk,file=disk-file,cache.no-flush=on",
        "-device", "virtio-blk-pci,drive=disk",

        "-device", "virtio-serial-pci", .. Socket("agent", directory.AgentSocket),
        "-device", $"virtserialport,chardev=agent,name={AgentPort}",
        .. Socket("console", directory.ConsoleSocket, $",logfile={Escape(directory.ConsoleLog)}"), "-serial", "chardev:console",

        "-kernel", image.Kernel, "-initrd", image.Initrd,
        "-append", $"root=/dev/vda rw console=ttyS0 panic=-1 watari.name={spec.Name} quiet {spec.KernelArguments}".TrimEnd(),
        .. incoming ? (string[])["-incoming", "defer"] : [],
        .. spec.ExtraArguments,
    ];

    private static string[] Monitor(string id, string path) => [.. Socket(id, path), "-mon", $"chardev={id},mode=control"];

    private static string[] Socket(string id, string path, string more = "") => ["-chardev", $"socket,id={id},path={Escape(path)},server=on,wait=off{more}"];

    /// <summary>In an option's value a comma is written twice (qemu(1)).</summary>
    private static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);
}
