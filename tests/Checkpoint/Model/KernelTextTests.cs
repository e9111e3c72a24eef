namespace Watari.Checkpoint.Tests.Model;

public sealed class KernelTextTests
{
    [Fact]
    public void Any_name_comes_back_as_it_was()
    {
        var random = new Random(7);
        for (int round = 0; round < 1000; round++)
        {
            byte[] name = new byte[random.Next(40)];
            random.NextBytes(name);
            Assert.Equal(name, KernelText.Encode(KernelText.Decode(name)));
        }
    }

    [Theory]
    [InlineData("/var/lib/渡り")]
    [InlineData("a\U0001F426b")]
    [InlineData("")]
    public void A_name_that_is_text_is_read_as_that_text(string text) =>
        Assert.Equal(text, KernelText.Decode(System.Text.Encoding.UTF8.GetBytes(text)));
}
