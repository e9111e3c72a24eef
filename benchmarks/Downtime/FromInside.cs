using System.Globalization;
using Watari.Guests;

namespace Watari.Benchmarks.Downtime;

/// <summary>
/// A checkpoint and a restore by programs in the guest, each from its command's start to its end, in milliseconds of the guest's
/// clock. Both keep their images on the guest's disk, as podman does by itself.
/// </summary>
internal sealed record FromInside(double Checkpoint, double Restore)
{
    private const string PodmanId = "podman-redis";
    private const string RuncId = "runc-redis";
    private const string Images = "/var/lib/watari/runc-redis-images";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <summary>Three redises of the same data: one to be migrated, one of podman's, one of runc's.</summary>
    public static string Setup(int megabytes) =>
        $"""
         watari-run redis && watari-fill-redis redis {megabytes} &&
         watari-run redis {RuncId} && watari-fill-redis {RuncId} {megabytes} &&
         podman --runtime runc run -d --name {PodmanId} --network none localhost/redis &&
         until podman exec {PodmanId} /usr/bin/redis-cli -s /run/redis.sock ping; do :; done &&
         watari-fill-redis {PodmanId} {megabytes}
         """;

    public static Task<FromInside> PodmanAsync(TestHost host, CancellationToken cancellation) => RunAsync(
        host,
        $"podman --runtime runc container checkpoint {PodmanId}",
        $"podman --runtime runc container restore {PodmanId}",
        $"podman exec {PodmanId} /usr/bin/redis-cli -s /run/redis.sock ping",
        cancellation);

    public static Task<FromInside> RuncAsync(TestHost host, CancellationToken cancellation) => RunAsync(
        host,
        $"runc checkpoint --image-path {Images} --work-path /tmp {RuncId}",
        $"runc restore -d --image-path {Images} --work-path /tmp --bundle /var/lib/watari/bundles/{RuncId} {RuncId}",
        $"rm -r {Images} && runc exec {RuncId} /usr/bin/redis-cli -s /run/redis.sock ping",
        cancellation);

    private static async Task<FromInside> RunAsync(TestHost host, string checkpoint, string restore, string check, CancellationToken cancellation)
    {
        string said = await host.Guest.Console.CheckAsync(
            $"a=$(date +%s%N); {checkpoint} >/tmp/said 2>&1 || {{ cat /tmp/said; exit 1; }}; b=$(date +%s%N); {restore} >/tmp/said 2>&1 </dev/null || {{ cat /tmp/said; exit 1; }}; "
            + $"c=$(date +%s%N); [ \"$({check})\" = PONG ] && echo $((b-a)) $((c-b))",
            s_patience,
            cancellation);
        double[] milliseconds = [.. said.Split(' ').Select(nanoseconds => long.Parse(nanoseconds, CultureInfo.InvariantCulture) / 1e6)];
        return new FromInside(milliseconds[0], milliseconds[1]);
    }
}
