using System.Formats.Tar;

namespace Watari.Scripted;

/// <summary>Archives as a host gives them, and as none should.</summary>
internal static class ScriptedTar
{
    internal static byte[] OfFile(string name, byte[] content) => Of(Regular(name, content));

    internal static byte[] OfDirectory(byte[] content) => Of(
        new PaxTarEntry(TarEntryType.Directory, "etc/"), Regular("etc/hostname", content), new PaxTarEntry(TarEntryType.SymbolicLink, "etc/link") { LinkName = "hostname" },
        new PaxTarEntry(TarEntryType.HardLink, "etc/second") { LinkName = "etc/hostname" });

    /// <summary>A link that leads out and a file behind it, names that climb, absolute ones, a hard link to a file of the host, a set-user-id file, a device.</summary>
    internal static byte[] OfHostile() => Of(
        new PaxTarEntry(TarEntryType.Directory, "hostile/"),
        new PaxTarEntry(TarEntryType.SymbolicLink, "hostile/out") { LinkName = "../.." },
        Regular("hostile/out/through-link", "bad"u8.ToArray()),
        Regular("hostile/../../climbed", "bad"u8.ToArray()),
        Regular("../climbed", "bad"u8.ToArray()),
        Regular("/absolute", "bad"u8.ToArray()),
        new PaxTarEntry(TarEntryType.HardLink, "hostile/passwd") { LinkName = "/etc/passwd" },
        new PaxTarEntry(TarEntryType.HardLink, "hostile/shadow") { LinkName = "hostile/out/etc/shadow" },
        new PaxTarEntry(TarEntryType.CharacterDevice, "hostile/mem") { DeviceMajor = 1, DeviceMinor = 1 },
        new PaxTarEntry(TarEntryType.RegularFile, "hostile/suid") { Mode = UnixFileMode.SetUser | UnixFileMode.UserRead | UnixFileMode.UserExecute, DataStream = new MemoryStream("good"u8.ToArray()) });

    private static PaxTarEntry Regular(string name, byte[] content) => new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) };

    private static byte[] Of(params IEnumerable<TarEntry> entries)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes))
        {
            foreach (TarEntry entry in entries)
            {
                entry.ModificationTime = DateTimeOffset.UnixEpoch; // each piece is cut out of the same archive
                writer.WriteEntry(entry);
            }
        }

        return bytes.ToArray();
    }
}
