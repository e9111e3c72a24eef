using System.Buffers;

namespace Watari.Introspection.Kernel;

/// <summary>Copies what stands in the kernel's queues, piece by piece, as long as it stays within the limit.</summary>
internal static class QueuedBytes
{
    /// <summary>Bytes that are contiguous in physical memory.</summary>
    public static void Append(GuestKernel kernel, ArrayBufferWriter<byte> bytes, GuestVirtualAddress structure, GuestPhysicalAddress address, uint length, string path)
    {
        CheckRoom(kernel, bytes, structure, length, path);
        if (!kernel.Memory.TryCopy(address, bytes.GetSpan((int)length)[..(int)length]))
            throw kernel.Astray(structure, path, $"{length} bytes at {address} are not in memory");
        bytes.Advance((int)length);
    }

    /// <summary>Bytes at a kernel address.</summary>
    public static void Append(GuestKernel kernel, ArrayBufferWriter<byte> bytes, GuestVirtualAddress structure, GuestVirtualAddress address, uint length, string path)
    {
        CheckRoom(kernel, bytes, structure, length, path);
        kernel.Copy(structure, address, bytes.GetSpan((int)length)[..(int)length], path);
        bytes.Advance((int)length);
    }

    private static void CheckRoom(GuestKernel kernel, ArrayBufferWriter<byte> bytes, GuestVirtualAddress structure, uint length, string path)
    {
        kernel.TakeSteps(1);
        int limit = kernel.Limits.QueueBytes;
        if (length > limit - bytes.WrittenCount)
            throw kernel.Astray(structure, path, $"{bytes.WrittenCount + (long)length} bytes are queued, and the limit is {limit}");
        kernel.TakeBytes(length);
    }
}
