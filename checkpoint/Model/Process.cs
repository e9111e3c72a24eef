using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>How a process stands.</summary>
public enum ProcessState
{
    Alive,
    Stopped,
    Zombie,
}

/// <summary>A process: a thread group and what its threads share (signal_struct and the objects of its leader).</summary>
public sealed record Process
{
    public required int Pid { get; init; }

    /// <summary>0 for the root of the tree.</summary>
    public required int ParentPid { get; init; }
    public required int ProcessGroup { get; init; }
    public required int Session { get; init; }
    public ProcessState State { get; init; }

    /// <summary>As wait(2) reports it; meaningful for a zombie.</summary>
    public uint ExitCode { get; init; }

    /// <summary>The signal that stopped it; 0 where it is not stopped.</summary>
    public uint StopSignal { get; init; }

    /// <summary>Up to 15 bytes.</summary>
    public required string Comm { get; init; }
    public uint Personality { get; init; }

    /// <summary>task_struct.flags (PF_…, linux/sched.h).</summary>
    public uint Flags { get; init; }

    /// <summary>The leader first; none for a zombie but the leader.</summary>
    public required ImmutableArray<ProcessThread> Threads { get; init; }
    public required NamespaceSet Namespaces { get; init; }

    /// <summary>Two processes with the same identity share the object (CLONE_VM, CLONE_FS, CLONE_SIGHAND).</summary>
    public required SharedObjects Shares { get; init; }

    /// <summary>Signal 1 first: 64 of them; empty for a zombie.</summary>
    public ImmutableArray<SignalAction> SignalActions { get; init; } = [];

    /// <summary>Pending for the process as a whole.</summary>
    public ImmutableArray<PendingSignal> PendingSignals { get; init; } = [];
    public ProcessTimers Timers { get; init; } = ProcessTimers.None;

    /// <summary>RLIMIT_CPU first (asm-generic/resource.h): 16 of them.</summary>
    public ImmutableArray<ResourceLimit> ResourceLimits { get; init; } = [];
    public uint LoginUid { get; init; } = uint.MaxValue;
    public int OomScoreAdjustment { get; init; }
    public bool IsChildSubreaper { get; init; }

    /// <summary>MEMBARRIER_CMD_REGISTER_… that were called (bit n: command 1&lt;&lt;n).</summary>
    public uint MembarrierRegistrations { get; init; }

    /// <summary>None for a zombie.</summary>
    public FileSystemContext? FileSystem { get; init; }

    /// <summary>None for a zombie.</summary>
    public MemoryLayout? Memory { get; init; }
}

/// <summary>Which objects a process may share with others, by an identity that means nothing else.</summary>
public readonly record struct SharedObjects(uint Memory, DescriptorTableId Descriptors, uint FileSystem, uint SignalHandlers);

/// <summary>Where paths begin (struct fs_struct).</summary>
public sealed record FileSystemContext(FileId WorkingDirectory, FileId Root, uint Umask);

/// <summary>Soft and hard limit; <see cref="ulong.MaxValue"/> is RLIM_INFINITY.</summary>
public readonly record struct ResourceLimit(ulong Soft, ulong Hard);
