using System.Buffers.Binary;
using System.Globalization;
using Watari.Disk.Images;

namespace Watari.Disk.Tests.Hostile;

/// <summary>A disk in memory that knows what was read of it, is spoilt there, and made whole again.</summary>
internal sealed class SpoiltImage(byte[] bytes) : IDiskImage
{
    private static readonly uint[] s_words =
        [0, 1, 2, 11, 12, 0x7f, 0xff, 0x7fff, 0x8000, 0x8001, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xf30a, 0xea02_0000, 0x983b_c003];

    private readonly List<(int At, byte[] Bytes)> _undo = [];
    private readonly List<string> _done = [];
    private readonly List<(int At, int Length)> _read = [];
    private bool _remembers = true;

    public long Length => bytes.Length;

    /// <summary>What was changed, in words.</summary>
    public IReadOnlyList<string> Done => _done;

    public void Read(long offset, Span<byte> destination)
    {
        DiskRange.Check("the spoilt disk", Length, offset, destination.Length);
        bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
        if (_remembers) _read.Add(((int)offset, destination.Length));
    }

    /// <summary>What was read until now is what will be spoilt.</summary>
    public void StopRemembering() => _remembers = false;

    /// <summary>Changes a few words or blocks where something was read.</summary>
    /// <param name="below">Numbers that follow from the run: from 0 to the argument, not included.</param>
    public void Spoil(Func<int, int> below)
    {
        _done.Clear();
        for (int change = 1 + below(4); change > 0; change--)
        {
            (int at, int length) = Choose(below);
            switch (below(24))
            {
                case 0:
                    Put(at, new byte[length]);
                    break;
                case 1:
                    byte[] noise = new byte[length];
                    for (int i = 0; i < noise.Length; i++) noise[i] = (byte)below(256);
                    Put(at, noise);
                    break;
                case 2:
                    (int other, int otherLength) = _read[below(_read.Count)];
                    Put(at, bytes.AsSpan(other, Math.Min(length, otherLength)).ToArray());
                    break;
                default:
                    SpoilWord(at, length, below);
                    break;
            }
        }
    }

    /// <summary>Puts back what was there, the last change first.</summary>
    public void Restore()
    {
        for (int i = _undo.Count - 1; i >= 0; i--) _undo[i].Bytes.CopyTo(bytes, _undo[i].At);
        _undo.Clear();
    }

    /// <summary>The shortest of three: structures are read by the block, contents in larger pieces.</summary>
    private (int At, int Length) Choose(Func<int, int> below)
    {
        (int, int Length) chosen = _read[below(_read.Count)];
        for (int tries = 0; tries < 2; tries++)
        {
            (int, int Length) other = _read[below(_read.Count)];
            if (other.Length < chosen.Length) chosen = other;
        }

        return chosen;
    }

    private void SpoilWord(int at, int length, Func<int, int> below)
    {
        // Most of a block is zeroes that mean nothing: look for something else, for a while.
        int place = at;
        for (int tries = 0; tries < 8; tries++)
        {
            place = at + below(length);
            if (bytes[place] != 0) break;
        }

        int size = 1 << below(3);
        place = Math.Min(place & ~(size - 1), bytes.Length - sizeof(uint));
        byte[] word = new byte[sizeof(uint)];
        uint old = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(place));
        BinaryPrimitives.WriteUInt32LittleEndian(word, below(6) switch
        {
            0 or 1 => old ^ (1u << below(8 * size)),
            2 => s_words[below(s_words.Length)],
            3 => old + (uint)(below(17) - 8),
            4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + below(Math.Max(1, length - sizeof(uint))))),
            _ => (uint)below(int.MaxValue),
        });
        Put(place, word[..size]);
    }

    private void Put(int at, byte[] replacement)
    {
        Span<byte> place = bytes.AsSpan(at, replacement.Length);
        _undo.Add((at, place.ToArray()));
        replacement.CopyTo(place);
        _done.Add(string.Create(CultureInfo.InvariantCulture, $"{replacement.Length} bytes at 0x{at:x}: {(replacement.Length > 8 ? "" : $"{Convert.ToHexString(_undo[^1].Bytes)} -> {Convert.ToHexString(replacement)}")}"));
    }
}
