using System.Diagnostics;
using Watari.Introspection.Tests.Build;

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
        for (int run = 0; run < 1000; run++)
        {
            using var guest = new SmallGuest();
            Mutate(guest, random);
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

            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(2), $"run {run} of seed {seed} took {Stopwatch.GetElapsedTime(start)}");
        }

        // Both must have been seen, or the mutations tried nothing.
        Assert.True(results > 0 && errors > 0, $"{results} results, {errors} errors");
    }

    /// <summary>A few single bits, words that look like pointers or lengths, or noise, where the kernel lies.</summary>
    private static void Mutate(SmallGuest guest, Random random)
    {
        GuestMemoryBuilder memory = guest.Builder.Guest;
        for (int change = random.Next(1, 6); change > 0; change--)
        {
            (GuestPhysicalAddress start, ulong length) = guest.Regions[random.Next(guest.Regions.Count)];
            var address = new GuestPhysicalAddress((start.Value + (ulong)random.NextInt64((long)length)) & ~7UL);
            _ = random.Next(5) switch
            {
                0 => memory.Put(address, memory.Memory.Read<ulong>(address) ^ (1UL << random.Next(64))),
                1 => memory.Put(address, guest.Links.Value + (ulong)random.Next(512)),
                2 => memory.Put(address, (ulong)random.NextInt64()),
                3 => memory.Put(address, uint.MaxValue),
                _ => PutNoise(memory, address, random),
            };
        }
    }

    private static GuestMemoryBuilder PutNoise(GuestMemoryBuilder memory, GuestPhysicalAddress address, Random random)
    {
        byte[] noise = new byte[64];
        random.NextBytes(noise);
        return memory.Put(new GuestPhysicalAddress(Math.Min(address.Value, memory.Memory.End.Value - 64)), noise);
    }
}
