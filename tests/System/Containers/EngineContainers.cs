namespace Watari.SystemTests.Containers;

/// <summary>One engine's containers in each state: <c>running</c>, <c>paused</c>, <c>exited</c>, <c>created</c>. A guest that starts from a saved state has them at once.</summary>
public static class EngineContainers
{
    public const int MemoryMiB = 768;

    /// <summary>What makes them in a guest.</summary>
    /// <param name="engine">docker or podman.</param>
    public static string Setup(string engine) => string.Join(
        " && ",
        [
            .. engine == "docker" ? ["watari-docker"] : Array.Empty<string>(),
            $"mkdir -p /srv/data && {engine} run -d --name running --network none --restart on-failure:3 --label b=2 --label a=1 -v /srv/data:/data:ro localhost/busybox sleep 100000",
            $"{engine} run -d --name paused --network none localhost/busybox sh -c 'sleep 100000; true' && {engine} pause paused",
            $"({engine} run --name exited --network none localhost/busybox sh -c 'exit 3' || [ $? = 3 ])",
            $"{engine} volume create vol && {engine} create --name created --network none -v vol:/vol localhost/busybox cat '/a b' \"'\\\"\"",
        ]);
}
