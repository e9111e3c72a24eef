namespace Watari.Fuzzing;

/// <summary>Something that is spoilt and looked at: a guest of a snapshot, or one that is built.</summary>
internal interface IMaterial : IDisposable
{
    /// <summary>The looks that there are, by name.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>What was changed for the last look, in words.</summary>
    IReadOnlyList<string> Done { get; }

    int Choose(ref Dice dice);

    /// <summary>Spoils.</summary>
    void Spoil(int look, ref Dice dice);

    /// <summary>Looks at what is spoilt.</summary>
    long See(int look);

    /// <summary>Makes whole again.</summary>
    void Restore();
}
