using Watari.GrainInterfaces.Model;
using Watari.Grains.Cluster;
using Watari.Grains.Engine;

namespace Watari.Grains.Tests;

public sealed class MergedListingTests
{
    [Fact]
    public void what_there_is_room_for_is_whole()
    {
        Listing<string> merged = Merge(100, ("a", ["one", "two"]), ("b", ["three"]));

        Assert.Equal(["one", "two", "three"], merged.Items);
        Assert.Equal(["a: told", "b: told"], merged.Problems);
    }

    [Fact]
    public void a_vm_that_has_too_much_takes_no_other_ones_place_and_what_is_not_shown_is_told()
    {
        Listing<string> merged = Merge(100, ("a", [.. Enumerable.Repeat("a text of ten characters", 40)]), ("b", ["three"]));

        Assert.Contains("three", merged.Items);
        Assert.True(merged.Items.Sum(item => item.Length) <= 100);
        Assert.Contains("h/a: of 25 things not all is shown: there are too many for one answer; ask for this VM alone", merged.Problems);
        Assert.Contains("h/a: 14 things are not shown: there are too many for one answer; ask for this VM alone", merged.Problems);
        Assert.DoesNotContain(merged.Problems, problem => problem.StartsWith("h/b", StringComparison.Ordinal));
    }

    [Fact]
    public void what_identifies_a_container_is_kept_of_it()
    {
        var container = new ContainerDescription(
            "4f1c", new string('n', 1000), new VmId("h", "a"), ContainerStatus.Running, "docker", "/cgroup", 7, 1, 1, 1, new string('c', 1000), DockerRow: new string('r', 1000));

        ContainerDescription shortened = container.Shortened();

        Assert.True(container.Characters() > 3000 && shortened.Characters() < 400);
        Assert.Equal(("4f1c", 129, ContainerStatus.Running, 7), (shortened.Id, shortened.Name.Length, shortened.Status, shortened.InitPid));
        Assert.Equal("a\ud83d\ude00…", MessageSize.Cut("a\ud83d\ude00bc", 3));
        Assert.Equal("a…", MessageSize.Cut("a\ud83d\ude00bc", 2));
    }

    private static Listing<string> Merge(long most, params (string Vm, string[] Items)[] answers) => MergedListing.Of(
        [.. answers.Select(answer => (new VmId("h", answer.Vm), new Listing<string>([.. answer.Items], [$"{answer.Vm}: told"])))], "things", item => item.Length, _ => "-", most);
}
