using System.Text;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs.Journal;

/// <summary>A log in the guest's journal, among all that the guest's services write there. Its place is a file and the entry in it that was read last.</summary>
internal sealed class JournalLog : ContainerLog
{
    private const int MostFiles = 512; // journald keeps 100
    private const int MostMachines = 16;
    private const int MostScanned = 1 << 16; // entries, for one piece

    /// <summary>On disk, and until that is mounted (or without it for good) in memory: Storage= of journald.conf(5).</summary>
    private static readonly string[] s_directories = ["/var/log/journal", "/run/log/journal"];

    private readonly List<JournalFile> _files;
    private readonly byte[] _container; // the field that names it

    private JournalLog(List<JournalFile> files, byte[] container)
    {
        _files = files;
        _container = container;
    }

    /// <exception cref="ContainerStoreException">The guest keeps no journal.</exception>
    /// <exception cref="DiskException">It cannot be read.</exception>
    internal static JournalLog Open(IFileSystem guest, ContainerRecord record)
    {
        List<JournalFile> files = FilesOf(guest);
        if (files.Count == 0) throw new ContainerStoreException($"{Shown(record)} logs to the guest's journal (log driver journald), and there is none in {string.Join(" or ", s_directories)}");
        return new JournalLog(files, Encoding.ASCII.GetBytes($"CONTAINER_ID_FULL={record.Id}"));
    }

    public override LogPosition Tail(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        long left = count;
        for (int i = _files.Count - 1; i >= 0; i--)
        {
            JournalEntries entries = Entries(_files[i], out _);
            if (entries.Count >= left) return new LogPosition(_files[i].Ino, entries.Count == left ? 0 : entries[entries.Count - left - 1]);
            left -= entries.Count;
            _files[i].Leave();
        }

        return default;
    }

    public override LogPiece Read(LogPosition from, FileTime? since = null, FileTime? until = null)
    {
        var piece = new LogPieceBuilder(since, until);
        int index = from.Ino == 0 ? 0 : _files.FindIndex(file => file.Ino == from.Ino);
        bool isBehind = index < 0;
        if (index < 0) (index, from) = (0, default);
        int scanned = 0;
        for (; ; index++)
        {
            JournalFile file = _files[index];
            if (from.Ino != file.Ino) from = new LogPosition(file.Ino, 0);
            JournalEntries entries = Entries(file, out bool isDamaged);
            if (isDamaged) piece.Damaged++;
            for (long next = entries.IndexAfter(from.Offset); next < entries.Count; next++)
            {
                if (piece.IsFull || scanned++ == MostScanned) return piece.Piece(from, isLast: false, isBehind);
                long at = entries[next];
                if (at <= from.Offset)
                {
                    // They rise, or somebody leads in circles.
                    piece.Damaged++;
                    break;
                }

                from = new LogPosition(file.Ino, at);
                if (TryRead(file, at, out LogEntry entry)) piece.Add(entry);
                else piece.Damaged++;
            }

            file.Leave();
            if (index == _files.Count - 1) return piece.Piece(from, isLast: true, isBehind);
        }
    }

    /// <summary>The oldest first.</summary>
    private static List<JournalFile> FilesOf(IFileSystem guest)
    {
        var files = new List<JournalFile>();
        foreach (string directory in s_directories)
        {
            if (!guest.Root.TryFind(Encoding.UTF8.GetBytes(directory), out IInode? machines) || machines.Status.Type != FileType.Directory) continue;
            foreach (DirectoryEntry machine in machines.Entries.Take(MostMachines))
            {
                IInode journals = machines.Open(machine);
                if (journals.Status.Type != FileType.Directory) continue;
                foreach (DirectoryEntry entry in journals.Entries)
                {
                    string name = ShownText.Of(entry.Name.ToString());
                    if (!IsJournal(name) || files.Count == MostFiles) continue;
                    if (journals.Open(entry) is { Status.Type: FileType.Regular } file && JournalFile.TryOpen(file, $"{directory}/{machine.Name}/{name}") is { } journal) files.Add(journal);
                }
            }
        }

        // Clocks are set; numbers rise, as long as they are of one journald.
        bool isOne = files.Select(file => file.SequenceId).Distinct().Count() <= 1;
        files.Sort((one, other) => isOne ? Number(one).CompareTo(Number(other)) : Time(one).CompareTo(Time(other)));
        return files;

        // One without an entry yet is the newest.
        static ulong Number(JournalFile file) => file.FirstSequence == 0 ? ulong.MaxValue : file.FirstSequence;
        static ulong Time(JournalFile file) => file.FirstSequence == 0 ? ulong.MaxValue : file.FirstTime;
    }

    /// <summary>Those of the system, which are root's, too; and what was left by a journald that died.</summary>
    private static bool IsJournal(string name) =>
        name.StartsWith("system", StringComparison.Ordinal) && (name.EndsWith(".journal", StringComparison.Ordinal) || name.EndsWith(".journal~", StringComparison.Ordinal));

    private JournalEntries Entries(JournalFile file, out bool isDamaged)
    {
        isDamaged = false;
        try
        {
            return file.Find(_container);
        }
        catch (DiskStructureException)
        {
            isDamaged = true;
            return JournalEntries.None;
        }
    }

    private static bool TryRead(JournalFile file, long at, out LogEntry entry)
    {
        try
        {
            return file.TryReadEntry(at, out entry);
        }
        catch (DiskStructureException)
        {
            entry = default;
            return false;
        }
    }
}
