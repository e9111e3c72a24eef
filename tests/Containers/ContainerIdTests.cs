namespace Watari.Containers.Tests;

public sealed class ContainerIdTests
{
    private const string Full = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData(Full, true, true)]
    [InlineData("redis", true, false)]
    [InlineData("a.b_c-d+e", true, false)]
    [InlineData("...", true, false)]
    [InlineData("", false, false)]
    [InlineData(".", false, false)]
    [InlineData("..", false, false)]
    [InlineData("../../etc", false, false)]
    [InlineData("a/b", false, false)]
    [InlineData("a\0b", false, false)]
    [InlineData("ä", false, false)]
    [InlineData("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", true, false)]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde/", false, false)]
    public void Only_what_cannot_leave_a_directory_is_an_id(string text, bool isId, bool isFull)
    {
        Assert.Equal(isId, ContainerId.TryParse(text, out ContainerId id));
        Assert.Equal(isFull, ContainerId.TryParseFull(text, out ContainerId full));
        Assert.Equal(isId ? text : "", id.ToString());
        Assert.Equal(isFull ? text : "", full.ToString());
    }

    [Fact]
    public void No_id_is_longer_than_a_name()
    {
        Assert.True(ContainerId.TryParse(new string('a', 255), out _));
        Assert.False(ContainerId.TryParse(new string('a', 256), out _));
        Assert.False(ContainerId.TryParse(null, out _));
    }
}
