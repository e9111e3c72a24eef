namespace Watari.Hypervisor;

/// <summary>Names of CPUID's feature bits: Intel SDM volume 2A (CPUID), AMD APM volume 3 appendix E; spelled as in the kernel's cpufeatures.h.</summary>
internal static class CpuFeatureNames
{
    // Thirty-two names a word, bit 0 first; "-" is reserved or without a name.
    private static readonly Dictionary<CpuidWord, string[]> s_names = new()
    {
        [new(0x1, 0, "EDX")] = Bits("fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"),
        [new(0x1, 0, "ECX")] = Bits("pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave osxsave avx f16c rdrand hypervisor"),
        [new(0x7, 0, "EBX")] = Bits("fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp_excptn_only smep bmi2 erms invpcid rtm cqm zero_fcs_fds mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl"),
        [new(0x7, 0, "ECX")] = Bits("prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 shstk gfni vaes vpclmulqdq avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc pks"),
        [new(0x7, 0, "EDX")] = Bits("- - avx512_4vnniw avx512_4fmaps fsrm uintr - - avx512_vp2intersect srbds_ctrl md_clear rtm_always_abort - tsx_force_abort serialize hybrid_cpu tsxldtrk - pconfig arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 spec_ctrl intel_stibp flush_l1d arch_capabilities core_capabilities spec_ctrl_ssbd"),
        [new(0x7, 1, "EAX")] = Bits("sha512 sm3 sm4 rao_int avx_vnni avx512_bf16 lass cmpccxadd archperfmonext - fzrm fsrs fsrc - - - - fred lkgs wrmsrns - amx_fp16 hreset avx_ifma - - lam - - - - -"),
        [new(0xd, 0, "EAX")] = Bits("xstate_x87 xstate_sse xstate_avx xstate_bndregs xstate_bndcsr xstate_opmask xstate_zmm_hi256 xstate_hi16_zmm xstate_pt xstate_pkru xstate_pasid xstate_cet_u xstate_cet_s xstate_hdc xstate_uintr xstate_lbr xstate_hwp xstate_xtilecfg xstate_xtiledata - - - - - - - - - - - - -"),
        [new(0xd, 1, "EAX")] = Bits("xsaveopt xsavec xgetbv1 xsaves xfd - - - - - - - - - - - - - - - - - - - - - - - - - - -"),
        [new(0x80000001, 0, "EDX")] = Bits("- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow"),
        [new(0x80000001, 0, "ECX")] = Bits("lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx - -"),
        [new(0x80000008, 0, "EBX")] = Bits("clzero irperf xsaveerptr - rdpru - - - - wbnoinvd - - amd_ibpb - amd_ibrs amd_stibp - - - - - - - amd_ppin amd_ssbd virt_ssbd amd_ssb_no cppc - amd_psfd - brs"),
    };

    /// <summary>Bits that the guest's kernel needs for itself, or that only say how a fault was mended: no program misses them.</summary>
    private static readonly HashSet<string> s_ofTheKernel =
    [
        "vme", "de", "pse", "msr", "mce", "apic", "mtrr", "pge", "mca", "pse36", "acpi", "dts", "ds_cpl", "dtes64", "vmx", "svm", "smx", "est", "tm", "tm2", "xtpr", "pdcm", "pcid", "dca",
        "x2apic", "tsc_deadline_timer", "hypervisor", "tsc_adjust", "smep", "smap", "invpcid", "la57", "pks", "md_clear", "spec_ctrl", "intel_stibp", "flush_l1d", "arch_capabilities",
        "core_capabilities", "spec_ctrl_ssbd", "arch_lbr", "cid", "monitor", "pbe", "ss", "ht", "pdpe1gb", "cmp_legacy", "extapic", "cr8_legacy", "osvw", "ibs", "skinit", "wdt", "nodeid_msr",
        "topoext", "perfctr_core", "perfctr_nb", "perfctr_llc", "bpext", "ptsc", "irperf", "xsaveerptr", "amd_ibpb", "amd_ibrs", "amd_stibp", "amd_ppin", "amd_ssbd", "virt_ssbd", "amd_ssb_no",
        "cppc", "amd_psfd", "brs", "wbnoinvd", "intel_pt", "xsaves", "rdt_a", "cqm", "sdbg",
    ];

    internal static bool UserVisible(CpuidWord word) => s_names.ContainsKey(word);

    internal static bool IsOfTheKernel(string name) => s_ofTheKernel.Contains(name);

    internal static string NameOf(CpuidWord word, int bit) =>
        s_names.TryGetValue(word, out string[]? names) && names[bit] != "-" ? names[bit] : $"{word}[{bit}]";

    private static string[] Bits(string names) => names.Split(' ') is { Length: 32 } bits ? bits : throw new InvalidOperationException($"not 32 names: {names}");
}
