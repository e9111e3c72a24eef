using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>F_SETOWN and F_SETSIG of an open file.</summary>
internal static class FileOwnerImages
{
    public static Proto.FownEntry Build(FileOwner owner) => new()
    {
        Uid = owner.Uid,
        Euid = owner.EffectiveUid,
        Signum = owner.Signal,
        PidType = owner.PidType,
        Pid = owner.Pid,
    };

    public static FileOwner Parse(Proto.FownEntry owner) => new(owner.Uid, owner.Euid, owner.Signum, owner.PidType, owner.Pid);
}
