using Google.Protobuf.Collections;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Credentials in the core images.</summary>
internal static class CredentialImages
{
    public static Proto.CredsEntry Build(Credentials credentials)
    {
        var entry = new Proto.CredsEntry
        {
            Uid = credentials.Uid,
            Gid = credentials.Gid,
            Euid = credentials.EffectiveUid,
            Egid = credentials.EffectiveGid,
            Suid = credentials.SavedUid,
            Sgid = credentials.SavedGid,
            Fsuid = credentials.FileSystemUid,
            Fsgid = credentials.FileSystemGid,
            CapInh = { Words(credentials.Inheritable) },
            CapPrm = { Words(credentials.Permitted) },
            CapEff = { Words(credentials.Effective) },
            CapBnd = { Words(credentials.Bounding) },
            CapAmb = { Words(credentials.Ambient) },
            Secbits = credentials.SecureBits,
            Groups = { credentials.Groups },
        };
        if (credentials.NoNewPrivileges)
            entry.NoNewPrivs = 1;
        if (credentials.LsmProfile is { } profile)
            entry.LsmProfile = profile;
        return entry;
    }

    public static Credentials Parse(Proto.CredsEntry entry, string name) => new()
    {
        Uid = entry.Uid,
        Gid = entry.Gid,
        EffectiveUid = entry.Euid,
        EffectiveGid = entry.Egid,
        SavedUid = entry.Suid,
        SavedGid = entry.Sgid,
        FileSystemUid = entry.Fsuid,
        FileSystemGid = entry.Fsgid,
        Inheritable = Mask(entry.CapInh, name),
        Permitted = Mask(entry.CapPrm, name),
        Effective = Mask(entry.CapEff, name),
        Bounding = Mask(entry.CapBnd, name),
        Ambient = Mask(entry.CapAmb, name),
        SecureBits = entry.Secbits,
        Groups = [.. entry.Groups],
        NoNewPrivileges = entry.NoNewPrivs != 0,
        LsmProfile = entry.HasLsmProfile ? entry.LsmProfile : null,
    };

    private static uint[] Words(ulong mask) => [(uint)mask, (uint)(mask >> 32)];

    private static ulong Mask(RepeatedField<uint> words, string name) => words.Count switch
    {
        0 => 0,
        1 => words[0],
        2 => words[0] | (ulong)words[1] << 32,
        _ => throw new CriuImageException(name, $"a capability set of {words.Count} words"),
    };
}
