using System.Diagnostics;

namespace Watari.Disk.Tests.Hostile;

/// <summary>Whatever stands on a disk, each look at it ends in what it sees or in a <see cref="DiskException"/>, soon.</summary>
public sealed class SpoiltVolumeTests
{
    public static TheoryData<string> Formats => [.. LittleVolume.Formats];

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_disk_that_is_spoilt_where_it_is_read_ends_in_a_result_or_a_typed_error(string format)
    {
        var volume = new LittleVolume(format);
        var random = new Random(47);
        int results = 0, errors = 0;
        for (int run = 0; run < 1000; run++)
        {
            volume.Image.Spoil(random.Next);
            long began = Stopwatch.GetTimestamp();
            try
            {
                volume.ReadEverything(LittleVolume.TightLimits);
                results++;
            }
            catch (DiskException)
            {
                errors++;
            }

            TimeSpan took = Stopwatch.GetElapsedTime(began);
            Assert.True(took < TimeSpan.FromSeconds(5), $"run {run} took {took}: {string.Join("; ", volume.Image.Done)}");
            volume.Image.Restore();
        }

        // Both must have been seen, or the changes tried nothing.
        Assert.True(results > 0 && errors > 0, $"{results} results, {errors} errors");
    }
}
