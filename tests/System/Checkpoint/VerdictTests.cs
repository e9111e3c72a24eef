using Watari.Checkpoint.Verdicts;

namespace Watari.SystemTests.Checkpoint;

/// <summary>
/// Objects out of the ordinary: each is carried, is refused by a sentence that names it, or is carried with a word about what is
/// lost. That is said while the program runs, before anything is touched.
/// </summary>
public sealed class VerdictTests(OddGuest guest) : IClassFixture<OddGuest>
{
    [Theory]
    [InlineData("deleted_file", "file /root/odd.deleted): it is deleted and lay on ext4")]
    [InlineData("unnamed_file", "it is deleted and lay on ext4")]
    [InlineData("renamed_name", "file /root/odd.name): it was opened by a name that is gone")]
    [InlineData("deleted_directory", "working directory (directory /root/odd.directory): it is a deleted directory")]
    [InlineData("named_memory_file", "file /run/odd.named): it lies on a tmpfs of the VM's own")]
    [InlineData("flock", "it holds a lock (flock)")]
    [InlineData("posix_lock", "it holds a lock (fcntl F_SETLK)")]
    [InlineData("open_file_lock", "it holds a lock (fcntl F_SETLK)")]
    [InlineData("lease", "it holds a lease")]
    [InlineData("directory_notification", "it tells of changes in the directory by signals")]
    [InlineData("inotify_on_deleted", "(inotify): it watches a file")]
    [InlineData("fanotify", "anon_inode:[fanotify]")]
    [InlineData("event_semaphore", "EFD_SEMAPHORE")]
    [InlineData("alarm_timerfd", "(timerfd): a timer that wakes the machine")]
    [InlineData("epoll_of_closed", "(epoll): it watches a file")]
    [InlineData("terminal", "it has a controlling terminal")]
    [InlineData("terminal_descriptor", "(character device 5:2, ptmx): terminals are not carried")]
    [InlineData("kernel_log", "character device 1:11, kmsg")]
    [InlineData("disk", "block device 254:0, vda")]
    [InlineData("path_of_fifo", "it was opened with O_PATH")]
    [InlineData("pipe_to_outside", "its other end is outside of the container")]
    [InlineData("pidfd", "(pidfd)")]
    [InlineData("perf_event", "anon_inode:[perf_event]")]
    [InlineData("bpf_map", "anon_inode:bpf-map")]
    [InlineData("mount_descriptor", "anon_inode:[fscontext]")]
    [InlineData("detached_tree", "it lies outside of the container's root")]
    [InlineData("tcp_to_outside", "(TCP socket): it is connected to 127.0.0.1:")]
    [InlineData("tcp_unaccepted", "1 connections wait to be accepted")]
    [InlineData("unix_to_outside", "(unix stream socket): it is connected to a socket outside")]
    [InlineData("unix_unaccepted", "its connection waits to be accepted")]
    [InlineData("file_in_flight", "SCM_RIGHTS")]
    [InlineData("urgent_byte", "MSG_OOB")]
    [InlineData("multicast_member", "multicast group")]
    [InlineData("packet_socket", "packet sockets are not carried")]
    [InlineData("netlink_socket", "netlink sockets are not carried")]
    [InlineData("raw_socket", "raw sockets are not carried")]
    [InlineData("multipath_socket", "MPTCP is not carried")]
    [InlineData("huge_pages", "memory of huge pages")]
    [InlineData("huge_memfd", "(hugetlbfs: memfd:odd)")]
    [InlineData("secret_memory", "(secretmem: secretmem)")]
    [InlineData("protection_key", "memory with a protection key")]
    [InlineData("userfault", "its faults are handled by userfaultfd")]
    [InlineData("io_ring", "anon_inode:[io_uring]")]
    [InlineData("io_ring_registered", "it works with rings of io_uring")]
    [InlineData("asynchronous_io", "asynchronous I/O contexts")]
    [InlineData("write_execute_denied", "PR_SET_MDWE")]
    [InlineData("traced", "it is traced by a debugger")]
    [InlineData("user_namespace", "it is in another user namespace")]
    [InlineData("network_namespace", "it is in another net namespace")]
    [InlineData("mount_namespace", "it is in another mnt namespace")]
    [InlineData("time_namespace", "it is in another time namespace")]
    [InlineData("cgroup_namespace", "it is in another cgroup namespace")]
    [InlineData("pid_namespace", "its children would be in another pid namespace")]
    [InlineData("shared_address_space", "it shares its memory with another process")]
    [InlineData("leaderless", "its first thread has ended while others go on")]
    [InlineData("program_32_bit", "(odd.32): a 32-bit program")]
    [InlineData("deadline_scheduling", "SCHED_DEADLINE")]
    [InlineData("cpu_timer", "counts CPU time")]
    [InlineData("alarm_timer", "wakes the machine")]
    [InlineData("atomic_timer", "CLOCK_TAI")]
    [InlineData("virtual_timer", "ITIMER_VIRTUAL")]
    [InlineData("profiling_timer", "ITIMER_PROF")]
    [InlineData("thread_segment", "set_thread_area")]
    [InlineData("local_descriptors", "modify_ldt")]
    [InlineData("port_access", "I/O ports")]
    [InlineData("all_port_access", "I/O ports")]
    [InlineData("process_keys", "it holds keys of the kernel's")]
    [InlineData("landlock", "it has restricted itself by landlock")]
    [InlineData("system_call_dispatch", "PR_SET_SYSCALL_USER_DISPATCH")]
    [InlineData("seccomp_listener", "a seccomp filter whose notifications")]
    [InlineData("shared_memory_attached", "System V shared memory SYSV")]
    [InlineData("shared_memory_made", "System V shared memory ")]
    [InlineData("semaphore", "System V semaphores ")]
    [InlineData("semaphore_undo", "SEM_UNDO")]
    [InlineData("message_queue", "System V message queue ")]
    [InlineData("posix_queue", "POSIX message queue odd")]
    public async Task What_cannot_be_carried_is_refused_by_name(string oddity, string words)
    {
        IReadOnlyList<Verdict> verdicts = await guest.JudgeAsync(oddity);
        Assert.Contains(verdicts, verdict => verdict.Kind == VerdictKind.Refused && verdict.ToString().Contains(words, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("unread_datagram", "1 datagrams that were not read are lost")]
    [InlineData("shared_file", "the destination must have the same file")]
    [InlineData("memory_policy", "set_mempolicy")]
    [InlineData("memory_policy_of_area", "mbind")]
    [InlineData("reset_on_fork", "SCHED_RESET_ON_FORK")]
    [InlineData("affinity", "sched_setaffinity")]
    [InlineData("io_priority", "ioprio_set")]
    [InlineData("timer_slack", "PR_SET_TIMERSLACK")]
    public async Task What_is_lost_of_what_is_carried_is_told(string oddity, string words)
    {
        IReadOnlyList<Verdict> verdicts = await guest.JudgeAsync(oddity);
        Assert.DoesNotContain(verdicts, verdict => verdict.Kind == VerdictKind.Refused);
        Assert.Contains(verdicts, verdict => verdict.Kind == VerdictKind.CarriedWithHelp && verdict.ToString().Contains(words, StringComparison.Ordinal));
    }
}
