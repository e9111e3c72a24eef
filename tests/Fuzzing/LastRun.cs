using System.Globalization;
using System.IO.MemoryMappedFiles;

namespace Watari.Fuzzing;

/// <summary>Keeps in a file which run is under way: a read outside of the guest's RAM ends the program, and nothing could tell it then.</summary>
internal sealed class LastRun : IDisposable
{
    private static readonly string s_path = Path.Combine(Path.GetTempPath(), "watari-fuzz.last");

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public LastRun(ulong seed)
    {
        if (File.Exists(s_path) && File.ReadAllBytes(s_path) is { Length: >= 16 } bytes)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"The session before this one did not come to its end: --seed {BitConverter.ToUInt64(bytes)} --run {BitConverter.ToUInt64(bytes, 8)}"));
            File.Delete(s_path);
        }

        _file = MemoryMappedFile.CreateFromFile(s_path, FileMode.Create, null, 16);
        _view = _file.CreateViewAccessor();
        _view.Write(0, seed);
    }

    public void Is(ulong run) => _view.Write(8, run);

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
        File.Delete(s_path);
    }
}
