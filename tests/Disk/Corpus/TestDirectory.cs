namespace Watari.Disk.Tests.Corpus;

/// <summary>A directory of the host, gone with the test: also with names in it that .NET cannot write.</summary>
internal sealed class TestDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("watari-disk-").FullName;

    /// <summary>One with a file of each kind; or of some (see fill.py).</summary>
    public static TestDirectory Filled(params string[] kinds)
    {
        var directory = new TestDirectory();
        Tool.Run("python3", [Tool.Script("fill.py"), directory.Path, .. kinds]);
        return directory;
    }

    public void Dispose() => Tool.Run("rm", "-rf", Path);
}
