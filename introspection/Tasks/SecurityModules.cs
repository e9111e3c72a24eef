namespace Watari.Introspection.Tasks;

/// <summary>What security modules keep beside credentials: each has a place in the blob that cred.security leads to (include/linux/lsm_hooks.h).</summary>
public static class SecurityModules
{
    /// <summary>The task is in a domain of landlock(7).</summary>
    public static bool IsLandlocked(TaskStruct task) =>
        TryFind(task, "landlock_blob_sizes"u8, out GuestVirtualAddress place) && !LandlockCredSecurity.At(task.Kernel, place).Domain.IsNull;

    private static bool TryFind(TaskStruct task, ReadOnlySpan<byte> sizes, out GuestVirtualAddress place)
    {
        place = default;
        if (!task.Kernel.Symbols.TryFind(sizes, out GuestVirtualAddress offsets)) return false;
        GuestVirtualAddress blob = SecuredCred.At(task.Kernel, task.Cred.Address).Security ?? default;
        place = blob + (ulong)LsmBlobSizes.At(task.Kernel, offsets).Cred;
        return !blob.IsNull;
    }
}

[KernelStruct("cred")]
internal readonly partial record struct SecuredCred
{
    [Field(Optional = true)] public partial GuestVirtualAddress? Security { get; }
}

/// <summary>Where a module's part begins in each object's blob (include/linux/lsm_hooks.h).</summary>
[KernelStruct("lsm_blob_sizes")]
internal readonly partial record struct LsmBlobSizes
{
    [BitField("lbs_cred")] public partial uint Cred { get; }
}

/// <summary>security/landlock/cred.h.</summary>
[KernelStruct("landlock_cred_security")]
internal readonly partial record struct LandlockCredSecurity
{
    /// <summary>struct landlock_ruleset *; null where nothing is restricted.</summary>
    [Field] public partial GuestVirtualAddress Domain { get; }
}
