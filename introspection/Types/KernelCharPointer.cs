using System.Text;

namespace Watari.Introspection.Types;

/// <summary>A pointer to text that ends with a zero byte (const char *).</summary>
public readonly record struct KernelCharPointer(GuestKernel Kernel, GuestVirtualAddress Address)
{
    public bool IsNull => Address.IsNull;

    /// <summary>The text's bytes, appended to what is there already.</summary>
    /// <exception cref="KernelWalkException">It does not end within the limit.</exception>
    public void AppendTo(List<byte> destination)
    {
        GuestVirtualAddress at = Address;
        for (int left = Kernel.Limits.StringLength; left > 0;)
        {
            Kernel.TakeSteps(1);
            ReadOnlySpan<byte> piece = Kernel.InPage(Address, at, left, "char *");
            int end = piece.IndexOf((byte)0);
            Kernel.TakeBytes(end < 0 ? piece.Length : end);
            destination.AddRange(end < 0 ? piece : piece[..end]);
            if (end >= 0) return;
            left -= piece.Length;
            at += (ulong)piece.Length;
        }

        throw Kernel.Astray(Address, "char *", $"text at {Address} does not end within {Kernel.Limits.StringLength} bytes");
    }

    public bool SequenceEqual(ReadOnlySpan<byte> text)
    {
        if (IsNull) return false;
        if (Kernel.AddressSpace.TryGetSpan(Address, text.Length + 1, out ReadOnlySpan<byte> whole))
            return whole[..text.Length].SequenceEqual(text) && whole[text.Length] == 0;
        return Encoding.UTF8.GetBytes(ToString()).AsSpan().SequenceEqual(text);
    }

    /// <summary>The text; empty for a null pointer.</summary>
    public override string ToString()
    {
        if (IsNull) return "";
        var bytes = new List<byte>();
        AppendTo(bytes);
        return Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
    }
}
