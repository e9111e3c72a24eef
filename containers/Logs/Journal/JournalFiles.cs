using System.Buffers;
using System.Text;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs.Journal;

/// <summary>The files of the guest's own journal, in which what root's processes write is: the one that is written, those before it, and those that were not closed.</summary>
internal static class JournalFiles
{
    internal const string Kept = "/var/log/journal", Volatile = "/run/log/journal";

    private const int MostNames = 100_000, MostFiles = 1024, MachineIdLength = 32;

    private static readonly SearchValues<byte> s_hex = SearchValues.Create("0123456789abcdef"u8);

    /// <param name="damaged">How many are none, or damaged.</param>
    /// <returns>Null where there is none at all.</returns>
    /// <exception cref="DiskException">They cannot be read, or there are too many.</exception>
    internal static IReadOnlyList<JournalFile>? Open(IFileSystem guest, JournalBudget budget, out int damaged)
    {
        List<JournalFile> files = [];
        int names = 0, found = 0;
        damaged = 0;
        foreach (string folder in (string[])[Kept, Volatile])
        {
            if (!guest.Root.TryFind(Encoding.UTF8.GetBytes(folder), out IInode? all) || !all.Status.IsDirectory) continue;
            foreach (DirectoryEntry machine in all.Entries)
            {
                if (++names > MostNames) throw new DiskLimitException(folder, nameof(MostNames), MostNames);
                if (machine.Name.Bytes.Length != MachineIdLength || machine.Name.Bytes.ContainsAnyExcept(s_hex)) continue;
                IInode directory = all.Open(machine);
                if (!directory.Status.IsDirectory) continue;
                foreach (DirectoryEntry entry in directory.Entries)
                {
                    if (++names > MostNames) throw new DiskLimitException(folder, nameof(MostNames), MostNames);
                    if (!IsOfSystem(entry.Name.Bytes)) continue;
                    // By what the entry is of: by then its name may be another file's.
                    IInode file = directory.Open(entry);
                    if (file.Status.Type != FileType.Regular) continue;
                    if (++found > MostFiles) throw new DiskLimitException(folder, nameof(MostFiles), MostFiles);
                    try
                    {
                        if (JournalFile.Open(file, $"{folder}/{machine.Name}/{entry.Name}", budget) is { } journal) files.Add(journal);
                    }
                    catch (JournalDamageException)
                    {
                        damaged++;
                    }
                }
            }
        }

        return found == 0 ? null : files;
    }

    private static bool IsOfSystem(ReadOnlySpan<byte> name) =>
        (name.StartsWith("system."u8) || name.StartsWith("system@"u8)) && (name.EndsWith(".journal"u8) || name.EndsWith(".journal~"u8));
}
