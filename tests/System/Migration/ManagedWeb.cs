using System.Globalization;
using Watari.Guests;

namespace Watari.SystemTests.Migration;

/// <summary>
/// A container of an engine's called web, with something of all that must come along: files of its image changed, added and deleted, a named
/// volume, a tmpfs, /dev/shm, a log, and two processes of which one counts.
/// </summary>
/// <param name="host">Where it runs, if it does.</param>
/// <param name="engine">docker or podman.</param>
public abstract class ManagedWeb(TestHost host, string engine)
{
    private const string Begin =
        "echo begun; echo in memory >/dev/shm/kept; echo added >/srv; mkdir /data/deep; echo deeper >/data/deep/file; chmod 750 /data/deep; chown 7:8 /data/deep/file;"
        + " ln -s ../srv /data/link; echo more:x:7:8::/: >>/etc/passwd; rm -f /bin/true; [ -e /books/kept ] || echo kept >/books/kept;";

    private const string Count =
        " (while :; do sleep 1; done) & n=0; while :; do n=$((n+1)); echo $n >/scratch/new; mv /scratch/new /scratch/count; echo $n >/books/new; mv /books/new /books/count; sleep 0.1; done";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    /// <summary>Starts it, and waits until it counts.</summary>
    /// <param name="options">More options of the engine's run.</param>
    /// <param name="image">Of busybox.</param>
    public Task RunAsync(string options = "", string image = "localhost/busybox") => InAsync(
        $"{engine} run -d --name web --network none -v books:/books --tmpfs /scratch {Options} {options} {image} sh -c '{Begin}{More}{Count}' && {Inside} && until [ -e $inside/books/count ]; do sleep 0.1; done");

    public Task<string> IdAsync() => InAsync($"{engine} inspect -f '{{{{.Id}}}}' web");

    /// <summary>It counts, in its tmpfs and in its volume.</summary>
    public Task CountsAsync() => InAsync($"{Inside}; for file in $inside/scratch/count $inside/books/count; do n=$(cat $file); until [ $(cat $file) -gt $n ]; do sleep 0.1; done; done");

    /// <summary>How far it has counted.</summary>
    public async Task<int> CountAsync() => int.Parse(await InAsync($"{Inside}; cat $inside/scratch/count"), CultureInfo.InvariantCulture);

    /// <summary>What of it must be the same wherever it runs.</summary>
    public abstract Task<string> FilesAsync();

    /// <summary>What the engine and the agent have of it, a line each.</summary>
    public abstract Task<string> TracesAsync();

    public abstract Task RemoveAsync();

    public Task<string> InAsync(string command) => host.Guest.Console.CheckAsync(command, s_patience, TestContext.Current.CancellationToken);

    /// <summary>Where its files are seen without the engine's help, each call of which takes its time in an emulated guest.</summary>
    protected string Inside => $"inside=/proc/$({engine} inspect -f '{{{{.State.Pid}}}}' web)/root";

    /// <summary>More options of the engine's run, always.</summary>
    protected virtual string Options => "";

    /// <summary>More that its program does before it counts.</summary>
    protected virtual string More => "";
}
