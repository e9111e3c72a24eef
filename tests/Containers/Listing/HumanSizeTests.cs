using Watari.Containers.Listing;

namespace Watari.Containers.Tests.Listing;

public sealed class HumanSizeTests
{
    [Theory]
    [InlineData(0, "0B")]
    [InlineData(1, "1B")]
    [InlineData(999, "999B")]
    [InlineData(1000, "1kB")]
    [InlineData(1024, "1.02kB")]
    [InlineData(2_024_544, "2.02MB")]
    [InlineData(12_300_000, "12.3MB")]
    [InlineData(999_950, "1e+03kB")]
    [InlineData(5_000_000_000, "5GB")]
    [InlineData(long.MaxValue, "9.22EB")]
    public void Of_a_number_of_bytes(long bytes, string text) => Assert.Equal(text, HumanSize.Of(bytes));
}
