namespace Watari.Containers.Tests;

public sealed class ShownTextTests
{
    [Theory]
    [InlineData("web-1", "web-1")]
    [InlineData("Grüße 渡り", "Grüße 渡り")]
    [InlineData("\u001b[31mred\u001b[0m", @"\x1b[31mred\x1b[0m")]
    [InlineData("two\nlines\r\t", @"two\x0alines\x0d\x09")]
    [InlineData("\u009b2J", @"\x9b2J")]
    [InlineData("abc\u202etxt.exe", @"abc\u202etxt.exe")]
    [InlineData("a\\x1b", @"a\\x1b")]
    [InlineData("\U000e0041", @"\U000e0041")]
    public void Nothing_that_is_shown_moves_a_cursor_or_hides(string text, string shown) => Assert.Equal(shown, ShownText.Of(text));

    /// <summary>Half of a pair, which a test's data cannot hold.</summary>
    [Fact]
    public void Text_that_is_no_text_is_marked() => Assert.Equal("a\ufffd", ShownText.Of("a" + '\ud800'));
}
