using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Watari.Introspection.Symbols;

namespace Watari.Introspection.Types;

/// <summary>
/// The kernel's own description of its types (Documentation/bpf/btf.rst), as it lies between __start_BTF and __stop_BTF.
/// Structures, unions, enums and typedefs are found by name through a hash; all else is read from the records when asked.
/// </summary>
public sealed partial class BtfTypes
{
    private const ushort Magic = 0xeb9f;
    private const int RecordHeader = 12;
    private const int LongestName = 512; // KSYM_NAME_LEN: what the kernel takes for a name (btf_name_valid_identifier)

    private readonly byte[] _blob;
    private readonly int _typesStart;
    private readonly int _stringsStart;
    private readonly int _stringsLength;
    private readonly int _depthLimit;
    private readonly int _memberLimit;
    private readonly int _collisionLimit;
    private readonly int[] _records;  // per type id: where its record begins in _blob; [0] is void
    private readonly int[] _chainHead; // per bucket: type id, or 0
    private readonly int[] _chainNext; // per type id

    private BtfTypes(byte[] blob, IntrospectionLimits limits)
    {
        _blob = blob;
        _depthLimit = limits.Depth;
        _memberLimit = limits.TypeMembers;
        _collisionLimit = limits.Collisions;
        if (blob.Length < 24 || BinaryPrimitives.ReadUInt16LittleEndian(blob) != Magic)
            throw new KernelTypeException("The kernel's BTF does not begin with BTF's magic number.");
        uint headerLength = Word(4);
        _typesStart = Section(headerLength, Word(8), Word(12), out int typesLength);
        _stringsStart = Section(headerLength, Word(16), Word(20), out _stringsLength);
        if (_stringsLength == 0 || blob[_stringsStart] != 0 || blob[_stringsStart + _stringsLength - 1] != 0)
            throw new KernelTypeException("The string section of the kernel's BTF does not begin and end with a zero byte.");
        _records = FindRecords(typesLength);
        _chainHead = new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(_records.Length / 4, 1))];
        _chainNext = new int[_records.Length];
        IndexNames();
    }

    /// <summary>The number of types, void included.</summary>
    public int Count => _records.Length;

    /// <summary>Reads type information; it is copied, so that a running guest cannot change it between a check and a use.</summary>
    /// <exception cref="KernelTypeException">It is not BTF, or damaged.</exception>
    public static BtfTypes Parse(ReadOnlySpan<byte> blob, IntrospectionLimits limits)
    {
        if (blob.Length > limits.TypeBytes)
            throw new KernelTypeException($"The kernel's BTF is {blob.Length} bytes long, and the limit is {limits.TypeBytes}.");
        return new BtfTypes(blob.ToArray(), limits);
    }

    /// <summary>What it takes up.</summary>
    internal long Bytes => _blob.Length + sizeof(int) * ((long)_records.Length + _chainHead.Length + _chainNext.Length);

    /// <summary>What it was read from.</summary>
    internal ReadOnlySpan<byte> Blob => _blob;

    /// <summary>The structure, union, enum or typedef of this name. Of several, a structure or union comes first.</summary>
    public bool TryFind(string name, out BtfTypeId type)
    {
        byte[] text = Encoding.UTF8.GetBytes(name);
        type = default;
        for (int id = _chainHead[NameHash.Of(text) & (uint)(_chainHead.Length - 1)]; id != 0; id = _chainNext[id])
        {
            if (!NameOf(id).SequenceEqual(text)) continue;
            if (Kind(id) is BtfKind.Struct or BtfKind.Union)
            {
                type = new BtfTypeId(id);
                return true;
            }

            if (type.Value == 0) type = new BtfTypeId(id);
        }

        return type.Value != 0;
    }

    public BtfTypeId Find(string name) => TryFind(name, out BtfTypeId type)
        ? type
        : throw new KernelTypeException($"This kernel's BTF has no type {name}.");

    public BtfKind KindOf(BtfTypeId type) => Kind(Checked(type.Value));

    /// <summary>The type's own name; empty for an anonymous one.</summary>
    public string NameOf(BtfTypeId type) => Encoding.UTF8.GetString(NameOf(Checked(type.Value)));

    /// <summary>The type without typedefs, qualifiers and tags.</summary>
    public BtfTypeId Strip(BtfTypeId type) => new(Strip(type.Value));

    /// <summary>Bytes that a value of the type takes up.</summary>
    public int SizeOf(BtfTypeId type)
    {
        long count = 1;
        int id = Strip(type.Value);
        for (int depth = 0; Kind(id) == BtfKind.Array; depth++)
        {
            if (depth == _depthLimit) throw Damaged("an array is nested in itself");
            count *= ArrayLength(id);
            if (count > int.MaxValue) throw Damaged("an array is absurdly long");
            id = Strip(ArrayElement(id));
        }

        long size = count * Kind(id) switch
        {
            BtfKind.Int or BtfKind.Struct or BtfKind.Union or BtfKind.Enum or BtfKind.Enum64 or BtfKind.Float => SizeOrType(id),
            BtfKind.Pointer => 8,
            _ => 0,
        };
        return size is >= 0 and <= int.MaxValue ? (int)size : throw Damaged("a type is absurdly large");
    }

    /// <summary>An integer's sign; enums that hold a negative value are signed too.</summary>
    public bool IsSigned(BtfTypeId type)
    {
        int id = Strip(type.Value);
        return Kind(id) switch
        {
            BtfKind.Int => (Word(_records[id] + RecordHeader) >> 24 & 1) != 0,
            BtfKind.Enum or BtfKind.Enum64 => KindFlag(id),
            _ => false,
        };
    }

    /// <summary>An array's element type and length.</summary>
    public bool TryGetArray(BtfTypeId type, out BtfTypeId element, out int length)
    {
        int id = Strip(type.Value);
        bool array = Kind(id) == BtfKind.Array;
        element = array ? new BtfTypeId(ArrayElement(id)) : default;
        length = array ? (int)Math.Min(ArrayLength(id), int.MaxValue) : 0;
        return array;
    }

    private BtfKind Kind(int id) => id == 0 ? BtfKind.Void : (BtfKind)(Word(_records[id] + 4) >> 24 & 31);

    private bool KindFlag(int id) => Word(_records[id] + 4) >> 31 != 0;

    private int VariableLength(int id) => (int)(Word(_records[id] + 4) & 0xffff);

    private long SizeOrType(int id) => Word(_records[id] + 8);

    private int ArrayElement(int id) => Checked((int)Word(_records[id] + RecordHeader));

    private long ArrayLength(int id) => Word(_records[id] + RecordHeader + 8);

    private ReadOnlySpan<byte> NameOf(int id) => id == 0 ? "void"u8 : StringAt(Word(_records[id]));

    private int Strip(int id)
    {
        Checked(id);
        for (int depth = 0; Kind(id) is BtfKind.Typedef or BtfKind.Volatile or BtfKind.Const or BtfKind.Restrict or BtfKind.TypeTag; depth++)
        {
            if (depth == _depthLimit) throw Damaged("a typedef leads back to itself");
            id = Checked((int)SizeOrType(id));
        }

        return id;
    }

    private int Checked(int id) => (uint)id < (uint)_records.Length ? id : throw Damaged($"there is no type {id}");

    private ReadOnlySpan<byte> StringAt(uint offset)
    {
        if (offset >= (uint)_stringsLength) throw Damaged($"a name lies at {offset}, beyond the strings");
        ReadOnlySpan<byte> rest = _blob.AsSpan(_stringsStart + (int)offset, Math.Min(LongestName, _stringsLength - (int)offset));
        int end = rest.IndexOf((byte)0);
        return end >= 0 ? rest[..end] : throw Damaged($"the name at {offset} is longer than {LongestName}");
    }

    private uint Word(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_blob.AsSpan(offset));

    private int Section(uint headerLength, uint offset, uint length, out int checkedLength)
    {
        long start = (long)headerLength + offset;
        if (start + length > _blob.Length) throw Damaged("a section lies beyond the end");
        checkedLength = (int)length;
        return (int)start;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // a loop of 100,000 that runs once: it would end before it was compiled for good
    private int[] FindRecords(int typesLength)
    {
        var records = new List<int>(typesLength / 32) { 0 };
        int end = _typesStart + typesLength;
        for (int record = _typesStart; record < end;)
        {
            if (record + RecordHeader > end) throw Damaged("the types end in the middle of a record");
            records.Add(record);
            uint info = Word(record + 4);
            int count = (int)(info & 0xffff);
            record += RecordHeader + (BtfKind)(info >> 24 & 31) switch
            {
                BtfKind.Int or BtfKind.Variable or BtfKind.DeclarationTag => 4,
                BtfKind.Array => 12,
                BtfKind.Struct or BtfKind.Union or BtfKind.DataSection or BtfKind.Enum64 => 12 * count,
                BtfKind.Enum or BtfKind.FunctionPrototype => 8 * count,
                BtfKind.Pointer or BtfKind.Forward or BtfKind.Typedef or BtfKind.Volatile or BtfKind.Const or BtfKind.Restrict
                    or BtfKind.Function or BtfKind.Float or BtfKind.TypeTag => 0,
                var kind => throw Damaged($"a record is of the unknown kind {(int)kind}"),
            };
            if (record > end) throw Damaged("the types end in the middle of a record");
        }

        return [.. records];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void IndexNames()
    {
        ushort[] lengths = new ushort[_chainHead.Length];
        for (int id = _records.Length - 1; id > 0; id--)
        {
            if (Kind(id) is not (BtfKind.Struct or BtfKind.Union or BtfKind.Enum or BtfKind.Enum64 or BtfKind.Typedef)) continue;
            ReadOnlySpan<byte> name = NameOf(id);
            if (name.IsEmpty) continue;
            uint place = NameHash.Of(name) & (uint)(_chainHead.Length - 1);
            if (++lengths[place] > _collisionLimit) throw Damaged($"more than {_collisionLimit} names have one place");
            _chainNext[id] = _chainHead[place];
            _chainHead[place] = id;
        }
    }

    private static KernelTypeException Damaged(string how) => new($"The kernel's BTF is damaged: {how}.");
}
