using System.Buffers.Binary;

namespace Watari.Introspection.Tasks;

/// <summary>
/// A thread's XSAVE area, copied, in either of its two forms (Intel SDM vol. 1, 13.4): plain, each component at its fixed
/// place, or compacted, one after another, as XSAVES writes them under KVM and on bare metal.
/// </summary>
public sealed class XState
{
    private const int LegacyLength = 512;
    private const int HeaderLength = 64;
    private const int ExtendedStart = LegacyLength + HeaderLength;
    internal const int LargestArea = 64 << 10; // AMX makes it 11 KiB
    private const ulong CompactedBit = 1UL << 63;
    private const int FirstExtended = 2;

    private readonly XStateLayout _layout;
    private readonly byte[] _area;

    private XState(XStateLayout layout, byte[] area)
    {
        _layout = layout;
        _area = area;
        Features = BinaryPrimitives.ReadUInt64LittleEndian(area.AsSpan(LegacyLength));
        CompactedFeatures = BinaryPrimitives.ReadUInt64LittleEndian(area.AsSpan(LegacyLength + 8));
    }

    /// <summary>XSTATE_BV: the components that are not in their initial state. What the area holds of others is stale.</summary>
    public ulong Features { get; }

    /// <summary>XCOMP_BV; its bit 63 says that the area is compacted.</summary>
    public ulong CompactedFeatures { get; }

    public bool IsCompacted => (CompactedFeatures & CompactedBit) != 0;

    /// <summary>x87 and SSE registers as FXSAVE lays them out, 512 bytes; valid as far as bits 0 and 1 of <see cref="Features"/> say.</summary>
    public ReadOnlySpan<byte> Legacy => _area.AsSpan(0, LegacyLength);

    /// <summary>The saved state of a thread that is off the CPU.</summary>
    public static XState Read(TaskStruct task)
    {
        GuestKernel kernel = task.Kernel;
        (GuestVirtualAddress address, uint size, GuestVirtualAddress structure, string path) = AreaOf(task);
        if (size is < ExtendedStart or > LargestArea) throw kernel.Astray(structure, path, $"is {size}, which is no size of an XSAVE area");
        kernel.TakeBytes(size);
        byte[] area = new byte[size];
        kernel.Copy(address, area, "struct xregs_state");
        return new XState(new XStateLayout(kernel), area);
    }

    private static (GuestVirtualAddress Address, uint Size, GuestVirtualAddress Structure, string PathOfSize) AreaOf(TaskStruct task)
    {
        if (task.Fpu.Fpstate is { } pointer) return (pointer.Value.Regs.Address, pointer.Value.Size, pointer.Address, "fpstate.size");
        if (task.Fpu.State is not { } inPlace) throw new KernelTypeException("This kernel's fpu has neither fpstate nor state: its FPU state cannot be found.");
        const string size = "fpu_kernel_xstate_size";
        return (inPlace.Address, task.Kernel.AddressSpace.Read<uint>(task.Kernel.Symbols.Find(size)), task.Address, size);
    }

    /// <summary>One component's bytes, by its XSAVE number (2 is AVX); empty if it is in its initial state.</summary>
    public ReadOnlySpan<byte> Component(int feature)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(feature, FirstExtended);
        if (feature >= _layout.Count || (Features >> feature & 1) == 0) return default;
        int offset = IsCompacted ? CompactedOffset(feature) : _layout.Offset(feature);
        int size = _layout.Size(feature);
        if (offset < 0 || (long)offset + size > _area.Length) throw new KernelWalkException("xstate_offsets", $"component {feature} lies at {offset}, beyond the area's {_area.Length} bytes");
        return _area.AsSpan(offset, size);
    }

    private int CompactedOffset(int feature)
    {
        if (_layout.CompactedOffset(feature) is { } known) return known;
        int offset = ExtendedStart;
        for (int i = FirstExtended; i <= feature; i++)
        {
            if ((CompactedFeatures >> i & 1) == 0) continue;
            if (_layout.IsAligned(i)) offset = (offset + 63) & ~63;
            if (i == feature) return offset;
            offset += _layout.Size(i);
            if (offset > _area.Length) return -1;
        }

        return -1;
    }
}

/// <summary>Where the processor lays XSAVE components, as the kernel asked it at boot (arch/x86/kernel/fpu/xstate.c).</summary>
internal sealed class XStateLayout
{
    private const int MostComponents = 63;
    private const uint AlignedFlag = 2; // XSTATE_FLAG_ALIGNED_64 = BIT(1)

    private readonly int[] _offsets;
    private readonly int[] _sizes;
    private readonly int[]? _flags;
    private readonly int[]? _compacted;

    public XStateLayout(GuestKernel kernel)
    {
        Count = (int)Math.Min((ulong)kernel.Types.Enumerator("XFEATURE_MAX"), MostComponents);
        _offsets = Table(kernel, "xstate_offsets");
        _sizes = Table(kernel, "xstate_sizes");
        _flags = kernel.Symbols.TryFind("xstate_flags"u8, out _) ? Table(kernel, "xstate_flags") : null;
        _compacted = _flags is null && kernel.Symbols.TryFind("xstate_comp_offsets"u8, out _) ? Table(kernel, "xstate_comp_offsets") : null;
    }

    public int Count { get; }

    public int Offset(int feature) => _offsets[feature];

    public int Size(int feature) => Math.Clamp(_sizes[feature], 0, XState.LargestArea);

    /// <summary>Before v5.16 the kernel laid the compacted form out beforehand, with every component that it uses.</summary>
    public int? CompactedOffset(int feature) => _compacted?[feature];

    /// <summary>Compacted, it begins at a multiple of 64.</summary>
    public bool IsAligned(int feature) => _flags is not null && ((uint)_flags[feature] & AlignedFlag) != 0;

    private int[] Table(GuestKernel kernel, string symbol) =>
        new KernelArray<int>(kernel, kernel.Symbols.Find(symbol), Count).ToArray();
}
