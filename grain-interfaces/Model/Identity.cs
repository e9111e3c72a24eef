namespace Watari.GrainInterfaces.Model;

/// <summary>A virtual machine, named by the host that runs it and its name on that host.</summary>
/// <param name="Host">Name of the host, as its silo was started with.</param>
/// <param name="Vm">Name of the VM, unique on its host.</param>
[GenerateSerializer, Immutable, Alias("watari.VmId")]
public readonly record struct VmId([property: Id(0)] string Host, [property: Id(1)] string Vm)
{
    public override string ToString() => $"{Host}/{Vm}";

    /// <summary>Reads <c>HOST/VM</c>, the form of <see cref="ToString"/> and of grain keys.</summary>
    /// <exception cref="FormatException">The text is not of that form.</exception>
    public static VmId Parse(string text)
    {
        int slash = text.IndexOf('/');
        if (slash <= 0 || slash == text.Length - 1) throw new FormatException($"'{text}' is not a VM's id: it is written HOST/VM.");
        return new VmId(text[..slash], text[(slash + 1)..]);
    }
}

/// <summary>A job's fencing epoch: raised at each start and resumption; whatever carries an older one is refused.</summary>
[GenerateSerializer, Immutable, Alias("watari.Epoch")]
public readonly record struct Epoch([property: Id(0)] int Value)
{
    public Epoch Next() => new(Value + 1);

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The key under which a host command is idempotent: a job, its epoch, and the step of its table.</summary>
[GenerateSerializer, Immutable, Alias("watari.StepKey")]
public readonly record struct StepKey([property: Id(0)] string Job, [property: Id(1)] Epoch Epoch, [property: Id(2)] string Step)
{
    public override string ToString() => $"{Job}@{Epoch}/{Step}";
}

/// <summary>
/// What is to be carried: a container by its id, or a plain process tree by the pid of its root in the VM's initial pid namespace.
/// Exactly one of the two is set.
/// </summary>
[GenerateSerializer, Immutable, Alias("watari.WorkloadId")]
public sealed record WorkloadId([property: Id(0)] string? Container, [property: Id(1)] int? Pid)
{
    public static WorkloadId OfContainer(string id) => new(id, null);

    public static WorkloadId OfProcessTree(int pid) => new(null, pid);

    public override string ToString() => Container ?? $"pid {Pid}";
}
