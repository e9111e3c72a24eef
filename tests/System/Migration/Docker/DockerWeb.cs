using Watari.Guests;

namespace Watari.SystemTests.Migration.Docker;

/// <summary>The container as one of Docker's, with a second name of a file, a volume that Docker has named, and a limit of its memory.</summary>
internal sealed class DockerWeb(TestHost host) : ManagedWeb(host, "docker")
{
    /// <summary>All that is in its root and does not change: contents, targets, owners, modes and links; what is mounted there left out.</summary>
    private const string Root =
        "(cd $(docker inspect -f '{{.GraphDriver.Data.MergedDir}}' web) && find . \\( -path ./dev -o -path ./proc -o -path ./sys \\) -prune"
        + " -o -printf '%p %M %U:%G %l %n ' -a \\( -type f -exec md5sum {} \\; -o -printf '\\n' \\) | sort)";

    /// <summary>How Docker was told to make it; the name that it gave to a volume is of no matter.</summary>
    private const string Made = "docker inspect -f '{{.Name}} {{.Image}} {{.Config.Image}} {{.Config.Cmd}} {{.Config.Hostname}} {{json .HostConfig.RestartPolicy}} {{json .HostConfig.Tmpfs}} {{.HostConfig.NetworkMode}} {{.HostConfig.Memory}}' web";

    public override Task<string> FilesAsync() => InAsync($"{Root}; {Inside}; cat $inside/books/kept $inside/nameless/kept $inside/dev/shm/kept; {Made}; docker logs web");

    /// <inheritdoc/>
    /// <remarks>Of volumes, how many.</remarks>
    public override Task<string> TracesAsync() => InAsync("docker ps -a --format '{{.Names}} {{.State}}'; docker volume ls -q | wc -l; ls /var/lib/watari/archives /run/watari/jobs /run/watari/runc /usr/local/sbin | grep -v : || true");

    public override Task RemoveAsync() => InAsync("docker rm -f -v web >/dev/null 2>&1; docker volume prune -af >/dev/null; docker volume rm -f books >/dev/null");

    protected override string Options => "-v /nameless -m 100m";

    protected override string More => " ln /data/deep/file /data/twin; echo nameless >/nameless/kept;";
}
