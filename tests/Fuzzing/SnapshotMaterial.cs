namespace Watari.Fuzzing;

/// <summary>A guest of a snapshot.</summary>
internal sealed class SnapshotMaterial : IMaterial
{
    private readonly MappedImage _image;
    private readonly MappedImage _second;
    private readonly GuestLook[] _looks;
    private readonly Targets[] _targets;
    private readonly int[] _byWeight;
    private readonly Mutator _mutator;

    public SnapshotMaterial(Snapshot snapshot, IntrospectionLimits limits)
    {
        _image = new MappedImage(snapshot.First, snapshot.Segments, writable: true);
        _second = new MappedImage(snapshot.Second, snapshot.Segments, writable: false);
        Kernel = GuestKernel.Attach(_image.Memory, limits);
        _looks = [.. new Looks(Kernel).All, new GuestLook("attach", 0, _ => GuestKernel.Attach(_image.Memory, limits).Symbols.Count)];
        _targets = [.. _looks.Select(look => look.Name == "attach" ? AttachTargets() : Targets.Of(Kernel, look))];
        // An attach takes as long as a hundred looks.
        _byWeight = [.. _looks.SelectMany((look, index) => Enumerable.Repeat(index, look.Weight * 40)), _looks.Length - 1];
        _mutator = new Mutator(_image, _second, Kernel.AddressSpace.DirectMap);
    }

    public GuestKernel Kernel { get; }

    public IReadOnlyList<string> Names => [.. _looks.Select(look => look.Name)];

    public IReadOnlyList<string> Done => _mutator.Done;

    public int Choose(ref Dice dice) => dice.Of(_byWeight);

    public void Spoil(int look, ref Dice dice)
    {
        _mutator.Spoil(_targets[look], ref dice);
        Kernel.AddressSpace.ForgetTranslations();
    }

    public long See(int look) => _looks[look].See(Kernel.BeginLook());

    public void Restore() => _mutator.Restore();

    public void Dispose()
    {
        _image.Dispose();
        _second.Dispose();
    }

    /// <summary>The note, and samples of symbols and types: they are read from their beginning to their end.</summary>
    private Targets AttachTargets()
    {
        var words = new List<Target>();
        for (ulong i = 0; i < GuestPage.Size / sizeof(ulong); i++) words.Add(new Target(Kernel.CoreInfo.Address + i * sizeof(ulong), sizeof(ulong)));
        foreach (string table in (string[])["kallsyms_num_syms", "kallsyms_names", "kallsyms_token_table", "kallsyms_token_index", "kallsyms_offsets", "kallsyms_relative_base"])
            Sample(Kernel.CoreInfo.Symbol(table), 1024);
        Sample(Kernel.Symbols.Find("linux_banner"), 64);
        Sample(Kernel.Symbols.Find("page_offset_base"), 8);
        GuestVirtualAddress types = Kernel.Symbols.Find("__start_BTF");
        Sample(types, 1024);
        ulong length = Kernel.Symbols.Find("__stop_BTF") - types;
        for (ulong at = 0; at < length; at += length / 4096) Sample(types + (at & ~3UL), sizeof(uint));
        return new Targets([.. words], [.. words.Select(word => word.Address.Frame.Address).Distinct()], [Kernel.AddressSpace.DirectMap.Value]);

        void Sample(GuestVirtualAddress start, ulong bytes)
        {
            for (ulong at = 0; at < bytes; at += sizeof(uint))
            {
                if (Kernel.AddressSpace.TryTranslate(start + at, out GuestPhysicalAddress physical) && !_image.Bytes(physical, sizeof(uint)).IsEmpty) words.Add(new Target(physical, sizeof(uint)));
            }
        }
    }
}
