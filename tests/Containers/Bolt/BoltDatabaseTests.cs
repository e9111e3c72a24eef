using System.Buffers.Binary;
using System.Text;
using Watari.Containers.Bolt;

namespace Watari.Containers.Tests.Bolt;

public sealed class BoltDatabaseTests
{
    [Fact]
    public void Buckets_on_pages_of_their_own_and_in_place_are_read()
    {
        byte[] inner = BoltBuilder.BucketAt(0, BoltBuilder.InPlace(("config", "{}"u8.ToArray(), false)));
        byte[] file = new BoltBuilder().Leaf(3, ("ctr", BoltBuilder.BucketAt(4), true), ("plain", [1], false)).Leaf(4, ("a", inner, true), ("b", inner, true)).Build(root: 3);

        BoltBucket containers = BoltDatabase.Open(file).Root.Bucket("ctr"u8)!;

        Assert.Equal(["a", "b"], containers.Select(entry => Encoding.UTF8.GetString(entry.Key.Span)));
        Assert.All(containers, entry => Assert.Equal("{}", Encoding.UTF8.GetString(containers.Bucket(entry).Value("config"u8)!.Value.Span)));
        Assert.Null(containers.Bucket("c"u8));
        Assert.Null(BoltDatabase.Open(file).Root.Bucket("plain"u8));
    }

