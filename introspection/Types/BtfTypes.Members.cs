using System.Collections.Concurrent;
using System.Text;

namespace Watari.Introspection.Types;

public sealed partial class BtfTypes
{
    private const int MemberLength = 12;
    private const int MostMembersOfMessage = 4096; // the largest structure of Debian's kernels has some hundreds

    private readonly ConcurrentDictionary<(string Structure, string Path), BtfMember> _members = new();

    /// <summary>
    /// A member by its path from a structure or union, as C spells it: "pid", "thread.fsbase". Members of anonymous structures
    /// and unions count as the outer one's own.
    /// </summary>
    public bool TryGetMember(BtfTypeId structure, string path, out BtfMember member)
    {
        member = new BtfMember(structure, 0, 0);
        long size = SizeOf(structure) * 8L;
        int budget = _memberLimit;
        foreach (Range part in path.AsSpan().Split('.'))
        {
            byte[] name = Encoding.UTF8.GetBytes(path[part]);
            if (!TryGetOwnMember(Strip(member.Type.Value), name, depth: 0, ref budget, out BtfMember next)) return false;
            long bitOffset = (long)member.BitOffset + next.BitOffset;
            if (bitOffset > size) throw Damaged($"member {path} lies beyond the end of its structure");
            member = next with { BitOffset = (int)bitOffset };
        }

        return true;
    }

    /// <summary>A member that must be there; looked for once.</summary>
    /// <exception cref="KernelTypeException">It is not.</exception>
    public BtfMember Member(string structure, string path) => _members.GetOrAdd((structure, path), static (name, types) =>
        types.TryGetMember(types.Find(name.Structure), name.Path, out BtfMember member)
            ? member
            : throw new KernelTypeException($"This kernel's {name.Structure} has no member {name.Path}."), this);

    /// <summary>The path of the member at a byte offset, for messages; null if there is none.</summary>
    public string? PathAt(BtfTypeId structure, int byteOffset)
    {
        var path = new StringBuilder();
        int id = Strip(structure.Value);
        int wanted = byteOffset * 8;
        int budget = Math.Min(_memberLimit, MostMembersOfMessage);
        for (int depth = 0; depth < _depthLimit && path.Length < LongestName && Kind(id) is BtfKind.Struct or BtfKind.Union; depth++)
        {
            if (!TryGetMemberCovering(id, wanted, ref budget, out ReadOnlySpan<byte> name, out BtfMember member)) break;
            if (!name.IsEmpty)
            {
                if (path.Length > 0) path.Append('.');
                path.Append(Encoding.UTF8.GetString(name));
                if (member.BitOffset == wanted) break;
            }

            wanted -= member.BitOffset;
            id = Strip(member.Type.Value);
        }

        return path.Length == 0 ? null : path.ToString();
    }

    private bool TryGetOwnMember(int structure, ReadOnlySpan<byte> name, int depth, ref int budget, out BtfMember member)
    {
        member = default;
        if (Kind(structure) is not (BtfKind.Struct or BtfKind.Union)) return false;
        if (depth == _depthLimit) throw Damaged("a structure is nested in itself");
        int count = VariableLength(structure);
        for (int i = 0; i < count; i++)
        {
            if (--budget < 0) throw Damaged("its structures have too many members");
            BtfMember candidate = MemberAt(structure, i, out uint nameOffset);
            if (nameOffset != 0 && !StringAt(nameOffset).IsEmpty)
            {
                if (!StringAt(nameOffset).SequenceEqual(name)) continue;
                member = candidate;
                return true;
            }

            if (!TryGetOwnMember(Strip(candidate.Type.Value), name, depth + 1, ref budget, out BtfMember inner)) continue;
            member = inner with { BitOffset = (int)Math.Min((long)candidate.BitOffset + inner.BitOffset, int.MaxValue) };
            return true;
        }

        return false;
    }

    private BtfMember MemberAt(int structure, int index, out uint nameOffset)
    {
        int record = _records[structure] + RecordHeader + index * MemberLength;
        nameOffset = Word(record);
        var type = new BtfTypeId(Checked((int)Word(record + 4)));
        uint place = Word(record + 8);
        return KindFlag(structure)
            ? new BtfMember(type, (int)(place & 0xffffff), (int)(place >> 24))
            : new BtfMember(type, (int)Math.Min(place, int.MaxValue), 0);
    }

    private bool TryGetMemberCovering(int structure, int bitOffset, ref int budget, out ReadOnlySpan<byte> name, out BtfMember member)
    {
        name = default;
        member = default;
        int count = VariableLength(structure);
        for (int i = 0; i < count; i++)
        {
            if (--budget < 0) return false;
            BtfMember candidate = MemberAt(structure, i, out uint nameOffset);
            int bits = candidate.IsBitField ? candidate.BitSize : SizeOf(candidate.Type) * 8;
            if (bitOffset < candidate.BitOffset || bitOffset >= candidate.BitOffset + bits) continue;
            name = StringAt(nameOffset);
            member = candidate;
            return true;
        }

        return false;
    }
}
