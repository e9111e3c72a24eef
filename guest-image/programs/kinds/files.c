// Open files: regular, appended, directories, device nodes, on tmpfs, deleted, in memory.
#include "kinds.h"

#include <sys/sysmacros.h>

enum { POSITION = 5 * PAGE + 123, HIGH_DESCRIPTOR = 200 };

static int regular, duplicate, appended, read_only, directory, null, zero, temporary, deleted, in_memory;

static off_t position_of(int file) { return lseek(file, 0, SEEK_CUR); }

// Without O_LARGEFILE, which the kernel sets for every 64-bit process and the C library calls 0, and
// without O_DIRECTORY, which only matters while a file is opened.
static int flags_of(int file) { return fcntl(file, F_GETFL) & ~(0100000 | O_DIRECTORY); }

// Whether bytes from the start of the file are what fill wrote.
static bool contains(int file, size_t bytes, uint64_t seed)
{
    static unsigned char contents[FILE_PAGES * PAGE];
    return pread(file, contents, bytes, 0) == (ssize_t)bytes && difference(contents, bytes, seed) < 0;
}

static void write_contents(int file, size_t bytes, uint64_t seed)
{
    static unsigned char contents[FILE_PAGES * PAGE];
    fill(contents, bytes, seed);
    MUST(write(file, contents, bytes) == (ssize_t)bytes ? 0 : -1);
}

static void set_up_regular(void)
{
    regular = (int)MUST(open("/data/regular", O_RDWR));
    MUST(lseek(regular, POSITION, SEEK_SET));
}

static void check_regular(void)
{
    EXPECT(position_of(regular) == POSITION, "position is %ld", position_of(regular));
    EXPECT(flags_of(regular) == O_RDWR, "flags are %#o", flags_of(regular));
    EXPECT(contains(regular, FILE_PAGES * PAGE, REGULAR_SEED), "contents differ");
}

static void set_up_duplicate(void) { duplicate = (int)MUST(dup2(regular, HIGH_DESCRIPTOR)); }

// Both descriptors are one description: a seek by one is seen by the other.
static void check_duplicate(void)
{
    lseek(duplicate, 42, SEEK_SET);
    off_t seen = position_of(regular);
    lseek(regular, POSITION, SEEK_SET);
    EXPECT(seen == 42, "the descriptors no longer share a position");
}

static void set_up_appended(void) { appended = (int)MUST(open("/data/appended", O_WRONLY | O_APPEND | O_CLOEXEC)); }

static void check_appended(void)
{
    struct stat status;
    EXPECT(flags_of(appended) == (O_WRONLY | O_APPEND), "flags are %#o", flags_of(appended));
    EXPECT(fcntl(appended, F_GETFD) == FD_CLOEXEC, "close-on-exec is lost");
    off_t position = position_of(appended);
    lseek(appended, 0, SEEK_SET);
    ssize_t written = write(appended, "x", 1);
    fstat(appended, &status);
    MUST(ftruncate(appended, FILE_PAGES * PAGE));
    lseek(appended, position, SEEK_SET);
    EXPECT(written == 1 && status.st_size == FILE_PAGES * PAGE + 1, "a write does not append");
}

static void set_up_read_only(void) { read_only = (int)MUST(open("/bin/kinds", O_RDONLY | O_NONBLOCK | O_NOATIME)); }

static void check_read_only(void)
{
    EXPECT(flags_of(read_only) == (O_RDONLY | O_NONBLOCK | O_NOATIME), "flags are %#o", flags_of(read_only));
    EXPECT(write(read_only, "x", 1) < 0 && errno == EBADF, "the file can be written");
}

