namespace Watari.Introspection.Tasks;

/// <summary>The ids of a task, process group or session, one in each pid namespace that sees it (include/linux/pid.h).</summary>
[KernelStruct("pid")]
public readonly partial record struct PidStruct
{
    private const int MaxLevel = 32; // MAX_PID_NS_LEVEL

    /// <summary>How deep its own namespace is nested; 0 is the guest's first.</summary>
    [Field] public partial uint Level { get; }

    [Field] public partial KernelStructArray<Upid> Numbers { get; }

    /// <summary>Its ids from the first namespace to its own.</summary>
    public KernelStructArray<Upid> Ids
    {
        get
        {
            uint level = Level;
            if (level > MaxLevel) throw Kernel.Astray(Address, "pid.level", $"is {level}; pid namespaces nest {MaxLevel} deep at most");
            return Numbers.OfLength((int)level + 1);
        }
    }

    /// <summary>Its id in its own namespace: what the process itself sees.</summary>
    public Upid Innermost
    {
        get
        {
            KernelStructArray<Upid> ids = Ids;
            return ids[ids.Length - 1];
        }
    }

    /// <summary>Its id in one namespace, or null if that one does not see it: pid_nr_ns.</summary>
    public int? IdIn(GuestVirtualAddress pidNamespace)
    {
        KernelStructArray<Upid> ids = Ids;
        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i].Ns == pidNamespace) return ids[i].Nr;
        }

        return null;
    }
}

/// <summary>An id and the namespace that it is valid in.</summary>
[KernelStruct("upid")]
public readonly partial record struct Upid
{
    [Field] public partial int Nr { get; }

    /// <summary>struct pid_namespace *.</summary>
    [Field] public partial GuestVirtualAddress Ns { get; }
}
