using System.Text.Json;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Protocol;

public sealed class NamesTests
{
    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b")]
    [InlineData("/etc/passwd")]
    [InlineData("-rf")]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("größe")]
    public void A_name_that_could_be_more_than_a_name_is_refused(string name)
    {
        Assert.False(JobId.TryParse(name, out _));
        Assert.False(ImageName.TryParse(name, out _));
        Assert.False(ContainerId.TryParse(name, out _));
        Assert.Throws<FormatException>(() => ImageName.Parse(name));
    }

    [Theory]
    [InlineData("pages-1.img")]
    [InlineData("descriptors.json")]
    [InlineData("tmpfs-dev-73.tar.gz.img")]
    [InlineData("tcp-stream-1f3a.img")]
    public void The_names_that_criu_and_runc_write_are_image_names(string name) =>
        Assert.Equal(name, ImageName.Parse(name).ToString());

    [Theory]
    [InlineData("localhost/redis:latest", true)]
    [InlineData("quay.io/a_b/c-d@sha256:0123", true)]
    [InlineData("--all", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("a b", false)]
    [InlineData("", false)]
    public void A_name_of_an_image_is_no_option_and_no_absolute_path(string name, bool good) => Assert.Equal(good, ImageReference.TryParse(name, out _));

    [Fact]
    public void A_name_is_never_longer_than_its_bound()
    {
        Assert.True(JobId.TryParse(new string('j', 64), out _));
        Assert.False(JobId.TryParse(new string('j', 65), out _));
        Assert.True(ImageName.TryParse(new string('i', 128), out _));
        Assert.False(ImageName.TryParse(new string('i', 129), out _));
    }

    [Fact]
    public void A_bad_name_in_a_message_makes_the_message_unreadable()
    {
        const string json = """{"method":"put-image","name":"../x","length":1,"job":"j","epoch":1,"step":"s","deadlineMilliseconds":1}""";
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, AgentJson.Default.AgentRequest));
    }
}
