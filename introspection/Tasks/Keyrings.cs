namespace Watari.Introspection.Tasks;

/// <summary>The keyrings that credentials hold (include/linux/cred.h, CONFIG_KEYS).</summary>
[KernelStruct("cred")]
public readonly partial record struct Keyrings
{
    [Field("session_keyring", Optional = true)] public partial Ptr<KeyStruct>? Session { get; }

    [Field("process_keyring", Optional = true)] public partial Ptr<KeyStruct>? Process { get; }

    [Field("thread_keyring", Optional = true)] public partial Ptr<KeyStruct>? Thread { get; }

    public static Keyrings Of(TaskStruct task) => At(task.Kernel, task.Cred.Address);
}

/// <summary>A key, or a ring of keys (include/linux/key.h).</summary>
[KernelStruct("key")]
public readonly partial record struct KeyStruct
{
    /// <summary>Of a keyring: how many keys are in it.</summary>
    [Field("keys.nr_leaves_on_tree")] public partial ulong Keys { get; }
}
