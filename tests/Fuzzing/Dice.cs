namespace Watari.Fuzzing;

/// <summary>Numbers that look random and follow from a seed and a run alone (splitmix64), so that a run can be made again by itself.</summary>
internal struct Dice(ulong seed, ulong run)
{
    private ulong _state = unchecked(seed * 0x9e37_79b9_7f4a_7c15 + run * 0xd1b5_4a32_d192_ed03);

    public ulong Next()
    {
        unchecked
        {
            ulong mixed = _state += 0x9e37_79b9_7f4a_7c15;
            mixed = (mixed ^ (mixed >> 30)) * 0xbf58_476d_1ce4_e5b9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94d0_49bb_1331_11eb;
            return mixed ^ (mixed >> 31);
        }
    }

    /// <summary>From 0 to <paramref name="end"/>, not included.</summary>
    public int Below(int end) => (int)(Next() % (uint)end);

    public T Of<T>(T[] choices) => choices[Below(choices.Length)];
}
