using Watari.Grains.Faults;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>The points at which a test can hold a migration, in whichever silo leads it: each is a file, and holds for as long as that is there.</summary>
public sealed class HeldPoints : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-held-").FullName;

    /// <summary>What to give silos as WATARI_FAULTS.</summary>
    public string Faults => string.Join(',', FaultPoints.Names.Select(point => $"{point}=hold:{FileOf(point)}"));

    public void Hold(string point) => File.WriteAllText(FileOf(point), "");

    public void Release(string point) => File.Delete(FileOf(point));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string FileOf(string point) => Path.Combine(_folder, point);
}
