using System.Text.Json.Nodes;
using Watari.Containers.Dumps;

namespace Watari.Containers.Tests.Dumps;

public sealed class DockerCreationTests
{
    private const string Id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Nameless = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    private const string Image = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
    private const string Folder = $"/var/lib/docker/containers/{Id}";

    [Fact]
    public void All_that_docker_was_told_is_told_again_known_here_or_not()
    {
        JsonObject body = Body("""{"Config":{"Hostname":"web","Image":"web:1","Env":["A=1"],"Unknown":{"x":[1]}}}""", """{"NetworkMode":"none","Memory":5,"Unknown":7,"VolumesFrom":["other"],"ContainerIDFile":"/id"}""");

        Assert.Equal("web", (string?)body["Hostname"]);
        Assert.Equal("""["A=1"]""", body["Env"]!.ToJsonString());
        Assert.Equal("""{"x":[1]}""", body["Unknown"]!.ToJsonString());
        Assert.Equal("""{"NetworkMode":"none","Memory":5,"Unknown":7,"VolumesFrom":null,"ContainerIDFile":""}""", body["HostConfig"]!.ToJsonString());
    }

    [Fact]
    public void An_image_that_has_lost_its_name_is_told_by_its_id() =>
        Assert.Equal(Image, (string?)Body($$"""{"Image":"{{Image}}","Config":{"Image":"gone:1"} }""", "{}")["Image"]);

    [Fact]
    public void Volumes_that_docker_has_named_are_told_by_their_names()
    {
        string mount(string name, string place, bool rw = true) => $$"""{"Type":"volume","Name":"{{name}}","Source":"","Destination":"{{place}}","Driver":"local","RW":{{(rw ? "true" : "false")}} }""";
        string config = $$"""{"Config":{},"MountPoints":{"/books":{{mount("books", "/books")}},"/nameless":{{mount(Nameless, "/nameless", rw: false)}},"/asked":{{mount(Nameless, "/asked")}},"/own":{"Type":"bind","Source":"/srv/own","Destination":"/own","RW":true} } }""";

        FileTree files = Files(config, """{"Binds":["books:/books","/srv/own:/own"],"Mounts":[{"Type":"volume","Target":"/asked"}]}""");
        var creation = DockerCreation.Read(Inventory.Of(files).Containers.Single().Record!, files);
        JsonNode host = JsonNode.Parse(creation.Body.Span)!["HostConfig"]!;

        Assert.Equal(["books:/books", "/srv/own:/own", $"{Nameless}:/nameless:ro"], host["Binds"]!.AsArray().Select(bind => (string)bind!));
        Assert.Equal(Nameless, (string?)host["Mounts"]![0]!["Source"]);
        Assert.Equal(["/srv/own"], creation.Binds);
    }

    [Theory]
    [InlineData("""{"Managed":true,"Config":{}}""", "{}", "swarm")]
    [InlineData("""{"Config":{}}""", """{"NetworkMode":"container:other"}""", "network namespace of another container")]
    [InlineData("""{"Config":{}}""", """{"PidMode":"container:other"}""", "process namespace of another container")]
    [InlineData("""{"Config":{}}""", """{"IpcMode":"shareable"}""", "--ipc private")]
    [InlineData("""{"Config":{}}""", """{"Links":["a:b"]}""", "links")]
    [InlineData("""{"Config":{}}""", """{"Runtime":"kata"}""", "'kata'")]
    [InlineData("""{"Config":{},"MountPoints":{"/v":{"Type":"volume","Name":"v","Destination":"/v","Driver":"nfs"}}}""", "{}", "driver 'nfs'")]
    [InlineData("""{"Config":7}""", "{}", "no configuration")]
    [InlineData("""{"Config":{}}""", """{"NetworkMode":7}""", "not Docker's")]
    [InlineData("""{"Config":{}}""", """{"Binds":[7]}""", "not Docker's")]
    public void What_cannot_be_made_again_is_told(string config, string host, string says)
    {
        FileTree files = Files(config, host);
        ContainerRecord record = Inventory.Of(files).Containers.Single().Record!;

        Assert.Contains(says, Assert.Throws<ContainerStoreException>(() => DockerCreation.Read(record, files)).Message, StringComparison.Ordinal);
    }

    private static JsonObject Body(string config, string host)
    {
        FileTree files = Files(config, host);
        return JsonNode.Parse(DockerCreation.Read(Inventory.Of(files).Containers.Single().Record!, files).Body.Span)!.AsObject();
    }

    private static FileTree Files(string config, string host) => new() { [$"{Folder}/config.v2.json"] = config, [$"{Folder}/hostconfig.json"] = host };
}
