using System.Diagnostics;
using Watari.Introspection.Tests.Build;
using Watari.Introspection.Tests.Walks;

namespace Watari.Introspection.Tests.Hostile;

/// <summary>
/// A guest that writes whatever it likes into its own memory: it may make its own data wrong, but every end is a result or an
/// <see cref="IntrospectionException"/>, soon.
/// </summary>
public sealed class MutatedGuestTests
{
    private static readonly IntrospectionLimits s_limits = IntrospectionLimits.Default with { Entries = 10_000, Symbols = 100_000, TypeBytes = 1 << 20, PageTableEntries = 100_000 };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Whatever_a_guest_writes_into_its_memory_ends_in_a_result_or_a_typed_error(int seed)
    {
        var random = new Random(seed);
        int results = 0, errors = 0;
        for (int run = 0; run < 250; run++)
        {
            using var guest = new SmallGuest();
            guest.Mutate(random);
            long start = Stopwatch.GetTimestamp();
            try
            {
                guest.ReadEverything(s_limits);
                results++;
            }
            catch (IntrospectionException)
            {
                errors++;
            }

            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), $"run {run} of seed {seed} took {Stopwatch.GetElapsedTime(start)}");
        }

        // Both must have been seen, or the mutations tried nothing.
        Assert.True(results > 0 && errors > 0, $"{results} results, {errors} errors");
    }

    private sealed class SmallGuest : IDisposable
    {
        private const ulong ImagePhysical = 0x10_0000;
        private const ulong ObjectsPhysical = 0x30_0000;

        private readonly GuestKernelBuilder _builder = new(4 << 20);
        private readonly GuestVirtualAddress _links;

        public SmallGuest()
        {
            BtfBuilder types = _builder.Types;
            int hlistHead = types.Struct("hlist_head", 8, BtfField.At(0, "first", _builder.VoidPointer));
            int hlistNode = types.Struct("hlist_node", 16, BtfField.At(0, "next", _builder.VoidPointer), BtfField.At(8, "pprev", _builder.VoidPointer));
            int rbRoot = types.Struct("rb_root", 8, BtfField.At(0, "rb_node", _builder.VoidPointer));
            int rbNode = types.Struct("rb_node", 24, BtfField.At(0, "__rb_parent_color", _builder.Ulong), BtfField.At(8, "rb_right", _builder.VoidPointer), BtfField.At(16, "rb_left", _builder.VoidPointer));
            types.Struct("link", 80, BtfField.At(0, "value", _builder.Long), BtfField.At(8, "node", _builder.ListHead), BtfField.At(24, "hash", hlistNode), BtfField.At(40, "branch", rbNode));
            types.Struct("links", 32, BtfField.At(0, "list", _builder.ListHead), BtfField.At(16, "hlist", hlistHead), BtfField.At(24, "tree", rbRoot));
            _links = _builder.Allocate(32);
            GuestVirtualAddress[] links = [_builder.Allocate(80), _builder.Allocate(80), _builder.Allocate(80)];
            _builder.LinkList([_links, .. links.Select(link => link + 8)]);
            _builder.Put(_links + 16, links[0] + 24).Put(links[0] + 24, links[1] + 24);
            _builder.Put(_links + 24, links[1] + 40).Put(links[1] + 40 + 8, links[2] + 40).Put(links[2] + 40, links[1] + 40);
            for (ulong page = 0; page < 16; page++) _builder.Tables.Map(0xffff_c900_0000_0000 + page * 0x1000, 0x30_0000 + page * 0x1000, PageTableBuilder.Present);
            _builder.Boot();
        }

        /// <summary>A few single bits, words that look like pointers or lengths, or a page of noise, where the kernel lies.</summary>
        public void Mutate(Random random)
        {
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                ulong place = random.Next(4) switch
                {
                    0 => 0x1000 + (ulong)random.Next(1024),                        // the note
                    1 => ObjectsPhysical + (ulong)random.Next(512),                // objects
                    2 => _builder.Guest.Memory.End.Value - (ulong)random.Next(8, 5 * GuestPage.Size), // page tables
                    _ => ImagePhysical + GuestPage.Size + (ulong)random.Next(12_000), // symbols, types
                };
                var address = new GuestPhysicalAddress(place & ~7UL);
                _ = random.Next(5) switch
                {
                    0 => _builder.Guest.Put(address, _builder.Guest.Memory.Read<ulong>(address) ^ (1UL << random.Next(64))),
                    1 => _builder.Guest.Put(address, _links.Value + (ulong)random.Next(512)),
                    2 => _builder.Guest.Put(address, (ulong)random.NextInt64()),
                    3 => _builder.Guest.Put(address, uint.MaxValue),
                    _ => PutNoise(address, random),
                };
            }
        }

        public long ReadEverything(IntrospectionLimits limits)
        {
            GuestKernel kernel = _builder.Attach(limits);
            Links links = kernel.At<Links>(_links);
            long sum = 0;
            foreach (Link link in links.List.Entries<Link>(static link => link.Node)) sum += link.Value;
            foreach (Link link in links.Hlist.Entries<Link>(static link => link.Hash)) sum += link.Value;
            foreach (Link link in links.Tree.Entries<Link>(static link => link.Branch)) sum += link.Value;
            foreach (PageRun run in kernel.AddressSpace.Tables.PageRuns(new GuestVirtualRange(new(0xffff_8000_0000_0000), new(ulong.MaxValue)))) sum += run.Count.Value;
            if (kernel.Symbols.TryGetNearest(new GuestVirtualAddress(0xffff_ffff_8010_2000), out _, out ulong offset)) sum += (long)offset;
            return sum;
        }

        public void Dispose() => _builder.Dispose();

        private GuestMemoryBuilder PutNoise(GuestPhysicalAddress address, Random random)
        {
            byte[] noise = new byte[64];
            random.NextBytes(noise);
            return _builder.Guest.Put(new GuestPhysicalAddress(Math.Min(address.Value, _builder.Guest.Memory.End.Value - 64)), noise);
        }
    }
}
