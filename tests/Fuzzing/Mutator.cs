using System.Buffers.Binary;
using System.Globalization;

namespace Watari.Fuzzing;

/// <summary>Spoils a guest's RAM where a look reads it, and makes it whole again.</summary>
/// <param name="image">What is spoilt.</param>
/// <param name="second">The same guest at another moment.</param>
/// <param name="directMap">Where the guest's kernel has all of RAM.</param>
internal sealed class Mutator(MappedImage image, MappedImage? second, GuestVirtualAddress directMap)
{
    private const int MostPages = 64; // of another moment, at once

    private static readonly ulong[] s_lengths = [0, 1, ulong.MaxValue, uint.MaxValue, int.MaxValue, 0x8000_0000, 0xffff, 0x1_0000, 1UL << 20, (1UL << 20) + 1, 1UL << 47, long.MaxValue];

    private readonly List<(GuestPhysicalAddress Address, byte[] Bytes)> _undo = [];
    private readonly List<string> _done = [];

    /// <summary>What was changed, in words.</summary>
    public IReadOnlyList<string> Done => _done;

    public void Spoil(Targets targets, ref Dice dice)
    {
        _done.Clear();
        for (int change = 1 + dice.Below(3); change > 0; change--) SpoilOnce(targets, ref dice);
    }

    /// <summary>Puts back what was there, the last change first.</summary>
    public void Restore()
    {
        for (int i = _undo.Count - 1; i >= 0; i--) _undo[i].Bytes.CopyTo(image.Bytes(_undo[i].Address, _undo[i].Bytes.Length));
        _undo.Clear();
    }

    private void SpoilOnce(Targets targets, ref Dice dice)
    {
        switch (dice.Below(20))
        {
            case 0:
                SpoilPage(dice.Of(targets.Pages), "zeroed", static page => page.Clear());
                break;
            case 1:
                var noise = new Dice(dice.Next(), 0);
                SpoilPage(dice.Of(targets.Pages), "noise", page =>
                {
                    for (int i = 0; i < page.Length; i += sizeof(ulong)) BinaryPrimitives.WriteUInt64LittleEndian(page[i..], noise.Next());
                });
                break;
            case 2:
                GuestPhysicalAddress other = dice.Of(targets.Pages);
                byte[] contents = image.Bytes(other, GuestPage.Size).ToArray();
                SpoilPage(dice.Of(targets.Pages), $"is the one at {other}", page => contents.CopyTo(page));
                break;
            case 3 when second is not null:
                for (int pages = 1 + dice.Below(MostPages); pages > 0; pages--)
                {
                    GuestPhysicalAddress at = dice.Of(targets.Pages);
                    SpoilPage(at, "of the other moment", page => second.Bytes(at, GuestPage.Size).CopyTo(page));
                }

                break;
            default:
                SpoilWord(dice.Of(targets.Words), targets, ref dice);
                break;
        }
    }

    private void SpoilPage(GuestPhysicalAddress at, string how, PageChange change)
    {
        Span<byte> page = image.Bytes(at, GuestPage.Size);
        if (page.IsEmpty) return;
        _undo.Add((at, page.ToArray()));
        change(page);
        _done.Add($"page at {at}: {how}");
    }

    private void SpoilWord(Target target, Targets targets, ref Dice dice)
    {
        Span<byte> place = image.Bytes(target.Address, target.Size);
        ulong old = 0;
        for (int i = 0; i < place.Length; i++) old |= (ulong)place[i] << (8 * i);
        ulong value = dice.Below(12) switch
        {
            0 or 1 => old ^ (1UL << dice.Below(8 * target.Size)),
            2 or 3 => dice.Of(targets.Objects),
            4 => directMap.Value + target.Address.Value,                                       // itself
            5 => directMap.Value + image.Memory.End.Value + (ulong)dice.Below(1 << 20),          // behind RAM
            6 => directMap.Value + image.Memory.End.Value - (ulong)dice.Below(64),               // over its end
            7 => old + (ulong)(1 + dice.Below(7)),                                              // not aligned
            8 => dice.Next(),                                                                   // no address at all
            9 => dice.Of(s_lengths),
            10 => dice.Below(2) == 0 ? old + 1 : old - 1,
            _ => (ulong)dice.Below(4096),
        };
        _undo.Add((target.Address, place.ToArray()));
        for (int i = 0; i < place.Length; i++) place[i] = (byte)(value >> (8 * i));
        _done.Add(string.Create(CultureInfo.InvariantCulture, $"{target.Size} bytes at {target.Address}: 0x{old:x} -> 0x{value:x}"));
    }

    private delegate void PageChange(Span<byte> page);
}
