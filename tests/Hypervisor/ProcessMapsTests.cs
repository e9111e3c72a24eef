namespace Watari.Hypervisor.Tests;

public sealed class ProcessMapsTests
{
    private const string Ram = "7f0000000000-7f0000200000 rw-s 00000000 00:01 70                         /memfd:ram (deleted)\n";

    [Theory]
    [InlineData("7f0000200000-7f0000400000 rw-s 00200000 00:01 70                         /memfd:ram (deleted)", true)]
    [InlineData("7f0000200000-7f0000400000 rw-s 00000000 00:01 70                         /memfd:ram (deleted)", false)] // its beginning once more
    [InlineData("7f0000200000-7f0000400000 rw-s 00200000 00:01 71                         /memfd:ram (deleted)", false)] // another file of that name
    [InlineData("7f0000200000-7f0000400000 rw-s 00200000 00:05 70                         /dev/zero (deleted)", false)]
    public void A_mapping_continues_one_that_shows_the_same_file_at_the_same_distance(string next, bool continues)
    {
        ProcessMapping[] mappings = [.. ProcessMaps.Read(Ram + next + "\n")];

        Assert.Equal(2, mappings.Length);
        Assert.Equal(continues, mappings[1].Continues(mappings[0]));
    }
}
