using System.Globalization;
using System.Text.Json.Serialization;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Output;

/// <summary>A file of a container. Names and targets are escaped, as <see cref="GuestBytes.Text"/> has it.</summary>
/// <param name="Mode">Permissions, in octal digits.</param>
/// <param name="Device">Of a device node: <c>MAJOR, MINOR</c>.</param>
internal sealed record FileView(string Name, string Type, string Mode, uint Links, uint Uid, uint Gid, long Size, string? Device, DateTimeOffset Modified, string? Target)
{
    private const int TypeMask = 0xf000, PermissionMask = 0xfff;

    private static readonly (char Letter, string Word) s_unknown = ('?', "unknown");

    private static readonly Dictionary<int, (char Letter, string Word)> s_types = new()
    {
        [0x1000] = ('p', "fifo"),
        [0x2000] = ('c', "character device"),
        [0x4000] = ('d', "directory"),
        [0x6000] = ('b', "block device"),
        [0x8000] = ('-', "file"),
        [0xa000] = ('l', "symbolic link"),
        [0xc000] = ('s', "socket"),
    };

    public static FileView Of(FileDescription file)
    {
        int type = file.Mode & TypeMask;
        return new FileView(
            GuestBytes.Text(file.Name.AsSpan()), s_types.GetValueOrDefault(type, s_unknown).Word, Convert.ToString(file.Mode & PermissionMask, 8).PadLeft(4, '0'),
            file.Links, file.Uid, file.Gid, file.Size, type is 0x2000 or 0x6000 ? string.Create(CultureInfo.InvariantCulture, $"{file.DeviceMajor}, {file.DeviceMinor}") : null,
            file.Modified, type == 0xa000 ? GuestBytes.Text(file.Target.AsSpan()) : null);
    }

    /// <summary>As ls -l has it: <c>drwxr-xr-x</c>.</summary>
    internal static string ModeText(int mode)
    {
        Span<char> text = stackalloc char[10];
        text[0] = s_types.GetValueOrDefault(mode & TypeMask, s_unknown).Letter;
        for (int i = 0; i < 9; i++) text[i + 1] = (mode >> (8 - i) & 1) == 0 ? '-' : "rwx"[i % 3];
        Special(text, 3, mode, 0x800, 's');
        Special(text, 6, mode, 0x400, 's');
        Special(text, 9, mode, 0x200, 't');
        return new string(text);

        static void Special(Span<char> text, int at, int mode, int bit, char letter)
        {
            if ((mode & bit) != 0) text[at] = text[at] == 'x' ? letter : char.ToUpperInvariant(letter);
        }
    }
}

/// <summary>A file that a container has changed.</summary>
/// <param name="Change">changed, added, deleted.</param>
internal sealed record FileChangeView(string Change, string Path)
{
    public static FileChangeView Of(FileChangeDescription change) => new(change.Kind.ToString().ToLowerInvariant(), GuestBytes.Text(change.Path.AsSpan()));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<FileView>))]
[JsonSerializable(typeof(IReadOnlyList<FileChangeView>))]
internal sealed partial class FileViews : JsonSerializerContext;
