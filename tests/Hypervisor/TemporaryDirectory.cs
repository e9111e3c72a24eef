namespace Watari.Hypervisor.Tests;

/// <summary>A directory with a path short enough for sockets, gone with the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("watari-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
