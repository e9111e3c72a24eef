namespace Watari.Introspection.Tasks;

/// <summary>A filter of system calls; filters are a chain, the newest first (kernel/seccomp.c).</summary>
[KernelStruct("seccomp_filter")]
public readonly partial record struct SeccompFilter
{
    /// <summary>SECCOMP_FILTER_FLAG_LOG.</summary>
    [Field] public partial bool Log { get; }

    /// <summary>The filter that was there before.</summary>
    [Field] public partial Ptr<SeccompFilter> Prev { get; }

    [Field] public partial Ptr<BpfProgram> Prog { get; }

    /// <summary>struct notification *: somebody listens to it (SECCOMP_FILTER_FLAG_NEW_LISTENER).</summary>
    [Field(Optional = true)] public partial GuestVirtualAddress? Notif { get; }
}

/// <summary>include/linux/bpf.h.</summary>
[KernelStruct("bpf_prog")]
public readonly partial record struct BpfProgram
{
    /// <summary>The classic program that it was made from; null if it was never one, or the kernel did not keep it.</summary>
    [Field] public partial Ptr<ClassicBpfProgram> OrigProg { get; }
}

/// <summary>A program as user space gave it (struct sock_fprog_kern, include/linux/filter.h).</summary>
[KernelStruct("sock_fprog_kern")]
public readonly partial record struct ClassicBpfProgram
{
    private const int InstructionSize = 8; // struct sock_filter
    private const int MaxInstructions = 4096; // BPF_MAXINSNS

    /// <summary>In instructions.</summary>
    [Field] public partial ushort Len { get; }

    [Field] public partial GuestVirtualAddress Filter { get; }

    /// <summary>Its instructions' bytes.</summary>
    public byte[] Instructions
    {
        get
        {
            int count = Len;
            if (count > MaxInstructions) throw Kernel.Astray(Address, "sock_fprog_kern.len", $"is {count}; a program has {MaxInstructions} instructions at most");
            Kernel.TakeBytes(count * InstructionSize);
            byte[] bytes = new byte[count * InstructionSize];
            Kernel.Copy(Filter, bytes, "struct sock_filter[]");
            return bytes;
        }
    }
}
