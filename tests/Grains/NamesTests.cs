using Watari.GrainInterfaces.Model;
using Watari.Grains.Cluster;

namespace Watari.Grains.Tests;

public sealed class NamesTests
{
    private static readonly Listing<VmId> Vms = new([new VmId("a", "web"), new VmId("b", "web"), new VmId("b", "db")], []);
    private static readonly Listing<ContainerDescription> Containers = new([Container("redis", "4f1c9a", "a"), Container("nginx", "4f1cbb", "a"), Container("redis", "99ab01", "b")], []);

    [Theory]
    [InlineData("db", "b/db")]
    [InlineData("b/web", "b/web")]
    public void a_vm_is_named_alone_where_that_is_enough_and_with_its_host_elsewhere(string name, string vm) =>
        Assert.Equal(vm, Names.ResolveVm(name, Vms, ["a", "b"]).ToString());

    [Theory]
    [InlineData("web", FailureKind.Ambiguous, "name one of a/web, b/web")]
    [InlineData("mail", FailureKind.NotFound, "there are: a/web, b/web, b/db")]
    [InlineData("a/db", FailureKind.NotFound, "There is no VM 'a/db'")]
    [InlineData("c/db", FailureKind.NotFound, "There is no host 'c' (there are: a, b)")]
    public void a_vms_name_that_means_nothing_or_several_things_says_what_there_is(string name, FailureKind kind, string says)
    {
        EngineException e = Assert.Throws<EngineException>(() => Names.ResolveVm(name, Vms, ["a", "b"]));
        Assert.Equal(kind, e.Kind);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nginx", "4f1cbb")]
    [InlineData("4f1cb", "4f1cbb")]
    [InlineData("99ab01", "99ab01")]
    public void a_container_is_named_by_its_name_its_id_or_the_beginning_of_its_id(string name, string id) =>
        Assert.Equal(id, Names.ResolveContainer(name, null, Containers).Id);

    [Theory]
    [InlineData("redis", FailureKind.Ambiguous, "4f1c9a in a/web, 99ab01 in b/web")]
    [InlineData("4f1c", FailureKind.Ambiguous, "4f1c9a in a/web, 4f1cbb in a/web")]
    [InlineData("mysql", FailureKind.NotFound, "there are: redis in a/web, nginx in a/web, redis in b/web")]
    [InlineData("", FailureKind.NotFound, "There is no container ''")]
    public void a_containers_name_that_means_nothing_or_several_things_says_what_there_is(string name, FailureKind kind, string says)
    {
        EngineException e = Assert.Throws<EngineException>(() => Names.ResolveContainer(name, null, Containers));
        Assert.Equal(kind, e.Kind);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void a_container_that_does_not_run_is_named_as_those_that_do()
    {
        ContainerDescription ended = Container("old", "77aa", "b") with { Status = ContainerStatus.Exited, InitPid = 0 };
        Assert.Same(ended, Names.ResolveContainer("old", null, new([.. Containers.Items, ended], [])));

        Assert.Equal(FailureKind.Refused, Assert.Throws<EngineException>(() => Names.ResolveRunningContainer("old", null, new([ended], []))).Kind);
        ContainerDescription elsewhere = ended with { Name = "nginx" };
        Assert.Equal("4f1cbb", Names.ResolveRunningContainer("nginx", null, new([.. Containers.Items, elsewhere], [])).Id);
        EngineException both = Assert.Throws<EngineException>(() => Names.ResolveContainer("redis", null, new([.. Containers.Items, ended with { Name = "redis" }], [])));
        Assert.Contains("4f1c9a in a/web, 99ab01 in b/web, 77aa in b/web; say which by its id, or name its VM", both.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void what_could_not_be_looked_into_is_named_when_nothing_is_found()
    {
        EngineException e = Assert.Throws<EngineException>(() => Names.ResolveVm("mail", Vms with { Problems = ["host c: no answer within 5 s"] }, ["a", "b", "c"]));
        Assert.Contains("host c: no answer within 5 s", e.Message, StringComparison.Ordinal);
    }

    private static ContainerDescription Container(string name, string id, string host) =>
        new(id, name, new VmId(host, "web"), ContainerStatus.Running, "runc", "/x", 1, 1, 1, 0, "sh");
}
