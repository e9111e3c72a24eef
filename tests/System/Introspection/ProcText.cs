using System.Globalization;
using System.Text;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;

namespace Watari.SystemTests;

/// <summary>Kernel objects in the words of /proc.</summary>
internal static class ProcText
{
    private static readonly CultureInfo s_culture = CultureInfo.InvariantCulture;

    /// <summary>A line of /proc/PID/maps in single spaces, without the names that it gives to the heap and the stack.</summary>
    public static string Area(VmAreaStruct area, PathStruct root)
    {
        VmFlags flags = area.VmFlags;
        string rights = $"{(flags.HasFlag(VmFlags.Read) ? 'r' : '-')}{(flags.HasFlag(VmFlags.Write) ? 'w' : '-')}{(flags.HasFlag(VmFlags.Exec) ? 'x' : '-')}{(area.IsShared ? 's' : 'p')}";
        if (!area.VmFile.TryGet(out FileStruct file))
            return string.Create(s_culture, $"{area.VmStart.Value:x8}-{area.VmEnd.Value:x8} {rights} 00000000 00:00 0 {area.SpecialName}").TrimEnd();
        uint device = file.FInode.Value.ISb.Value.SDev;
        return string.Create(s_culture, $"{area.VmStart.Value:x8}-{area.VmEnd.Value:x8} {rights} {area.VmPgoff << GuestPage.Shift:x8} {device >> 20:x2}:{device & 0xfffff:x2} {file.FInode.Value.IIno} {File(file, root)}");
    }

    /// <summary>The guest's own line of maps in the same form.</summary>
    public static string WithoutBracketNames(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words[^1] is "[heap]" or "[stack]") words = words[..^1];
        return string.Join(' ', words);
    }

    /// <summary>What /proc/PID/fd shows of a file.</summary>
    public static string File(FileStruct file, PathStruct root)
    {
        PathName name = file.UserPath.NameFrom(root);
        if (name.Origin != PathOrigin.Nowhere) return Name(name);
        InodeStruct inode = file.FInode.Value;
        string text = Encoding.UTF8.GetString(name.Bytes.Span);
        return inode.ISb.Value.SType.Value.Name.ToString() switch
        {
            "pipefs" => string.Create(s_culture, $"pipe:[{inode.IIno}]"),
            "sockfs" => string.Create(s_culture, $"socket:[{inode.IIno}]"),
            "tmpfs" or "hugetlbfs" => $"/{text} (deleted)", // memory with a name and no place: simple_dname
            _ => "anon_inode:" + text,
        };
    }

    public static string Name(PathName name) => Encoding.UTF8.GetString(name.Bytes.Span) + (name.IsDeleted ? " (deleted)" : "");
}
