namespace Watari.Benchmarks.SecondOpinion;

/// <summary>What a reader of a guest's memory found there: every thread, and every area of every process's memory.</summary>
internal sealed record Account(IReadOnlyList<TaskFacts> Tasks, IReadOnlyList<AreaFacts> Areas);

/// <summary>Fields of a task_struct; plain numbers, as a reader prints them that knows nothing of our types.</summary>
/// <param name="Address">Its own.</param>
/// <param name="Ppid">The process id of its real_parent.</param>
/// <param name="Mm">The address of its memory's mm_struct; 0 for one of the kernel's own.</param>
internal readonly record struct TaskFacts(
    ulong Address, int Pid, int Tgid, int Ppid, string Comm, uint State, int ExitState, uint Flags, int StaticPrio,
    ulong StartBoottime, ulong Utime, ulong Stime, ulong Mm);

/// <summary>Fields of a vm_area_struct and of the file that is mapped there: the facts of a line of /proc/PID/maps.</summary>
/// <param name="Mm">The address of the mm_struct whose area it is.</param>
/// <param name="SDev">The device of the file's file system; 0 where there is no file.</param>
/// <param name="Path">The file's, from the root of its own file system; empty where there is no file.</param>
internal readonly record struct AreaFacts(ulong Mm, ulong VmStart, ulong VmEnd, ulong VmFlags, ulong VmPgoff, uint SDev, ulong IIno, string Path);

/// <summary>How long a reader took, in milliseconds, round by round.</summary>
/// <param name="Open">Until it knew the kernel's symbols and types.</param>
/// <param name="Tasks">For the list of all tasks.</param>
/// <param name="Areas">For that of all areas, their files' paths aside.</param>
/// <param name="Paths">For those paths.</param>
internal sealed record Times(List<double> Open, List<double> Tasks, List<double> Areas, List<double> Paths);
