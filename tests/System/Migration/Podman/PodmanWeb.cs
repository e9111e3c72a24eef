using Watari.Guests;

namespace Watari.SystemTests.Migration.Podman;

/// <summary>The container as one of podman's.</summary>
internal sealed class PodmanWeb(TestHost host) : ManagedWeb(host, "podman")
{
    /// <summary>All that is in its root and does not change: contents, targets, owners and modes; what podman itself mounts there left out.</summary>
    private const string Root =
        "(cd $(podman mount web) && find . \\( -path ./run -o -path ./dev -o -path ./proc -o -path ./sys -o -path ./etc/hosts -o -path ./etc/hostname -o -path ./etc/resolv.conf \\) -prune"
        + " -o -printf '%p %M %U:%G %l ' -a \\( -type f -exec md5sum {} \\; -o -printf '\\n' \\) | sort); podman unmount web >/dev/null";

    public override Task<string> FilesAsync() => InAsync($"{Root}; {Inside}; cat $inside/books/kept $inside/dev/shm/kept; podman inspect -f '{{{{.Id}}}} {{{{.Name}}}} {{{{.Image}}}} {{{{.Config.Cmd}}}}' web; podman logs web");

    /// <inheritdoc/>
    /// <remarks>Of volumes, all.</remarks>
    public override Task<string> TracesAsync() => InAsync("podman ps -a --external --format '{{.Names}} {{.State}}'; podman volume ls -q; ls /var/lib/watari/archives /run/watari/jobs | grep -v : || true");

    public override Task RemoveAsync() => InAsync("podman rm -f -t 0 web; podman volume rm -f books");
}
