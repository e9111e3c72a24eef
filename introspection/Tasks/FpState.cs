namespace Watari.Introspection.Tasks;

/// <summary>A thread's saved FPU and vector registers (arch/x86/include/asm/fpu/types.h).</summary>
[KernelStruct("fpstate")]
public readonly partial record struct FpState
{
    /// <summary>Bytes of the area that are in use.</summary>
    [Field] public partial uint Size { get; }

    [Field] public partial uint UserSize { get; }

    [Field] public partial ulong Xfeatures { get; }

    [Field("regs.__padding")] private partial KernelArray<byte> Registers { get; }

    /// <summary>Where the XSAVE area lies.</summary>
    public GuestVirtualAddress AreaAddress => Registers.Address;
}
