using Watari.Introspection.Symbols;

namespace Watari.Introspection.Kernel;

/// <summary>
/// Kernels that were read before, so that the next guest with the same one is attached to in a fraction of the time, and all of them
/// share one copy. The build id only names whom to compare with: a guest that holds other symbols or types than a build known by its
/// id is read for itself. Safe to be used by many threads at once.
/// </summary>
/// <param name="capacity">How many builds are kept; those that were used last.</param>
/// <param name="mostBytes">The largest that is kept, in bytes; Debian's have about 12 MB. A guest's own could be made as large as its limits allow, and would outlive it here.</param>
public sealed class KnownKernels(int capacity = 4, long mostBytes = 64 << 20)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<KernelBuild> _builds = []; // used last first
    private readonly LinkedList<GuestPhysicalAddress> _notes = [];

    /// <summary>Where notes of guests were: looked at first in the next one, for a kernel puts it in much the same place each time.</summary>
    internal GuestPhysicalAddress[] Notes
    {
        get
        {
            lock (_gate) return [.. _notes];
        }
    }

    /// <summary>The build that a guest runs, and its symbols there; read from its memory unless it is known.</summary>
    internal (KernelBuild Build, KernelSymbols Symbols) Of(GuestPhysicalMemory memory, KernelImage image, VmCoreInfo note, IntrospectionLimits limits)
    {
        string id = KernelBuild.IdOf(note);
        KernelBuild[] candidates;
        lock (_gate) candidates = [.. _builds.Where(build => build.Id == id)];
        foreach (KernelBuild candidate in candidates)
        {
            if (candidate.SymbolsIn(memory, image, note, limits) is not { } symbols) continue;
            Use(_builds, candidate, capacity);
            return (candidate, symbols);
        }

        var read = KernelBuild.Read(memory, image, note, limits);
        if (read.Bytes <= mostBytes) Use(_builds, read, capacity);
        return (read, read.SymbolsIn(memory, image, note, limits) ?? throw new KernelSymbolException("kallsyms", "the tables changed while they were read"));
    }

    /// <summary>A kernel was found by the note there.</summary>
    internal void Found(GuestPhysicalAddress note) => Use(_notes, note, 2 * capacity);

    private void Use<T>(LinkedList<T> used, T item, int most)
    {
        lock (_gate)
        {
            used.Remove(item);
            used.AddFirst(item);
            if (used.Count > most) used.RemoveLast();
        }
    }
}
