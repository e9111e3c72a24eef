namespace Watari.Introspection.Types;

/// <summary>
/// A typed kernel structure as the generator describes it. Each has a range of slots, numbered once per process; a kernel keeps
/// what it resolved in one flat array by slot, so that reading a member costs no look-up by name.
/// </summary>
public sealed class KernelStructDescriptor
{
    private static readonly Lock s_registration = new();
    private static KernelStructDescriptor[] s_all = [];
    private static int s_slots;

    private readonly KernelFieldDescriptor[] _fields;

    public KernelStructDescriptor(string[] names, params KernelFieldDescriptor[] fields)
    {
        Names = names;
        _fields = fields;
        lock (s_registration)
        {
            FirstSlot = s_slots;
            s_slots += 1 + fields.Length;
            s_all = [.. s_all, this];
        }
    }

    /// <summary>The structure's names, in the order to try.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The slot of the structure's size; those of its fields follow in order.</summary>
    public int FirstSlot { get; }

    public IReadOnlyList<KernelFieldDescriptor> Fields => _fields;

    internal static int SlotCount => Volatile.Read(ref s_slots);

    internal static KernelStructDescriptor OfSlot(int slot)
    {
        KernelStructDescriptor[] all = Volatile.Read(ref s_all);
        return all.Last(descriptor => descriptor.FirstSlot <= slot);
    }
}
