using System.Text;

namespace Watari.Introspection.Types;

/// <summary>Text in an array of the kernel's, up to its first zero byte or its end: a task's comm.</summary>
public readonly record struct KernelText(GuestKernel Kernel, GuestVirtualAddress Address, int Capacity)
{
    /// <summary>Copies the text.</summary>
    /// <returns>Its length in bytes, cut to the destination's.</returns>
    public int CopyTo(Span<byte> destination)
    {
        destination = destination[..Math.Min(destination.Length, Capacity)];
        Kernel.Copy(Address, destination, "char[]");
        int end = destination.IndexOf((byte)0);
        return end < 0 ? destination.Length : end;
    }

    public bool SequenceEqual(ReadOnlySpan<byte> text)
    {
        if (text.Length > Capacity) return false;
        if (Kernel.AddressSpace.TryGetSpan(Address, Capacity, out ReadOnlySpan<byte> whole))
            return whole.StartsWith(text) && (text.Length == Capacity || whole[text.Length] == 0);
        return Encoding.UTF8.GetBytes(ToString()).AsSpan().SequenceEqual(text);
    }

    public override string ToString()
    {
        if (Capacity > Kernel.Limits.StringLength) throw Kernel.Astray(Address, "char[]", $"is {Capacity} bytes long, and the limit is {Kernel.Limits.StringLength}");
        Kernel.TakeBytes(Capacity);
        Span<byte> text = Capacity <= 256 ? stackalloc byte[Capacity] : new byte[Capacity];
        return Encoding.UTF8.GetString(text[..CopyTo(text)]);
    }
}
