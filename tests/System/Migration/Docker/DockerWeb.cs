using System.Globalization;
using Watari.Guests;

namespace Watari.SystemTests.Migration.Docker;

/// <summary>
/// A container of Docker's called web, with something of all that must come along: files of its image changed, added and deleted, a directory
/// of the image made anew, a named volume and one that Docker has named, a tmpfs, /dev/shm, a log, and two processes of which one counts.
/// </summary>
internal sealed class DockerWeb(TestHost host)
{
    private const string Program =
        "echo begun; echo in memory >/dev/shm/kept; echo added >/srv; mkdir /data/deep; echo deeper >/data/deep/file; chmod 750 /data/deep; chown 7:8 /data/deep/file;"
        + " ln -s ../srv /data/link; ln /data/deep/file /data/twin; echo more:x:7:8::/: >>/etc/passwd; rm -f /bin/true; [ -e /books/kept ] || echo kept >/books/kept; echo nameless >/nameless/kept;"
        + " (while :; do sleep 1; done) & n=0; while :; do n=$((n+1)); echo $n >/scratch/new; mv /scratch/new /scratch/count; echo $n >/books/new; mv /books/new /books/count; sleep 0.1; done";

    /// <summary>Where its files are seen without Docker's help, each call of which takes its time in an emulated guest.</summary>
    private const string Inside = "inside=/proc/$(docker inspect -f '{{.State.Pid}}' web)/root";

    /// <summary>All that is in its root and does not change: contents, targets, owners, modes and links; what is mounted there left out.</summary>
    private const string Root =
        "(cd $(docker inspect -f '{{.GraphDriver.Data.MergedDir}}' web) && find . \\( -path ./dev -o -path ./proc -o -path ./sys \\) -prune"
        + " -o -printf '%p %M %U:%G %l %n ' -a \\( -type f -exec md5sum {} \\; -o -printf '\\n' \\) | sort)";

    /// <summary>How Docker was told to make it; the name that it gave to a volume is of no matter.</summary>
    private const string Made = "docker inspect -f '{{.Name}} {{.Image}} {{.Config.Image}} {{.Config.Cmd}} {{.Config.Hostname}} {{json .HostConfig.RestartPolicy}} {{json .HostConfig.Tmpfs}} {{.HostConfig.NetworkMode}} {{.HostConfig.Memory}}' web";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    /// <summary>Starts it, and waits until it counts.</summary>
    /// <param name="options">More options of docker run.</param>
    /// <param name="image">Of busybox.</param>
    public Task RunAsync(string options = "", string image = "localhost/busybox") => InAsync(
        $"docker run -d --name web --network none -v books:/books -v /nameless --tmpfs /scratch -m 100m {options} {image} sh -c '{Program}' && {Inside} && until [ -e $inside/books/count ]; do sleep 0.1; done");

    /// <summary>What of it must be the same wherever it runs.</summary>
    public Task<string> FilesAsync() => InAsync($"{Root}; {Inside}; cat $inside/books/kept $inside/nameless/kept $inside/dev/shm/kept; {Made}; docker logs web");

    public Task<string> IdAsync() => InAsync("docker inspect -f '{{.Id}}' web");

    /// <summary>It counts, in its tmpfs and in its volume.</summary>
    public Task CountsAsync() => InAsync($"{Inside}; for file in $inside/scratch/count $inside/books/count; do n=$(cat $file); until [ $(cat $file) -gt $n ]; do sleep 0.1; done; done");

    /// <summary>How far it has counted.</summary>
    public async Task<int> CountAsync() => int.Parse(await InAsync($"{Inside}; cat $inside/scratch/count"), CultureInfo.InvariantCulture);

    /// <summary>What is there of it, a line each: containers, how many volumes, what the agent has put anywhere.</summary>
    public Task<string> TracesAsync() => InAsync("docker ps -a --format '{{.Names}} {{.State}}'; docker volume ls -q | wc -l; ls /var/lib/watari/archives /run/watari/jobs /run/watari/runc /usr/local/sbin | grep -v : || true");

    public Task RemoveAsync() => InAsync("docker rm -f -v web >/dev/null 2>&1; docker volume prune -af >/dev/null; docker volume rm -f books >/dev/null");

    public Task<string> InAsync(string command) => host.Guest.Console.CheckAsync(command, s_patience, TestContext.Current.CancellationToken);
}
