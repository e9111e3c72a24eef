using System.Buffers.Binary;
using System.Collections;

namespace Watari.Containers.Bolt;

/// <summary>Keys with their values, some of which are buckets again. What is enumerated is by rising key, where the file is honest.</summary>
public sealed class BoltBucket : IEnumerable<BoltEntry>
{
    private const int HeaderSize = 16; // its root page and a sequence number
    private const int MaxHeight = 64;

    private readonly BoltDatabase _database;
    private readonly BoltPage _root;

    internal BoltBucket(BoltDatabase database, BoltPage root)
    {
        _database = database;
        _root = root;
    }

    /// <summary>The value of a key, or null.</summary>
    /// <exception cref="BoltException">A page on the way is damaged.</exception>
    public ReadOnlyMemory<byte>? Value(ReadOnlySpan<byte> key) => Find(key, isBucket: false)?.Value;

    /// <summary>The bucket of a name in this one, or null.</summary>
    /// <exception cref="BoltException">A page on the way is damaged.</exception>
    public BoltBucket? Bucket(ReadOnlySpan<byte> key) => Find(key, isBucket: true) is { } entry ? Bucket(entry) : null;

    /// <summary>The bucket that an entry of this one is.</summary>
    /// <exception cref="BoltException">It is none, or its root is damaged.</exception>
    public BoltBucket Bucket(BoltEntry entry)
    {
        if (!entry.IsBucket || entry.Value.Length < HeaderSize) throw new BoltException("A value is taken for a bucket.");
        ulong root = BinaryPrimitives.ReadUInt64LittleEndian(entry.Value.Span);
        if (root != 0) return new BoltBucket(_database, _database.Page(root));
        // A small one lies in its value.
        if (entry.Value.Length < HeaderSize + BoltPage.HeaderSize) throw new BoltException("A bucket in place is cut off.");
        _database.Take(entry.Value.Length);
        return new BoltBucket(_database, new BoltPage(entry.Value[HeaderSize..]));
    }

    /// <exception cref="BoltException">A page is damaged, or the walk does not end.</exception>
    public IEnumerator<BoltEntry> GetEnumerator()
    {
        var way = new Stack<(BoltPage Page, int Next)>();
        way.Push((_root, 0));
        while (way.TryPop(out (BoltPage Page, int Next) at))
        {
            (BoltPage page, int next) = at;
            if ((page.Flags & BoltPageFlags.Leaf) != 0)
            {
                for (int i = 0; i < page.Count; i++) yield return page.Entry(i);
            }
            else if ((page.Flags & BoltPageFlags.Branch) == 0)
            {
                throw new BoltException($"Page {page.Id} is taken for one of a bucket, and is none.");
            }
            else if (next < page.Count)
            {
                way.Push((page, next + 1));
                way.Push((_database.Page(page.Child(next)), 0));
                if (way.Count > MaxHeight) throw new BoltException("Its pages lead deeper than any tree of them does.");
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private BoltEntry? Find(ReadOnlySpan<byte> key, bool isBucket)
    {
        foreach (BoltEntry entry in this)
        {
            if (entry.IsBucket == isBucket && entry.Key.Span.SequenceEqual(key)) return entry;
        }

        return null;
    }
}
