using System.Globalization;
using Watari.Introspection.Tests.Hostile;

namespace Watari.Fuzzing;

/// <summary>A kernel that is built, small enough for a whole attach in each run: notes, symbols, types, page tables, lists.</summary>
internal sealed class BuiltMaterial(IntrospectionLimits limits) : IMaterial
{
    private readonly SmallGuest _guest = new();
    private readonly List<(GuestPhysicalAddress Address, ulong Old)> _undo = [];
    private readonly List<string> _done = [];

    public IReadOnlyList<string> Names { get; } = ["attach to a built kernel"];

    public IReadOnlyList<string> Done => _done;

    public int Choose(ref Dice dice) => 0;

    public void Spoil(int look, ref Dice dice)
    {
        _done.Clear();
        for (int change = 1 + dice.Below(4); change > 0; change--)
        {
            (GuestPhysicalAddress start, ulong length) = _guest.Regions[dice.Below(_guest.Regions.Count)];
            var at = new GuestPhysicalAddress((start.Value + dice.Next() % (length - sizeof(ulong))) & ~3UL);
            ulong old = _guest.Builder.Guest.Memory.Read<ulong>(at);
            ulong half = old & 0xffff_ffff_0000_0000; // most of what is there are words of 32 bits
            Put(at, old, dice.Below(9) switch
            {
                0 or 1 => old ^ (1UL << dice.Below(64)),
                2 => _guest.Links.Value + (ulong)dice.Below(512),
                3 => dice.Next(),
                4 => half | uint.MaxValue,
                5 => half | (uint)dice.Below(1 << 16),
                6 => half | (uint)(old + (uint)(dice.Below(17) - 8)),
                7 => half | (uint)dice.Next(),
                _ => half,
            });
        }
    }

    public long See(int look) => _guest.ReadEverything(limits);

    public void Restore()
    {
        for (int i = _undo.Count - 1; i >= 0; i--) _guest.Builder.Guest.Put(_undo[i].Address, _undo[i].Old);
        _undo.Clear();
    }

    public void Dispose() => _guest.Dispose();

    private void Put(GuestPhysicalAddress at, ulong old, ulong value)
    {
        _undo.Add((at, old));
        _guest.Builder.Guest.Put(at, value);
        _done.Add(string.Create(CultureInfo.InvariantCulture, $"8 bytes at {at}: 0x{old:x} -> 0x{value:x}"));
    }
}
