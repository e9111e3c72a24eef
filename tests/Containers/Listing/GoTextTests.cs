using Watari.Containers.Listing;

namespace Watari.Containers.Tests.Listing;

public sealed class GoTextTests
{
    [Theory]
    [InlineData("sleep 1000", "\"sleep 1000\"")]
    [InlineData("sh -c 'echo \"a\\b\"'", @"""sh -c 'echo \""a\\b\""'""")]
    [InlineData("a\tb\u001b\u007f\n", @"""a\tb\x1b\x7f\n""")]
    [InlineData("é\u00a0\u202e", @"""é\u00a0\u202e""")]
    public void Quoted_as_by_strconv(string text, string quoted) => Assert.Equal(quoted, GoText.Quote(text));

    [Fact]
    public void A_time_that_never_was_is_the_first_of_all()
    {
        Assert.Equal("0001-01-01 00:00:00 +0000 UTC", GoText.Time(null));
        Assert.Equal(-62135596800, GoText.Unix(null));
    }
}
