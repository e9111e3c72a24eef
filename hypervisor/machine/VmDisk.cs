namespace Watari.Hypervisor;

/// <summary>A virtual disk of a VM, as QEMU knows it (query-block).</summary>
/// <param name="Device">Its device: the path in QEMU's object tree, or the drive's name where it is an old one.</param>
/// <param name="NodeName">Of the block node at its top, by which it is exported.</param>
/// <param name="Format">The node's driver: <c>qcow2</c>, <c>raw</c>.</param>
/// <param name="File">What it is read from, in QEMU's words.</param>
/// <param name="Length">Bytes that the guest sees.</param>
public sealed record VmDisk(string Device, string NodeName, string Format, string File, long Length);
