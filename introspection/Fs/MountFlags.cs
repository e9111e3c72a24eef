namespace Watari.Introspection.Fs;

/// <summary>MNT_* (include/linux/mount.h).</summary>
[Flags]
public enum MountFlags
{
    None = 0,
    NoSuid = 0x01,
    NoDev = 0x02,
    NoExec = 0x04,
    NoAtime = 0x08,
    NoDirAtime = 0x10,
    RelAtime = 0x20,
    ReadOnly = 0x40,
    NoSymFollow = 0x80,
    Shared = 0x1000,
    Unbindable = 0x2000,
    Locked = 0x800000,

    /// <summary>Not a mount but the mark of somebody who reads /proc/mounts (v5.8 to v6.7).</summary>
    Cursor = 0x10000000,
}
