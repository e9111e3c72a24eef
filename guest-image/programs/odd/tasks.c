// Processes and threads, what they may do and what is set for them.
#include "odd.h"

#include <asm/ldt.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/io.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static pid_t child;
static void nothing(void) {}

static void traced(void)
{
    child = inside(nothing);
    MUST(ptrace(PTRACE_SEIZE, child, NULL, NULL));
}

static char state_of(pid_t process)
{
    char path[32], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, text, sizeof text - 1) <= 0)
        return '?';
    close(file);
    return strrchr(text, ')')[2];
}

static void stopped_child(void)
{
    child = inside(nothing);
    MUST(kill(child, SIGSTOP));
    siginfo_t stopped;
    MUST(waitid(P_PID, (id_t)child, &stopped, WSTOPPED | WNOWAIT));
}

static const char *check_stopped(void)
{
    if (state_of(child) != 'T')
        return "the child is not stopped";
    kill(child, SIGCONT);
    siginfo_t went_on;
    return waitid(P_PID, (id_t)child, &went_on, WCONTINUED) || state_of(child) == 'T' ? "the child does not go on" : NULL;
}

static void killed_child(void)
{
    child = split();
    if (!child)
        abort();
    siginfo_t ended;
    MUST(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT));
}

static const char *check_killed(void)
{
    int status = 0;
    if (waitpid(child, &status, WNOHANG) != child)
        return "the child cannot be waited for";
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? NULL : "the child did not end by SIGABRT";
}

static void in_user_namespace(void) { MUST(unshare(CLONE_NEWUSER)); }
static void user_namespace(void) { inside(in_user_namespace); }
static void in_network_namespace(void) { MUST(unshare(CLONE_NEWNET)); }
static void network_namespace(void) { inside(in_network_namespace); }
static void in_mount_namespace(void) { MUST(unshare(CLONE_NEWNS)); }
static void mount_namespace(void) { inside(in_mount_namespace); }
static void in_time_namespace(void)
{
    MUST(unshare(CLONE_NEWTIME));
    inside(nothing);
}
static void time_namespace(void) { inside(in_time_namespace); }
static void in_cgroup_namespace(void) { MUST(unshare(CLONE_NEWCGROUP)); }
static void cgroup_namespace(void) { inside(in_cgroup_namespace); }

static void pid_namespace(void)
{
    MUST(unshare(CLONE_NEWPID));
    inside(nothing);
}

static int borrow(void *unused)
{
    keep_quiet();
    wait_for_ever();
    return unused != NULL;
}

// Two processes in one address space.
static void shared_address_space(void)
{
    static char stack[64 << 10];
    MUST(clone(borrow, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL));
}

static void *stay(void *unused)
{
    wait_for_ever();
    return unused;
}

// The first thread of a process has ended, another goes on.
static void leaderless(void)
{
    child = split();
    if (!child) {
        pthread_t rest;
        MUST(pthread_create(&rest, NULL, stay, NULL) ? -1 : 0);
        pthread_exit(NULL);
    }
    while (state_of(child) != 'Z')
        sched_yield();
}

// An ELF file of 32 bits whose whole program is to wait: mov $29 (pause), %eax; int $0x80; jmp back.
static void become_32_bit(void)
{
    static const unsigned char program[] = {
        0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 1, 0, 0, 0, 0x54, 0x80, 0x04, 0x08,
        52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x04, 0x08, 0, 0x80, 0x04, 0x08, 0x5d, 0, 0, 0, 0x5d, 0, 0, 0, 5, 0, 0, 0, 0, 0x10, 0, 0,
        0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7,
    };
    int file = (int)MUST(open("/root/odd.32", O_WRONLY | O_CREAT | O_TRUNC, 0700));
    MUST(write(file, program, sizeof program));
    MUST(close(file));
    child = split();
    if (!child) {
        execl("/root/odd.32", "odd.32", NULL);
        _exit(1);
    }
    char path[32], name[64];
    snprintf(path, sizeof path, "/proc/%d/exe", child);
    do {
        ssize_t length = readlink(path, name, sizeof name - 1);
        name[length > 0 ? length : 0] = 0;
    } while (strcmp(name, "/root/odd.32") && state_of(child) != 'Z');
    MUST(state_of(child) == 'Z' ? -1 : 0);
}

static void deadline_scheduling(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {48, SCHED_DEADLINE, 0, 0, 0, 1000000, 10000000, 10000000};
    MUST(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

static void real_time_scheduling(void) { MUST(sched_setscheduler(0, SCHED_RR, &(struct sched_param){7})); }

static const char *check_real_time(void)
{
    struct sched_param parameters;
    return sched_getscheduler(0) == SCHED_RR && !sched_getparam(0, &parameters) && parameters.sched_priority == 7 ? NULL : "it is scheduled otherwise";
}

static void reset_on_fork(void) { MUST(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &(struct sched_param){0})); }

static void affinity(void)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    MUST(sched_setaffinity(0, sizeof first, &first));
}

