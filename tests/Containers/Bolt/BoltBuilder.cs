using System.Buffers.Binary;
using System.Text;

namespace Watari.Containers.Tests.Bolt;

/// <summary>
/// Makes a bbolt file page by page, also such as bbolt never writes.
/// <code>
/// new BoltBuilder().Leaf(3, ("ctr", BoltBuilder.BucketAt(4))).Leaf(4, ("id", "value")).Build(root: 3)
/// </code>
/// </summary>
internal sealed class BoltBuilder(int pageSize = 4096)
{
    private const ushort BranchFlag = 1, LeafFlag = 2, MetaFlag = 4;

    private readonly List<(int Id, byte[] Bytes)> _pages = [];

    /// <summary>A value that is a bucket of its own, whose root is a page; or, for 0, lies behind it.</summary>
    public static byte[] BucketAt(ulong root, byte[]? inPlace = null)
    {
        byte[] value = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(value, root);
        return [.. value, .. inPlace ?? []];
    }

    /// <summary>A page as it lies in the value of a small bucket.</summary>
    public static byte[] InPlace(params (string Key, byte[] Value, bool IsBucket)[] elements) => LeafBytes(0, elements, minimum: 0);

    public BoltBuilder Leaf(int id, params (string Key, byte[] Value, bool IsBucket)[] elements) => Add(id, LeafBytes(id, elements, pageSize));

    public BoltBuilder Branch(int id, params ulong[] children)
    {
        byte[] page = new byte[pageSize];
        Header(page, id, BranchFlag, children.Length, 0);
        for (int i = 0; i < children.Length; i++)
        {
            Span<byte> element = page.AsSpan(16 + (i * 16));
            BinaryPrimitives.WriteUInt32LittleEndian(element, (uint)(pageSize - 32 - (i * 16))); // the key: empty, at the page's end
            BinaryPrimitives.WriteUInt64LittleEndian(element[8..], children[i]);
        }

        return Add(id, page);
    }

    /// <summary>A page of any bytes.</summary>
    public BoltBuilder Add(int id, byte[] page)
    {
        _pages.Add((id, page));
        return this;
    }

    public byte[] Build(ulong root, ulong? end = null)
    {
        int pages = Math.Max(4, _pages.Max(page => page.Id + ((page.Bytes.Length + pageSize - 1) / pageSize)));
        byte[] file = new byte[pages * pageSize];
        foreach ((int id, byte[] bytes) in _pages) bytes.CopyTo(file, id * pageSize);
        for (int i = 0; i < 2; i++) MetaPage(file.AsSpan(i * pageSize, pageSize), i, root, end ?? (ulong)pages, transaction: (ulong)(7 + i));
        return file;
    }

    public static void Seal(Span<byte> metaPage)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte b in metaPage.Slice(16, 56)) hash = (hash ^ b) * 0x100000001b3;
        BinaryPrimitives.WriteUInt64LittleEndian(metaPage[72..], hash);
    }

    private void MetaPage(Span<byte> page, int id, ulong root, ulong end, ulong transaction)
    {
        Header(page, id, MetaFlag, 0, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(page[16..], 0xED0CDAED);
        BinaryPrimitives.WriteUInt32LittleEndian(page[20..], 2);
        BinaryPrimitives.WriteUInt32LittleEndian(page[24..], (uint)pageSize);
        BinaryPrimitives.WriteUInt64LittleEndian(page[32..], root);
        BinaryPrimitives.WriteUInt64LittleEndian(page[48..], 2);
        BinaryPrimitives.WriteUInt64LittleEndian(page[56..], end);
        BinaryPrimitives.WriteUInt64LittleEndian(page[64..], transaction);
        Seal(page);
    }

    private static byte[] LeafBytes(int id, (string Key, byte[] Value, bool IsBucket)[] elements, int minimum)
    {
        int data = 16 + (elements.Length * 16);
        int length = data + elements.Sum(element => Encoding.UTF8.GetByteCount(element.Key) + element.Value.Length);
        int pages = minimum == 0 ? 0 : (length + minimum - 1) / minimum;
        byte[] page = new byte[minimum == 0 ? length : pages * minimum];
        Header(page, id, LeafFlag, elements.Length, Math.Max(pages - 1, 0));
        for (int i = 0; i < elements.Length; i++)
        {
            byte[] key = Encoding.UTF8.GetBytes(elements[i].Key);
            Span<byte> element = page.AsSpan(16 + (i * 16));
            BinaryPrimitives.WriteUInt32LittleEndian(element, elements[i].IsBucket ? 1u : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(element[4..], (uint)(data - 16 - (i * 16)));
            BinaryPrimitives.WriteUInt32LittleEndian(element[8..], (uint)key.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(element[12..], (uint)elements[i].Value.Length);
            key.CopyTo(page, data);
            elements[i].Value.CopyTo(page, data + key.Length);
            data += key.Length + elements[i].Value.Length;
        }

        return page;
    }

    private static void Header(Span<byte> page, int id, ushort flags, int count, int overflow)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(page, (ulong)id);
        BinaryPrimitives.WriteUInt16LittleEndian(page[8..], flags);
        BinaryPrimitives.WriteUInt16LittleEndian(page[10..], (ushort)count);
        BinaryPrimitives.WriteUInt32LittleEndian(page[12..], (uint)overflow);
    }
}
