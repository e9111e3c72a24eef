// What a process has besides memory and descriptors: identity, limits, names, threads, its place.
#include "kinds.h"

#include <elf.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

enum { THREADS = 3, PATIENCE_S = 20, TLS_WORDS = 8, MOUNTS_LIMIT = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked_changed = PTHREAD_COND_INITIALIZER, answered_changed = PTHREAD_COND_INITIALIZER;
static unsigned asked, answered;
static int request[2], reply[2];
static volatile int woken;
static volatile pid_t thread_ids[THREADS];
static __thread uint64_t local[TLS_WORDS];

static void start_as(size_t index, const char *name)
{
    pthread_setname_np(pthread_self(), name);
    fill(local, sizeof local, 50 + index);
    thread_ids[index] = gettid();
}

// Waits in a futex without an end.
static void *answer_condition(void *unused)
{
    start_as(0, "condition");
    pthread_mutex_lock(&lock);
    for (;;) {
        while (answered == asked)
            pthread_cond_wait(&asked_changed, &lock);
        answered = difference(local, sizeof local, 50) < 0 ? asked : answered;
        pthread_cond_signal(&answered_changed);
    }
    return unused;
}

// Waits in a read.
static void *answer_pipe(void *unused)
{
    uint64_t number;
    start_as(1, "reader");
    while (read(request[0], &number, sizeof number) == sizeof number) {
        number = difference(local, sizeof local, 51) < 0 ? ~number : 0;
        if (write(reply[1], &number, sizeof number) < 0)
            break;
    }
    return unused;
}

// Waits for an instant that is far away, with a mask of its own.
static void *sleep_long(void *unused)
{
    struct timespec until;
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    start_as(2, "sleeper");
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 86400;
    woken = 0;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
    woken = 1;
    return unused;
}

static void set_up_threads(void)
{
    static void *(*const bodies[THREADS])(void *) = {answer_condition, answer_pipe, sleep_long};
    pthread_t thread;
    sigset_t tick;
    // The tick of timers.c is the leader's alone: two handlers at once would see time in disorder.
    sigemptyset(&tick);
    sigaddset(&tick, SIGRTMIN + 5);
    pthread_sigmask(SIG_BLOCK, &tick, NULL);
    MUST(pipe2(request, O_CLOEXEC));
    MUST(pipe2(reply, O_CLOEXEC));
    fill(local, sizeof local, 49);
    for (size_t i = 0; i < THREADS; i++) {
        MUST(pthread_create(&thread, NULL, bodies[i], NULL) ? -1 : 0);
        while (!thread_ids[i])
            sched_yield();
    }
    pthread_sigmask(SIG_UNBLOCK, &tick, NULL);
}

static void check_threads(void)
{
    struct timespec until;
    uint64_t number = 0x123456789, got = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&lock);
    unsigned wanted = ++asked;
    pthread_cond_signal(&asked_changed);
    while (answered != wanted && pthread_cond_timedwait(&answered_changed, &lock, &until) != ETIMEDOUT) {
    }
    bool in_time = answered == wanted;
    pthread_mutex_unlock(&lock);
    EXPECT(in_time, "the thread that waits for a condition does not answer");
    MUST(write(request[1], &number, sizeof number));
    EXPECT(poll(&(struct pollfd){reply[0], POLLIN, 0}, 1, PATIENCE_S * 1000) == 1, "the thread that reads does not answer");
    EXPECT(read(reply[0], &got, sizeof got) == sizeof got && got == ~number, "the thread that reads answers %#lx",
           (unsigned long)got);
    EXPECT(!woken, "the sleeping thread woke before its time");
    EXPECT(difference(local, sizeof local, 49) < 0, "the leader's thread-local storage differs");
}

static void describe_threads(void)
{
    for (size_t i = 0; i < THREADS; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%d/status", thread_ids[i]);
        char *text = text_of(path);
        describe("thread %d name %s", thread_ids[i], field_of(text, "Name"));
        describe(" blocked %s\n", field_of(text, "SigBlk"));
    }
}

// What the kernel keeps for the C library: the list of robust futexes, where to clear the thread's id.
static void describe_thread_pointers(void)
{
    void *head = NULL;
    size_t length = 0;
    int *clear = NULL;
    syscall(SYS_get_robust_list, 0, &head, &length);
    prctl(PR_GET_TID_ADDRESS, &clear);
    describe("robust list %p length %zu, clear at %p\n", head, length, (void *)clear);
}

static void describe_identity(void)
{
    describe("pid %d tid %d parent %d group %d session %d\n", getpid(), gettid(), getppid(), getpgid(0), getsid(0));
}