static void io_priority(void) { MUST(syscall(SYS_ioprio_set, 1, 0, 3 << 13)); } // IOPRIO_CLASS_IDLE

static void timer_slack(void) { MUST(prctl(PR_SET_TIMERSLACK, 5000000UL, 0, 0, 0)); }

static void timer_of(clockid_t clock)
{
    timer_t timer;
    MUST(timer_create(clock, &(struct sigevent){.sigev_notify = SIGEV_NONE}, &timer));
    MUST(timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {3600, 0}}, NULL));
}

static void cpu_timer(void) { timer_of(CLOCK_PROCESS_CPUTIME_ID); }
static void alarm_timer(void) { timer_of(CLOCK_BOOTTIME_ALARM); }
static void atomic_timer(void) { timer_of(CLOCK_TAI); }
static void virtual_timer(void) { MUST(setitimer(ITIMER_VIRTUAL, &(struct itimerval){{0, 0}, {3600, 0}}, NULL)); }
static void profiling_timer(void) { MUST(setitimer(ITIMER_PROF, &(struct itimerval){{0, 0}, {3600, 0}}, NULL)); }

static void thread_segment(void)
{
    // int $0x80's number of set_thread_area: a 64-bit program has no other.
    static struct user_desc segment;
    struct user_desc *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    MUST(low == MAP_FAILED ? -1 : 0);
    segment = (struct user_desc){.entry_number = -1U, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .useable = 1};
    *low = segment;
    long result;
    asm volatile("int $0x80" : "=a"(result) : "0"(243L), "b"(low) : "memory", "r8", "r9", "r10", "r11");
    errno = (int)-result;
    MUST(result < 0 ? -1 : 0);
}

static void local_descriptors(void)
{
    struct user_desc segment = {.entry_number = 0, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .useable = 1};
    MUST(syscall(SYS_modify_ldt, 1, &segment, sizeof segment));
}

static void port_access(void) { MUST(ioperm(0x80, 1, 1)); }

static void all_port_access(void) { MUST(iopl(3)); }

static void process_keys(void) { MUST(syscall(SYS_add_key, "user", "odd", "secret", 6UL, KEY_SPEC_PROCESS_KEYRING)); }

static void landlock(void)
{
    struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SOCK};
    int set = (int)MUST(syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0));
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(syscall(SYS_landlock_restrict_self, set, 0));
    close(set);
}

static char selector;

static void system_call_dispatch(void) { MUST(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector)); }

static void seccomp_listener(void)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

static void other_root(void)
{
    MUST(chdir("/var/lib/watari/bundles/kinds/rootfs"));
    MUST(chroot("."));
}

static const char *check_other_root(void) { return access("/bin/kinds", F_OK) || !access("/usr", F_OK) ? "its root is another" : NULL; }

static const char *check_root_in_child(void)
{
    char path[32], root[64] = "";
    snprintf(path, sizeof path, "/proc/%d/root", child);
    return readlink(path, root, sizeof root - 1) > 0 && !strcmp(root, "/var/lib/watari/bundles/kinds/rootfs") ? NULL : "the child's root is another";
}

static void root_in_child(void) { child = inside(other_root); }

const struct oddity task_oddities[] = {
    {"traced", traced, NULL},
    {"stopped_child", stopped_child, check_stopped},
    {"killed_child", killed_child, check_killed},
    {"user_namespace", user_namespace, NULL},
    {"network_namespace", network_namespace, NULL},
    {"mount_namespace", mount_namespace, NULL},
    {"time_namespace", time_namespace, NULL},
    {"cgroup_namespace", cgroup_namespace, NULL},
    {"pid_namespace", pid_namespace, NULL},
    {"shared_address_space", shared_address_space, NULL},
    {"leaderless", leaderless, NULL},
    {"program_32_bit", become_32_bit, NULL},
    {"deadline_scheduling", deadline_scheduling, NULL},
    {"real_time_scheduling", real_time_scheduling, check_real_time},
    {"reset_on_fork", reset_on_fork, NULL},
    {"affinity", affinity, NULL},
    {"io_priority", io_priority, NULL},
    {"timer_slack", timer_slack, NULL},
    {"cpu_timer", cpu_timer, NULL},
    {"alarm_timer", alarm_timer, NULL},
    {"atomic_timer", atomic_timer, NULL},
    {"virtual_timer", virtual_timer, NULL},
    {"profiling_timer", profiling_timer, NULL},
    {"thread_segment", thread_segment, NULL},
    {"local_descriptors", local_descriptors, NULL},
    {"port_access", port_access, NULL},
    {"all_port_access", all_port_access, NULL},
    {"process_keys", process_keys, NULL},
    {"landlock", landlock, NULL},
    {"system_call_dispatch", system_call_dispatch, NULL},
    {"seccomp_listener", seccomp_listener, NULL},
    {"other_root", other_root, check_other_root},
    {"root_in_child", root_in_child, check_root_in_child},
    {0},
};
