// Memory, and system calls that work on memory of the program.
#include "odd.h"

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#ifndef PR_SET_MDWE // since Linux 6.3
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

static char *memory;

static char *map(size_t bytes, int flags)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
    MUST(at == MAP_FAILED ? -1 : 0);
    return at;
}

static void reserve_huge_pages(void)
{
    int pool = (int)MUST(open("/proc/sys/vm/nr_hugepages", O_WRONLY));
    MUST(write(pool, "4", 1));
    close(pool);
}

static void huge_pages(void)
{
    reserve_huge_pages();
    memory = map(2 << 20, MAP_PRIVATE | MAP_HUGETLB);
    memory[0] = 'h';
}

static void huge_memfd(void)
{
    reserve_huge_pages();
    MUST(ftruncate((int)MUST(memfd_create("odd", MFD_HUGETLB)), 2 << 20));
}

static void secret_memory(void)
{
    int secret = (int)MUST(syscall(SYS_memfd_secret, 0));
    MUST(ftruncate(secret, PAGE));
    memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, secret, 0);
    MUST(memory == MAP_FAILED ? -1 : 0);
    memory[0] = 's';
    close(secret);
}

static void protection_key(void)
{
    int key = (int)MUST(pkey_alloc(0, 0));
    memory = map(PAGE, MAP_PRIVATE);
    MUST(pkey_mprotect(memory, PAGE, PROT_READ | PROT_WRITE, key));
}

static void userfault(void)
{
    int faults = (int)MUST(syscall(SYS_userfaultfd, O_CLOEXEC));
    struct uffdio_api api = {.api = UFFD_API};
    MUST(ioctl(faults, UFFDIO_API, &api));
    memory = map(PAGE, MAP_PRIVATE);
    struct uffdio_register range = {{(uintptr_t)memory, PAGE}, UFFDIO_REGISTER_MODE_MISSING, 0};
    MUST(ioctl(faults, UFFDIO_REGISTER, &range));
}

static int ring(void)
{
    struct io_uring_params parameters = {0};
    return (int)MUST(syscall(SYS_io_uring_setup, 4, &parameters));
}

static void io_ring(void) { ring(); }

// The descriptor is closed; the task still has the ring, by its own number for it.
static void io_ring_registered(void)
{
    int made = ring();
    struct io_uring_rsrc_update registered = {.offset = -1U, .data = (unsigned)made};
    MUST(syscall(SYS_io_uring_register, made, IORING_REGISTER_RING_FDS, &registered, 1));
    close(made);
}

static void asynchronous_io(void)
{
    aio_context_t context = 0;
    MUST(syscall(SYS_io_setup, 4, &context));
}

static void memory_policy(void)
{
    unsigned long nodes = 1;
    MUST(syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 2UL));
}

static void memory_policy_of_area(void)
{
    unsigned long nodes = 1;
    memory = map(PAGE, MAP_PRIVATE);
    MUST(syscall(SYS_mbind, memory, (unsigned long)PAGE, MPOL_BIND, &nodes, 2UL, 0));
}

static void write_execute_denied(void) { MUST(prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)); }

static void share(void) { memory[0] = 'c'; }

// A shared mapping of a file on disk: what is written to it is in the guest's page cache, and on its disk.
static void shared_file(void)
{
    int file = (int)MUST(open("/root/odd.shared", O_RDWR | O_CREAT | O_TRUNC, 0600));
    MUST(ftruncate(file, PAGE));
    memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    MUST(memory == MAP_FAILED ? -1 : 0);
    close(file);
    share();
}

const struct oddity memory_oddities[] = {
    {"huge_pages", huge_pages, NULL},
    {"huge_memfd", huge_memfd, NULL},
    {"secret_memory", secret_memory, NULL},
    {"protection_key", protection_key, NULL},
    {"userfault", userfault, NULL},
    {"io_ring", io_ring, NULL},
    {"io_ring_registered", io_ring_registered, NULL},
    {"asynchronous_io", asynchronous_io, NULL},
    {"memory_policy", memory_policy, NULL},
    {"memory_policy_of_area", memory_policy_of_area, NULL},
    {"write_execute_denied", write_execute_denied, NULL},
    {"shared_file", shared_file, NULL},
    {0},
};