static void describe_credentials(void)
{
    static const char *const fields[] = {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd",
                                         "Seccomp", "Seccomp_filters"};
    char *text = text_of("/proc/self/status");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        describe("%s %s\n", fields[i], field_of(text, fields[i]));
    describe("securebits %#x dumpable %d\n", prctl(PR_GET_SECUREBITS), prctl(PR_GET_DUMPABLE));
}

// Two apart from the other credentials: CRIU 3.17 loses them.
static void describe_ambient(void) { describe("%s\n", field_of(text_of("/proc/self/status"), "CapAmb")); }
static void describe_no_new_privileges(void) { describe("%d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }

static void describe_limits(void) { describe("%s", text_of("/proc/self/limits")); }

static void set_up_names(void)
{
    MUST(prctl(PR_SET_NAME, "kinds leader"));
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
    umask(027);
    MUST(chdir("/data"));
}

static void describe_link(const char *path)
{
    char target[256] = "";
    if (readlink(path, target, sizeof target - 1) < 0)
        snprintf(target, sizeof target, "%s", strerror(errno));
    describe("%s %s\n", path, target);
}

static void describe_place(void)
{
    describe_link("/proc/self/exe");
    describe_link("/proc/self/cwd");
    describe_link("/proc/self/root");
    describe("umask %s\n", field_of(text_of("/proc/self/status"), "Umask"));
}

static void describe_names(void)
{
    int subreaper = 0;
    prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    describe("command %s", text_of("/proc/self/comm"));
    describe("arguments %s\n", text_of("/proc/self/cmdline"));
    describe("environment %s\n", text_of("/proc/self/environ"));
    describe("subreaper %d\n", subreaper);
}

static void describe_auxiliary(void)
{
    const Elf64_auxv_t *entry = (const Elf64_auxv_t *)text_of("/proc/self/auxv");
    for (; entry->a_type != AT_NULL; entry++)
        describe("%lu %#lx\n", entry->a_type, entry->a_un.a_val);
}

static void describe_host_name(void)
{
    struct utsname names;
    uname(&names);
    describe("%s %s\n", names.nodename, names.domainname);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

// Where each mount is, of what type, with which options; not its id or its turn, which are the kernel's.
static void describe_mounts(void)
{
    char *lines[MOUNTS_LIMIT];
    size_t count = 0;
    char *text = text_of("/proc/self/mountinfo");
    for (char *line = strtok(text, "\n"); line && count < MOUNTS_LIMIT; line = strtok(NULL, "\n")) {
        // Three ids, then root, point and options.
        for (int field = 0; field < 3; field++)
            line += strcspn(line, " ") + 1;
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++) {
        char root[128], point[128], options[128], type[32] = "";
        const char *separator = strstr(lines[i], " - ");
        sscanf(lines[i], "%127s %127s %127s", root, point, options);
        if (separator)
            sscanf(separator, " - %31s", type);
        // What a masked path is bound to, and how, is the runtime's choice.
        if (strcmp(root, "/"))
            describe("%s bound\n", point);
        else
            describe("%s %s %s\n", point, type, options);
    }
}

static void describe_cgroup(void)
{
    static const char *const files[] = {"memory.max", "pids.max", "cpu.weight"};
    describe("%s", text_of("/proc/self/cgroup"));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        snprintf(path, sizeof path, "/sys/fs/cgroup/%s", files[i]);
        describe("%s %s", files[i], text_of(path));
    }
}

const struct kind process_kinds[] = {
    {"names", set_up_names, NULL, describe_names},
    {"threads", set_up_threads, check_threads, describe_threads},
    {"thread_pointers", NULL, NULL, describe_thread_pointers},
    {"identity", NULL, NULL, describe_identity},
    {"credentials", NULL, NULL, describe_credentials},
    {"limits", NULL, NULL, describe_limits},
    {"place", NULL, NULL, describe_place},
    {"auxiliary_vector", NULL, NULL, describe_auxiliary},
    {"host_name", NULL, NULL, describe_host_name},
    {"mounts", NULL, NULL, describe_mounts},
    {"cgroup", NULL, NULL, describe_cgroup},
    {0},
};

const struct kind member_kinds[] = {
    {"identity", NULL, NULL, describe_identity},
    {"credentials", NULL, NULL, describe_credentials},
    {"ambient_capabilities", NULL, NULL, describe_ambient},
    {"no_new_privileges", NULL, NULL, describe_no_new_privileges},
    {"limits", NULL, NULL, describe_limits},
    {"thread_pointers", NULL, NULL, describe_thread_pointers},
    {0},
};
