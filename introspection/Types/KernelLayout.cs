using System.Runtime.CompilerServices;

namespace Watari.Introspection.Types;

/// <summary>
/// Where one kernel keeps the members of the typed structures: found in its types at first use, then a slot in a flat array.
/// Safe from many threads: slots are single words that only ever change from unresolved to their one value.
/// </summary>
public sealed class KernelLayout(BtfTypes types)
{
    private readonly Lock _resolving = new();
    private KernelSlot[] _slots = [];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public KernelSlot Slot(int slot)
    {
        KernelSlot[] slots = _slots;
        if ((uint)slot < (uint)slots.Length)
        {
            KernelSlot found = slots[slot];
            if (found.IsResolved) return found;
        }

        return Resolve(slot);
    }

    /// <summary>The path of a member in the kernel's own words, for messages: "task_struct.mm".</summary>
    public static string PathOf(int slot)
    {
        KernelStructDescriptor descriptor = KernelStructDescriptor.OfSlot(slot);
        int field = slot - descriptor.FirstSlot - 1;
        return field < 0 ? descriptor.Names[0] : $"{descriptor.Names[0]}.{string.Join('|', descriptor.Fields[field].Names)}";
    }

    /// <summary>Whether a member was read, or looked for, yet.</summary>
    internal bool IsKnown(int slot) => (uint)slot < (uint)_slots.Length && _slots[slot].IsResolved;

    /// <summary>Finds every member of a structure now.</summary>
    /// <exception cref="KernelTypeException">The kernel lacks one that is not optional, or has it in another form.</exception>
    public void Verify(KernelStructDescriptor descriptor)
    {
        for (int slot = descriptor.FirstSlot; slot <= descriptor.FirstSlot + descriptor.Fields.Count; slot++)
        {
            bool optional = slot > descriptor.FirstSlot && descriptor.Fields[slot - descriptor.FirstSlot - 1].Optional;
            if (Slot(slot).IsAbsent && !optional) throw Missing(slot);
        }
    }

    /// <summary>Whether the kernel has the structure at all.</summary>
    public bool Has(KernelStructDescriptor descriptor) => !Slot(descriptor.FirstSlot).IsAbsent;

    /// <summary>What of a structure is not as its reader needs it, a sentence for each member; empty where <see cref="Verify"/> would not fail.</summary>
    public IReadOnlyList<string> Faults(KernelStructDescriptor descriptor)
    {
        if (!Has(descriptor)) return [Missing(descriptor.FirstSlot).Message];
        List<string> faults = [];
        for (int field = 0; field < descriptor.Fields.Count; field++)
        {
            int slot = descriptor.FirstSlot + 1 + field;
            try
            {
                if (Slot(slot).IsAbsent && !descriptor.Fields[field].Optional) faults.Add(Missing(slot).Message);
            }
            catch (KernelTypeException fault)
            {
                faults.Add(fault.Message);
            }
        }

        return faults;
    }

    /// <summary>The error for a member that the kernel lacks though the reader needs it.</summary>
    internal static KernelTypeException Missing(int slot)
    {
        KernelStructDescriptor descriptor = KernelStructDescriptor.OfSlot(slot);
        int field = slot - descriptor.FirstSlot - 1;
        string names = string.Join(" or ", descriptor.Names);
        return new KernelTypeException(field < 0
            ? $"This kernel's BTF has no {names}."
            : $"This kernel's {names} has no member {string.Join(" or ", descriptor.Fields[field].Names)} of the expected type.");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private KernelSlot Resolve(int slot)
    {
        KernelStructDescriptor descriptor = KernelStructDescriptor.OfSlot(slot);
        KernelSlot resolved = KernelFieldResolver.Resolve(types, descriptor, slot - descriptor.FirstSlot - 1);
        lock (_resolving)
        {
            if (slot >= _slots.Length)
            {
                var larger = new KernelSlot[Math.Max(KernelStructDescriptor.SlotCount, slot + 1)];
                Array.Fill(larger, KernelSlot.Unresolved);
                _slots.CopyTo(larger, 0);
                _slots = larger;
            }

            _slots[slot] = resolved;
        }

        return resolved;
    }
}
