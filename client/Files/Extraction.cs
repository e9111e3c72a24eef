using System.Formats.Tar;

namespace Watari.Client.Files;

/// <summary>
/// Writes an archive of a guest into a directory of this machine. A guest may have named its files to do harm: nothing is written but in
/// directories that were made or looked at here, no link is followed, and set-user-id bits, owners and devices are left behind.
/// </summary>
/// <param name="place">What the archive's first file becomes.</param>
/// <param name="problem">Is told what was left out, and why.</param>
internal sealed class Extraction(string place, Action<string> problem)
{
    private const UnixFileMode Permissions = (UnixFileMode)0x1ff; // rwxrwxrwx

    private readonly HashSet<string> _directories = new(StringComparer.Ordinal);
    private readonly HashSet<string> _written = new(StringComparer.Ordinal);
    private readonly HashSet<string> _files = new(StringComparer.Ordinal);
    private readonly List<(string Path, UnixFileMode Mode, DateTimeOffset Time)> _made = [];

    /// <exception cref="IOException">This machine cannot take it.</exception>
    /// <exception cref="InvalidDataException">It is no archive.</exception>
    public async Task WriteAsync(Stream archive, CancellationToken cancellationToken)
    {
        await using var reader = new TarReader(archive);
        while (await reader.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            if (!TryPlace(entry.Name, out string path)) problem($"{entry.Name} is left out: its directory is not in the copy, or its name leads out of it");
            else if (!_written.Add(path)) LeaveOut(entry, path);
            else await WriteAsync(entry, path, cancellationToken);
        }

        // Last: a directory that may not be written into had to be, and its time changed by that.
        for (int i = _made.Count - 1; i >= 0; i--)
        {
            File.SetUnixFileMode(_made[i].Path, _made[i].Mode);
            Directory.SetLastWriteTimeUtc(_made[i].Path, _made[i].Time.UtcDateTime);
        }
    }

    private async Task WriteAsync(TarEntry entry, string path, CancellationToken cancellationToken)
    {
        switch (entry.EntryType)
        {
            case TarEntryType.Directory:
                MakeDirectory(entry, path);
                break;
            case TarEntryType.RegularFile:
                Clear(path);
                await using (var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
                {
                    if (entry.DataStream is { } data) await data.CopyToAsync(file, cancellationToken);
                }

                File.SetLastWriteTimeUtc(path, entry.ModificationTime.UtcDateTime);
                File.SetUnixFileMode(path, entry.Mode & Permissions);
                _files.Add(path);
                break;
            case TarEntryType.SymbolicLink:
                Clear(path);
                File.CreateSymbolicLink(path, entry.LinkName);
                break;
            case TarEntryType.HardLink:
                if (!TryPlace(entry.LinkName, out string first) || !_files.Contains(first))
                {
                    problem($"{entry.Name} is left out: it is a second name of a file that is not in the copy");
                    break;
                }

                Clear(path);
                File.Copy(first, path);
                _files.Add(path);
                break;
            default:
                problem($"{entry.Name} is left out: it is a device or FIFO");
                break;
        }
    }

    private void MakeDirectory(TarEntry entry, string path)
    {
        // What the person has named is theirs, also where it is a link to a directory; below it, links are not gone through.
        if (path == place && File.Exists(path)) throw new IOException($"{path} is a file, and what is copied is a directory.");
        if (path != place) Clear(path);
        if (!Directory.Exists(path)) Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (entry.Mode & Permissions) | UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _directories.Add(path);
        _made.Add((path, entry.Mode & Permissions, entry.ModificationTime));
    }

    /// <summary>Where an entry comes to lie: the first name is that of the copy. False where its directory is none that was written here.</summary>
    private bool TryPlace(string name, out string path)
    {
        string[] names = name.TrimEnd('/').Split('/');
        path = place;
        if (names[0].Length == 0 || names.Skip(1).Any(part => part is "" or "." or ".." || part.Contains('\0', StringComparison.Ordinal)) || names[0] == "..") return false;
        if (names.Length == 1) return true;
        path = Path.Combine([place, .. names.Skip(1)]);
        return _directories.Contains(Path.GetDirectoryName(path)!);
    }

    /// <summary>Names that are no text may read alike here. What is in the second directory, or is a second name of the second file, comes after it: it is left out, too.</summary>
    private void LeaveOut(TarEntry entry, string path)
    {
        problem($"{entry.Name} is left out: another file has this name in the copy");
        _files.RemoveWhere(IsThere);
        _directories.RemoveWhere(IsThere);

        bool IsThere(string name) => name == path || name.StartsWith(path + "/", StringComparison.Ordinal);
    }

    /// <summary>What was there of another type, or a file or link of that name, goes; what a link leads to does not.</summary>
    private void Clear(string path)
    {
        _files.Remove(path);
        if (new FileInfo(path) is { LinkTarget: not null } or { Exists: true }) File.Delete(path); // a link itself
    }
}
