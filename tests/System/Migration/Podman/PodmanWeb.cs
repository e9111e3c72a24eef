using Watari.Guests;

namespace Watari.SystemTests.Migration.Podman;

/// <summary>
/// A container of podman's called web, with something of all that must come along: files of its image changed, added and deleted, a named
/// volume, a tmpfs, /dev/shm, a log, and two processes of which one counts.
/// </summary>
internal sealed class PodmanWeb(TestHost host)
{
    private const string Program =
        "echo begun; echo in memory >/dev/shm/kept; echo added >/srv; mkdir /data/deep; echo deeper >/data/deep/file; chmod 750 /data/deep; chown 7:8 /data/deep/file;"
        + " ln -s ../srv /data/link; echo more:x:7:8::/: >>/etc/passwd; rm -f /bin/true; [ -e /books/kept ] || echo kept >/books/kept;"
        + " (while :; do sleep 1; done) & n=0; while :; do n=$((n+1)); echo $n >/scratch/new; mv /scratch/new /scratch/count; echo $n >/books/new; mv /books/new /books/count; sleep 0.1; done";

    /// <summary>Where its files are seen without podman's help, each call of which takes its time in an emulated guest.</summary>
    private const string Inside = "inside=/proc/$(podman inspect -f '{{.State.Pid}}' web)/root";

    /// <summary>All that is in its root and does not change: contents, targets, owners and modes; what podman itself mounts there left out.</summary>
    private const string Root =
        "(cd $(podman mount web) && find . \\( -path ./run -o -path ./dev -o -path ./proc -o -path ./sys -o -path ./etc/hosts -o -path ./etc/hostname -o -path ./etc/resolv.conf \\) -prune"
        + " -o -printf '%p %M %U:%G %l ' -a \\( -type f -exec md5sum {} \\; -o -printf '\\n' \\) | sort); podman unmount web >/dev/null";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    /// <summary>Starts it, and waits until it counts.</summary>
    /// <param name="options">More options of podman run.</param>
    /// <param name="image">Of busybox.</param>
    public Task RunAsync(string options = "", string image = "localhost/busybox") => InAsync(
        $"podman run -d --name web --network none -v books:/books --tmpfs /scratch {options} {image} sh -c '{Program}' && {Inside} && until [ -e $inside/books/count ]; do sleep 0.1; done");

    public Task<string> IdAsync() => InAsync("podman inspect -f '{{.Id}}' web");

    /// <summary>What of it must be the same wherever it runs.</summary>
    public Task<string> FilesAsync() => InAsync($"{Root}; {Inside}; cat $inside/books/kept $inside/dev/shm/kept; podman inspect -f '{{{{.Id}}}} {{{{.Name}}}} {{{{.Image}}}} {{{{.Config.Cmd}}}}' web; podman logs web");

    /// <summary>It counts, in its tmpfs and in its volume.</summary>
    public Task CountsAsync() => InAsync($"{Inside}; for file in $inside/scratch/count $inside/books/count; do n=$(cat $file); until [ $(cat $file) -gt $n ]; do sleep 0.1; done; done");

    /// <summary>How far it has counted.</summary>
    public async Task<int> CountAsync() => int.Parse(await InAsync($"{Inside}; cat $inside/scratch/count"), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>What podman has of it, a line each; and of volumes, all.</summary>
    public Task<string> TracesAsync() => InAsync("podman ps -a --external --format '{{.Names}} {{.State}}'; podman volume ls -q; ls /var/lib/watari/archives /run/watari/jobs | grep -v : || true");

    public Task RemoveAsync() => InAsync("podman rm -f -t 0 web; podman volume rm -f books");

    public Task<string> InAsync(string command) => host.Guest.Console.CheckAsync(command, s_patience, TestContext.Current.CancellationToken);
}
