// Files, and what is held through their descriptors.
#include "odd.h"

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

static int file, watcher;

static int make_file(const char *path)
{
    int made = (int)MUST(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600));
    MUST(write(made, "contents", 8));
    return made;
}

static void deleted_file(void)
{
    file = make_file("/root/odd.deleted");
    MUST(unlink("/root/odd.deleted"));
}

// /run is a tmpfs: its files are memory.
static void deleted_memory_file(void)
{
    file = make_file("/run/odd.deleted");
    MUST(unlink("/run/odd.deleted"));
}

static void named_memory_file(void) { file = make_file("/run/odd.named"); }

static const char *check_file(void)
{
    char contents[16] = "";
    struct stat status;
    if (pread(file, contents, sizeof contents, 0) != 8 || memcmp(contents, "contents", 8))
        return "its contents differ";
    return fstat(file, &status) || status.st_nlink ? "it has a name again" : NULL;
}

static void unnamed_file(void) { MUST(open("/root", O_TMPFILE | O_RDWR, 0600)); }

static void renamed_name(void)
{
    make_file("/root/odd.name");
    unlink("/root/odd.other-name");
    MUST(link("/root/odd.name", "/root/odd.other-name"));
    MUST(unlink("/root/odd.name"));
}

static void deleted_directory(void)
{
    MUST(mkdir("/root/odd.directory", 0700));
    MUST(chdir("/root/odd.directory"));
    MUST(rmdir("/root/odd.directory"));
}

static void flock_lock(void) { MUST(flock(make_file("/root/odd.flock"), LOCK_EX)); }

static void posix_lock(void) { MUST(fcntl(make_file("/root/odd.posix"), F_SETLK, &(struct flock){F_WRLCK, SEEK_SET, 0, 4, 0})); }

static void open_file_lock(void) { MUST(fcntl(make_file("/root/odd.ofd"), F_OFD_SETLK, &(struct flock){F_WRLCK, SEEK_SET, 0, 4, 0})); }

static void lease(void)
{
    close(make_file("/root/odd.lease"));
    MUST(fcntl((int)MUST(open("/root/odd.lease", O_RDONLY)), F_SETLEASE, F_RDLCK));
}

static void directory_notification(void)
{
    signal(SIGIO, SIG_IGN);
    MUST(fcntl((int)MUST(open("/root", O_RDONLY | O_DIRECTORY)), F_NOTIFY, DN_CREATE | DN_MULTISHOT));
}

static void inotify_on_disk(void)
{
    watcher = (int)MUST(inotify_init1(IN_NONBLOCK));
    MUST(inotify_add_watch(watcher, "/root", IN_CREATE));
}

static const char *check_inotify(void)
{
    char events[PAGE];
    unlink("/root/odd.seen");
    close(make_file("/root/odd.seen"));
    return read(watcher, events, sizeof events) > 0 ? NULL : "a new file is not told of";
}

// A watch on a file that has no name any more: there is no path to make it by again.
static void inotify_on_deleted(void)
{
    int watched = make_file("/root/odd.watched");
    watcher = (int)MUST(inotify_init1(IN_NONBLOCK));
    MUST(inotify_add_watch(watcher, "/root/odd.watched", IN_MODIFY));
    MUST(unlink("/root/odd.watched"));
    (void)watched;
}

static void fanotify(void) { MUST(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY)); }

static void event_semaphore(void) { MUST(eventfd(3, EFD_SEMAPHORE)); }

static void alarm_timerfd(void)
{
    int timer = (int)MUST(timerfd_create(CLOCK_BOOTTIME_ALARM, 0));
    MUST(timerfd_settime(timer, 0, &(struct itimerspec){{0, 0}, {3600, 0}}, NULL));
}

static void hold(void) {}

// epoll goes on watching what is closed here and open elsewhere.
static void epoll_of_closed(void)
{
    int poller = (int)MUST(epoll_create1(0)), watched = (int)MUST(eventfd(0, 0));
    MUST(epoll_ctl(poller, EPOLL_CTL_ADD, watched, &(struct epoll_event){EPOLLIN, {.u64 = 1}}));
    inside(hold);
    close(watched);
}

static void terminal(void)
{
    int master = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(grantpt(master));
    MUST(unlockpt(master));
    MUST(open(ptsname(master), O_RDWR));
}

static void terminal_descriptor(void) { MUST(posix_openpt(O_RDWR | O_NOCTTY)); }

static void kernel_log(void) { MUST(open("/dev/kmsg", O_RDONLY)); }

static void disk(void) { MUST(open("/dev/vda", O_RDONLY)); }

static void path_of_fifo(void)
{
    mknod("/run/odd.fifo", S_IFIFO | 0600, 0);
    MUST(open("/run/odd.fifo", O_PATH));
}

static void pipe_to_outside(void)
{
    int ends[2];
    MUST(pipe(ends));
    file = ends[1];
    outside(hold);
    close(ends[1]);
}

static void pidfd(void) { MUST(syscall(SYS_pidfd_open, getpid(), 0)); }

static void perf_event(void)
{
    struct perf_event_attr counter = {.type = PERF_TYPE_SOFTWARE, .size = sizeof counter, .config = PERF_COUNT_SW_CPU_CLOCK};
    MUST(syscall(SYS_perf_event_open, &counter, 0, -1, -1, 0));
}

static void bpf_map(void)
{
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4};
    MUST(syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
}

static void mount_descriptor(void) { MUST(syscall(SYS_fsopen, "tmpfs", 0)); }

static void detached_tree(void) { MUST(syscall(SYS_open_tree, AT_FDCWD, "/run", 1)); } // OPEN_TREE_CLONE

const struct oddity file_oddities[] = {
    {"deleted_file", deleted_file, NULL},
    {"deleted_memory_file", deleted_memory_file, check_file},
    {"named_memory_file", named_memory_file, NULL},
    {"unnamed_file", unnamed_file, NULL},
    {"renamed_name", renamed_name, NULL},
    {"deleted_directory", deleted_directory, NULL},
    {"flock", flock_lock, NULL},
    {"posix_lock", posix_lock, NULL},
    {"open_file_lock", open_file_lock, NULL},
    {"lease", lease, NULL},
    {"directory_notification", directory_notification, NULL},
    {"inotify_on_disk", inotify_on_disk, check_inotify},
    {"inotify_on_deleted", inotify_on_deleted, NULL},
    {"fanotify", fanotify, NULL},
    {"event_semaphore", event_semaphore, NULL},
    {"alarm_timerfd", alarm_timerfd, NULL},
    {"epoll_of_closed", epoll_of_closed, NULL},
    {"terminal", terminal, NULL},
    {"terminal_descriptor", terminal_descriptor, NULL},
    {"kernel_log", kernel_log, NULL},
    {"disk", disk, NULL},
    {"path_of_fifo", path_of_fifo, NULL},
    {"pipe_to_outside", pipe_to_outside, NULL},
    {"pidfd", pidfd, NULL},
    {"perf_event", perf_event, NULL},
    {"bpf_map", bpf_map, NULL},
    {"mount_descriptor", mount_descriptor, NULL},
    {"detached_tree", detached_tree, NULL},
    {0},
};
