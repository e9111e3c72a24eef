namespace Watari.Introspection.Tasks;

/// <summary>Where a thread's FPU and vector registers are saved (arch/x86/include/asm/fpu/types.h).</summary>
[KernelStruct("fpu")]
internal readonly partial record struct Fpu
{
    /// <summary>Since 87d0e5be0fac, v5.16.</summary>
    [Field(Optional = true)] public partial Ptr<FpState>? Fpstate { get; }

    /// <summary>Before, in place.</summary>
    [Embedded(Optional = true)] public partial FpRegsState? State { get; }
}

/// <summary>A thread's saved FPU and vector registers (arch/x86/include/asm/fpu/types.h).</summary>
[KernelStruct("fpstate")]
internal readonly partial record struct FpState
{
    /// <summary>Bytes of the area that are in use.</summary>
    [Field] public partial uint Size { get; }

    [Embedded] public partial FpRegsState Regs { get; }
}

/// <summary>The area itself, in whichever form the processor writes it.</summary>
[KernelStruct("fpregs_state")]
internal readonly partial record struct FpRegsState;
