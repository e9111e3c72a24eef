using Watari.Containers.Listing;

namespace Watari.Containers.Tests.Listing;

public sealed class HumanDurationTests
{
    // As docker/go-units has them.
    [Theory]
    [InlineData(-5, "Less than a second")]
    [InlineData(0.45, "Less than a second")]
    [InlineData(1, "1 second")]
    [InlineData(45, "45 seconds")]
    [InlineData(60, "About a minute")]
    [InlineData(119, "About a minute")]
    [InlineData(120, "2 minutes")]
    [InlineData(3 * 60, "3 minutes")]
    [InlineData((35 * 60) + 40, "35 minutes")]
    [InlineData(60 * 60, "About an hour")]
    [InlineData((60 * 60) + (45 * 60), "2 hours")]
    [InlineData(3 * 3600, "3 hours")]
    [InlineData((47 * 3600) + (29 * 60), "47 hours")]
    [InlineData(48 * 3600, "2 days")]
    [InlineData(13.6 * 86400, "13 days")]
    [InlineData(15 * 86400, "2 weeks")]
    [InlineData(59 * 86400, "8 weeks")]
    [InlineData(61 * 86400, "2 months")]
    [InlineData(365.0 * 86400, "12 months")]
    [InlineData(729.0 * 86400, "24 months")]
    [InlineData(730.0 * 86400, "2 years")]
    [InlineData(1200.0 * 86400, "3 years")]
    public void Of_a_length_of_time(double seconds, string words) => Assert.Equal(words, HumanDuration.Of(TimeSpan.FromSeconds(seconds)));
}
