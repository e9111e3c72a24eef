using Watari.Containers.Listing;

namespace Watari.Containers.Tests.Listing;

public sealed class DockerPortsTests
{
    public static TheoryData<ContainerPort[], string> Cases => new()
    {
        { [], "" },
        { [Exposed(9988)], "9988/tcp" },
        { [Exposed(9988), Exposed(9988, "udp")], "9988/tcp, 9988/udp" },
        { [new("1.2.3.4", 8899, 9988, "tcp")], "1.2.3.4:8899->9988/tcp" },
        { [new("4.3.2.1", 9988, 9988, "tcp")], "4.3.2.1:9988->9988/tcp" },
        { [Exposed(9988), Exposed(9989)], "9988-9989/tcp" },
        { [new("1.2.3.4", 9998, 9998, "tcp"), new("1.2.3.4", 9999, 9999, "tcp")], "1.2.3.4:9998-9999->9998-9999/tcp" },
        { [Exposed(80), Exposed(82)], "80/tcp, 82/tcp" },
        { [new("::", 80, 80, "tcp"), new("0.0.0.0", 80, 80, "tcp")], "0.0.0.0:80->80/tcp, [::]:80->80/tcp" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void As_docker_ps_has_them(ContainerPort[] ports, string text) => Assert.Equal(text, DockerPorts.Text(ports));

    private static ContainerPort Exposed(ushort port, string protocol = "tcp") => new(null, 0, port, protocol);
}