static void set_up_directory(void) { directory = (int)MUST(open("/data", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

static void check_directory(void)
{
    int file = openat(directory, "regular", O_RDONLY | O_CLOEXEC);
    EXPECT(file >= 0, "cannot open a file in it: %s", strerror(errno));
    close(file);
}

static void set_up_devices(void)
{
    null = (int)MUST(open("/dev/null", O_WRONLY));
    zero = (int)MUST(open("/dev/zero", O_RDONLY));
}

static void check_devices(void)
{
    struct stat status;
    char byte = 1;
    EXPECT(!fstat(null, &status) && status.st_rdev == makedev(1, 3) && write(null, "x", 1) == 1, "/dev/null");
    EXPECT(!fstat(zero, &status) && status.st_rdev == makedev(1, 5), "/dev/zero is %#lx", (long)status.st_rdev);
    EXPECT(read(zero, &byte, 1) == 1 && byte == 0, "/dev/zero reads %d", byte);
}

static void set_up_tmpfs(void)
{
    MUST(mkdir("/dev/shm/kinds", 0750));
    MUST(mkdir("/dev/shm/kinds/empty", 0700));
    MUST(symlink("file", "/dev/shm/kinds/link"));
    temporary = (int)MUST(open("/dev/shm/kinds/file", O_RDWR | O_CREAT | O_EXCL, 0640));
    MUST(fchown(temporary, 1000, 1001));
    MUST(fchmod(temporary, 0640));
    write_contents(temporary, 5 * PAGE, 20);
    MUST(lseek(temporary, 1000, SEEK_SET));
}

static void check_tmpfs(void)
{
    struct stat status, by_path;
    char target[16] = "";
    EXPECT(position_of(temporary) == 1000, "position is %ld", position_of(temporary));
    EXPECT(contains(temporary, 5 * PAGE, 20), "contents differ");
    EXPECT(!fstat(temporary, &status) && (status.st_mode & 07777) == 0640, "mode is %#o", status.st_mode);
    EXPECT(status.st_uid == 1000 && status.st_gid == 1001, "owner is %u:%u", status.st_uid, status.st_gid);
    EXPECT(!stat("/dev/shm/kinds/link", &by_path) && by_path.st_ino == status.st_ino, "the link leads elsewhere");
    EXPECT(readlink("/dev/shm/kinds/link", target, sizeof target) == 4, "the link reads %s", target);
    EXPECT(!stat("/dev/shm/kinds/empty", &status) && status.st_mode == (S_IFDIR | 0700), "the empty directory");
    EXPECT(!stat("/dev/shm/kinds", &status) && status.st_mode == (S_IFDIR | 0750), "the directory");
}

static void set_up_deleted(void)
{
    deleted = (int)MUST(open("/dev/shm/deleted", O_RDWR | O_CREAT | O_EXCL, 0600));
    write_contents(deleted, 3 * PAGE, 21);
    MUST(lseek(deleted, 77, SEEK_SET));
    MUST(unlink("/dev/shm/deleted"));
}

static void check_deleted(void)
{
    struct stat status;
    EXPECT(position_of(deleted) == 77, "position is %ld", position_of(deleted));
    EXPECT(contains(deleted, 3 * PAGE, 21), "contents differ");
    EXPECT(!fstat(deleted, &status) && status.st_nlink == 0, "the file has a name");
    EXPECT(access("/dev/shm/deleted", F_OK) < 0, "the name is back");
}

static void set_up_memfd(void)
{
    in_memory = (int)MUST(memfd_create("kinds", MFD_CLOEXEC));
    write_contents(in_memory, 4 * PAGE, 22);
    MUST(lseek(in_memory, 99, SEEK_SET));
}

static void check_memfd(void)
{
    char target[64] = "", path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", in_memory);
    EXPECT(readlink(path, target, sizeof target - 1) > 0 && !strncmp(target, "/memfd:kinds", 12), "it is %s", target);
    EXPECT(position_of(in_memory) == 99, "position is %ld", position_of(in_memory));
    EXPECT(contains(in_memory, 4 * PAGE, 22), "contents differ");
}

// Every descriptor there is: none lost, none added, each of the same type and with the same flags.
static void describe_descriptors(void)
{
    for (int descriptor = 0; descriptor < 1024; descriptor++) {
        struct stat status;
        if (descriptor == connection || fstat(descriptor, &status))
            continue;
        describe("descriptor %d type %#o flags %#o close-on-exec %d\n", descriptor, status.st_mode & S_IFMT,
                 flags_of(descriptor), fcntl(descriptor, F_GETFD));
    }
}

const struct kind file_kinds[] = {
    {"regular_file", set_up_regular, check_regular, NULL},
    {"duplicated_descriptor", set_up_duplicate, check_duplicate, NULL},
    {"appended_file", set_up_appended, check_appended, NULL},
    {"read_only_file", set_up_read_only, check_read_only, NULL},
    {"directory", set_up_directory, check_directory, NULL},
    {"device_nodes", set_up_devices, check_devices, NULL},
    {"tmpfs", set_up_tmpfs, check_tmpfs, NULL},
    {"deleted_file", set_up_deleted, check_deleted, NULL},
    {"memfd", set_up_memfd, check_memfd, NULL},
    {"descriptor_table", NULL, NULL, describe_descriptors},
    {0},
};