    [Fact]
    public void A_tree_of_pages_and_a_page_that_flows_over_are_read_in_order()
    {
        byte[] large = new byte[10_000];
        large[^1] = 9;
        byte[] file = new BoltBuilder().Branch(3, 4, 5).Leaf(4, ("a", [1], false)).Leaf(5, ("b", large, false)).Build(root: 3);

        BoltEntry[] entries = [.. BoltDatabase.Open(file).Root];

        Assert.Equal(["a", "b"], entries.Select(entry => Encoding.UTF8.GetString(entry.Key.Span)));
        Assert.Equal(large, entries[1].Value.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_newest_whole_meta_page_counts(int torn)
    {
        byte[] file = new BoltBuilder().Leaf(3, ("a", [1], false)).Build(root: 3);
        Assert.Equal(8u, BoltDatabase.Open(file).TransactionId);
        file[(torn * 4096) + 40] ^= 1;

        Assert.Equal(torn == 1 ? 7u : 8u, BoltDatabase.Open(file).TransactionId);
        Assert.Single(BoltDatabase.Open(file).Root);
    }

    [Fact]
    public void What_is_no_database_is_told()
    {
        byte[] file = new BoltBuilder().Leaf(3).Build(root: 3);
        file[20] = file[4096 + 20] = 0;

        Assert.Throws<BoltException>(() => BoltDatabase.Open(file));
        Assert.Throws<BoltException>(() => BoltDatabase.Open(Array.Empty<byte>()));
        Assert.Throws<BoltException>(() => BoltDatabase.Open(new byte[100_000]));
    }

    [Fact]
    public void A_file_that_is_cut_off_is_told()
    {
        byte[] file = new BoltBuilder().Leaf(3, ("a", new byte[10_000], false)).Build(root: 3);

        Assert.Throws<BoltException>(() => BoltDatabase.Open(file.AsMemory(0, 4 * 4096)).Root.ToArray());
        Assert.Throws<BoltException>(() => BoltDatabase.Open(file.AsMemory(0, 3 * 4096)));
    }

    [Fact]
    public void Pages_that_lead_in_a_circle_end()
    {
        byte[] file = new BoltBuilder().Branch(3, 4, 4).Branch(4, 3, 3).Build(root: 3);

        Assert.Throws<BoltException>(() => BoltDatabase.Open(file).Root.Count());
    }

    /// <summary>Not deep, but wide: each level has the level below many times.</summary>
    [Fact]
    public void Pages_that_are_visited_without_an_end_end()
    {
        ulong[] Times(ulong page) => [.. Enumerable.Repeat(page, 200)];
        var builder = new BoltBuilder();
        for (int id = 3; id < 10; id++) builder.Branch(id, Times((ulong)id + 1));
        byte[] file = builder.Leaf(10, ("a", [1], false)).Build(root: 3);

        Assert.Throws<BoltException>(() => BoltDatabase.Open(file, bytes: 1 << 24).Root.Count());
    }

    [Fact]
    public void Buckets_in_place_that_lie_upon_one_another_end()
    {
        byte[] bucket = BoltBuilder.BucketAt(0, BoltBuilder.InPlace([.. Enumerable.Range(0, 100).Select(i => ($"{i}", new byte[8], false))]));
        byte[] file = new BoltBuilder().Leaf(3, ("a", bucket, true)).Build(root: 3);
        BoltDatabase database = BoltDatabase.Open(file, bytes: 1 << 16);
        BoltEntry entry = database.Root.Single();

        Assert.Throws<BoltException>(() =>
        {
            for (int i = 0; i < 1000; i++) _ = database.Root.Bucket(entry);
        });
    }

    [Theory]
    [InlineData(8, 4)] // another page's kind
    [InlineData(0, 9)] // another page's number
    [InlineData(11, 0xff)] // more elements than there is room for
    [InlineData(14, 0xff)] // flows over past the end
    [InlineData(23, 0xff)] // a key far behind the page
    [InlineData(27, 0xff)] // a key longer than the file
    [InlineData(31, 0x7f)] // a value longer than the file
    public void A_page_that_lies_is_found_out(int offset, byte value)
    {
        byte[] file = new BoltBuilder().Leaf(3, ("key", "value"u8.ToArray(), false)).Build(root: 3);
        file[(3 * 4096) + offset] = value;

        Assert.Throws<BoltException>(() => BoltDatabase.Open(file).Root.ToArray());
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(1ul)]
    [InlineData(100ul)]
    [InlineData(ulong.MaxValue)]
    public void A_bucket_whose_root_is_nowhere_is_found_out(ulong root)
    {
        byte[] file = new BoltBuilder().Leaf(3, ("ctr", BoltBuilder.BucketAt(root), true)).Build(root: 3);

        Assert.Throws<BoltException>(() => BoltDatabase.Open(file).Root.Bucket("ctr"u8));
    }

    /// <summary>Any bytes at all: an answer or a <see cref="BoltException"/>, and soon.</summary>
    [Fact]
    public void Spoilt_files_are_errors_or_databases()
    {
        byte[] inner = BoltBuilder.BucketAt(0, BoltBuilder.InPlace(("config", "{}"u8.ToArray(), false)));
        byte[] whole = new BoltBuilder(512).Branch(3, 4, 5).Leaf(4, ("ctr", BoltBuilder.BucketAt(6), true)).Leaf(5, ("x", [1], false)).Leaf(6, ("a", inner, true)).Build(root: 3);
        var random = new Random(7);
        int read = 0, refused = 0;
        for (int run = 0; run < 20_000; run++)
        {
            byte[] file = [.. whole];
            for (int spoilt = random.Next(1, 4); spoilt > 0; spoilt--)
            {
                int at = random.Next(file.Length / 4) * 4;
                BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), random.Next(3) switch { 0 => random.Next(16), 1 => -1, _ => random.Next() });
            }

            if (random.Next(2) == 0) for (int meta = 0; meta < 2; meta++) BoltBuilder.Seal(file.AsSpan(meta * 512, 512));
            try
            {
                BoltBucket? containers = BoltDatabase.Open(file, bytes: 1 << 20).Root.Bucket("ctr"u8);
                foreach (BoltEntry entry in containers ?? Enumerable.Empty<BoltEntry>())
                    if (entry.IsBucket) _ = containers!.Bucket(entry).Value("config"u8);
                read++;
            }
            catch (BoltException)
            {
                refused++;
            }
        }

        Assert.True(read > 100 && refused > 100, $"{read} read, {refused} refused: the test says nothing");
    }
}
