using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>struct cred.</summary>
public sealed record Credentials
{
    public uint Uid { get; init; }
    public uint Gid { get; init; }
    public uint EffectiveUid { get; init; }
    public uint EffectiveGid { get; init; }
    public uint SavedUid { get; init; }
    public uint SavedGid { get; init; }
    public uint FileSystemUid { get; init; }
    public uint FileSystemGid { get; init; }

    /// <summary>Bit n: capability n (linux/capability.h).</summary>
    public ulong Inheritable { get; init; }
    public ulong Permitted { get; init; }
    public ulong Effective { get; init; }
    public ulong Bounding { get; init; }
    public ulong Ambient { get; init; }
    public uint SecureBits { get; init; }
    public ImmutableArray<uint> Groups { get; init; } = [];
    public bool NoNewPrivileges { get; init; }

    /// <summary>The AppArmor or SELinux profile, where there is one.</summary>
    public string? LsmProfile { get; init; }
}

/// <summary>SECCOMP_MODE_… (linux/seccomp.h).</summary>
public enum SeccompMode
{
    Disabled = 0,
    Strict = 1,
    Filter = 2,
}

/// <summary>One filter of a chain.</summary>
/// <param name="Program">Classic BPF, eight bytes an instruction (struct sock_filter).</param>
/// <param name="Previous">The filter that was installed before it.</param>
/// <param name="Log">SECCOMP_FILTER_FLAG_LOG.</param>
public sealed record SeccompFilter(ReadOnlyMemory<byte> Program, SeccompFilterId? Previous, bool Log);
