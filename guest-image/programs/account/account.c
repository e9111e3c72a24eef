// Says what /proc tells of every process, a line for each fact, in a form that can be compared word by word. Not of itself, nor of
// the shell that called it, whose files are not what they will be when it is done:
//   caller PID
//   process PID PPID PGID SID THREADS KERNEL NAME      thread PID TID NAME       ids PID UID[4] GID[4] NSPID...
//   area PID <line of maps>                            fd PID N FLAGS POS TARGET  link PID cwd|root|exe TARGET
//   ns PID KIND:[INUM]                                 cgroup PID PATH            mount MNTNS ID PARENT DEV ROOT POINT
//   hierarchy PATH INODE
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char cgroups[] = "/sys/fs/cgroup";

static FILE *open_of(int pid, const char *format, ...)
{
    char file[128], path[192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(file, sizeof file, format, arguments);
    va_end(arguments);
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    return fopen(path, "re");
}

static bool link_of(int pid, const char *file, char target[PATH_MAX])
{
    char path[192];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    ssize_t length = readlink(path, target, PATH_MAX - 1);
    if (length < 0)
        return false;
    target[length] = 0;
    return true;
}

// The name of a thread, as far as TASK_COMM_LEN lets the kernel keep it in the thread itself; of its own it keeps more elsewhere.
static void print_name(int pid, int tid)
{
    char name[16] = "";
    FILE *comm = open_of(pid, "task/%d/comm", tid);
    if (comm && fgets(name, sizeof name, comm))
        name[strcspn(name, "\n")] = 0;
    if (comm)
        fclose(comm);
    puts(name);
}

static bool print_process(int pid)
{
    char line[1024] = "";
    FILE *stat = open_of(pid, "stat");
    if (!stat)
        return false;
    bool read = fgets(line, sizeof line, stat);
    fclose(stat);
    char *rest = strrchr(line, ')');
    int parent, group, session, threads;
    unsigned flags;
    if (!read || !rest || sscanf(rest, ") %*c %d %d %d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d", &parent, &group, &session, &flags, &threads) != 5)
        return false;
    printf("process %d %d %d %d %d %d ", pid, parent, group, session, threads, (flags & 0x200000) != 0);
    print_name(pid, pid);
    return true;
}

static int numbers(const char *directory, int **found)
{
    int count = 0;
    *found = NULL;
    DIR *entries = opendir(directory);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
    {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        *found = realloc(*found, (count + 1) * sizeof **found);
        (*found)[count++] = atoi(entry->d_name);
    }
    if (entries)
        closedir(entries);
    return count;
}

static void print_threads(int pid)
{
    char directory[64];
    snprintf(directory, sizeof directory, "/proc/%d/task", pid);
    int *threads, count = numbers(directory, &threads);
    for (int i = 0; i < count; i++)
    {
        printf("thread %d %d ", pid, threads[i]);
        print_name(pid, threads[i]);
    }
    free(threads);
}

static void print_ids(int pid)
{
    char line[512];
    FILE *status = open_of(pid, "status");
    printf("ids %d", pid);
    while (status && fgets(line, sizeof line, status))
    {
        if (strncmp(line, "Uid:", 4) && strncmp(line, "Gid:", 4) && strncmp(line, "NSpid:", 6))
            continue;
        for (char *word = strtok(strchr(line, ':') + 1, "\t\n"); word; word = strtok(NULL, "\t\n"))
            printf(" %s", word);
    }
    putchar('\n');
    if (status)
        fclose(status);
}

static void print_lines(const char *what, int pid, const char *file)
{
    char line[PATH_MAX + 256];
    FILE *lines = open_of(pid, "%s", file);
    while (lines && fgets(line, sizeof line, lines))
        printf("%s %d %s", what, pid, line);
    if (lines)
        fclose(lines);
}

static void print_descriptors(int pid)
{
    char directory[64], file[64], target[PATH_MAX], line[256];
    snprintf(directory, sizeof directory, "/proc/%d/fd", pid);
    int *descriptors, count = numbers(directory, &descriptors);
    for (int i = 0; i < count; i++)
    {
        snprintf(file, sizeof file, "fd/%d", descriptors[i]);
        FILE *info = open_of(pid, "fdinfo/%d", descriptors[i]);
        if (!info || !link_of(pid, file, target))
            continue;
        long long position = -1;
        unsigned flags = 0;
        while (fgets(line, sizeof line, info))
        {
            sscanf(line, "pos: %lld", &position);
            sscanf(line, "flags: %o", &flags);
        }
        fclose(info);
        printf("fd %d %d 0%o %lld %s\n", pid, descriptors[i], flags, position, target);
    }
    free(descriptors);
}

static void print_links(int pid)
{
    static const char *const links[] = {"cwd", "root", "exe"};
    static const char *const kinds[] = {"pid", "net", "ipc", "uts", "mnt", "user", "cgroup", "time"};
    char file[64], target[PATH_MAX];
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (link_of(pid, links[i], target))
            printf("link %d %s %s\n", pid, links[i], target);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    {
        snprintf(file, sizeof file, "ns/%s", kinds[i]);
        if (link_of(pid, file, target))
            printf("ns %d %s\n", pid, target);
    }
}

static void print_cgroup(int pid)
{
    char line[PATH_MAX];
    FILE *lines = open_of(pid, "cgroup");
    while (lines && fgets(line, sizeof line, lines))
        if (!strncmp(line, "0::", 3))
            printf("cgroup %d %s", pid, line + 3);
    if (lines)
        fclose(lines);
}

// Of each mount namespace once.
static void print_mounts(int pid)
{
    static char *seen[64];
    static size_t count;
    char space[PATH_MAX], line[PATH_MAX + 256], id[32], parent[32], device[32], root[PATH_MAX], point[PATH_MAX];
    if (!link_of(pid, "ns/mnt", space) || count == sizeof seen / sizeof *seen)
        return;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(seen[i], space))
            return;
    seen[count++] = strdup(space);
    FILE *lines = open_of(pid, "mountinfo");
    while (lines && fgets(line, sizeof line, lines))
        if (sscanf(line, "%31s %31s %31s %4095s %4095s", id, parent, device, root, point) == 5)
            printf("mount %s %s %s %s %s %s\n", space, id, parent, device, root, point);
    if (lines)
        fclose(lines);
}

static int print_hierarchy(const char *path, const struct stat *stat, int type, struct FTW *unused)
{
    (void)unused;
    const char *below = path + sizeof cgroups - 1;
    if (type == FTW_D)
        printf("hierarchy %s %lu\n", *below ? below : "/", stat->st_ino);
    return 0;
}

int main(void)
{
    // Its own pages and files are not what it is asked for.
    static char buffer[1 << 20];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    int *processes, count = numbers("/proc", &processes), self = getpid(), caller = getppid();
    if (!count)
        err(1, "/proc");
    printf("caller %d\n", caller);
    for (int i = 0; i < count; i++)
    {
        int pid = processes[i];
        if (pid == self || pid == caller || !print_process(pid))
            continue;
        print_threads(pid);
        print_ids(pid);
        print_lines("area", pid, "maps");
        print_descriptors(pid);
        print_links(pid);
        print_cgroup(pid);
        print_mounts(pid);
    }
    free(processes);
    if (nftw(cgroups, print_hierarchy, 16, FTW_PHYS))
        err(1, "%s", cgroups);
    return 0;
}
