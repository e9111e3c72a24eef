// Mappings: anonymous, shared, of files, advised, protected; the heap and the map as a whole.
#include "kinds.h"

enum { ANONYMOUS_PAGES = 256, HOLE_EVERY = 4, HUGE = 2 << 20, HEAP_PAGES = 8 };

static unsigned char *anonymous, *readable, *hidden, *huge, *undumped, *heap, *mapped;

static void *map(size_t bytes, int protection, int flags, int file, off_t offset)
{
    void *at = mmap(NULL, bytes, protection, flags, file, offset);
    MUST(at == MAP_FAILED ? -1 : 0);
    return at;
}

static unsigned char *map_anonymous(size_t bytes)
{
    return map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

// The line of a mapping in /proc/self/maps or smaps, and what follows it.
static char *mapping_of(const char *path, const void *at)
{
    char start[32];
    snprintf(start, sizeof start, "%lx-", (unsigned long)at);
    char *text = text_of(path);
    for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (!strncmp(line, start, strlen(start)))
            return line;
    return text + strlen(text);
}

static bool has_flag(const void *at, const char *flag)
{
    return strstr(field_of(mapping_of("/proc/self/smaps", at), "VmFlags"), flag);
}

// Pages never touched lie between pages with contents: they must read as zero, not as a neighbour.
static void set_up_anonymous(void)
{
    anonymous = map_anonymous(ANONYMOUS_PAGES * PAGE);
    madvise(anonymous, ANONYMOUS_PAGES * PAGE, MADV_NOHUGEPAGE);
    for (size_t page = 0; page < ANONYMOUS_PAGES; page++)
        if (page % HOLE_EVERY)
            fill(anonymous + page * PAGE, PAGE, page);
}

static void check_anonymous(void)
{
    static const unsigned char zero[PAGE];
    for (size_t page = 0; page < ANONYMOUS_PAGES; page++) {
        const unsigned char *at = anonymous + page * PAGE;
        if (page % HOLE_EVERY)
            EXPECT(difference(at, PAGE, page) < 0, "page %zu differs at %ld", page, difference(at, PAGE, page));
        else
            EXPECT(!memcmp(at, zero, PAGE), "hole %zu is not zero", page);
    }
}

static void set_up_protected(void)
{
    unsigned char *at = map_anonymous(3 * PAGE);
    fill(at, 3 * PAGE, 7);
    readable = at + PAGE;
    hidden = at + 2 * PAGE;
    MUST(mprotect(readable, PAGE, PROT_READ));
    MUST(mprotect(hidden, PAGE, PROT_NONE));
}

static void check_protected(void)
{
    EXPECT(strstr(mapping_of("/proc/self/maps", readable), " r--p"), "the page is not read-only");
    EXPECT(strstr(mapping_of("/proc/self/maps", hidden), " ---p"), "the page is not inaccessible");
    MUST(mprotect(hidden, PAGE, PROT_READ));
    long at = difference(readable - PAGE, 3 * PAGE, 7);
    MUST(mprotect(hidden, PAGE, PROT_NONE));
    EXPECT(at < 0, "contents differ at %ld", at);
}

static void set_up_huge(void)
{
    unsigned char *at = map_anonymous(3 * HUGE);
    huge = (unsigned char *)(((uintptr_t)at + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    if (huge > at)
        MUST(munmap(at, (size_t)(huge - at)));
    MUST(munmap(huge + 2 * HUGE, (size_t)(at + HUGE - huge)));
    MUST(madvise(huge, 2 * HUGE, MADV_HUGEPAGE));
    fill(huge, HUGE + 3 * PAGE, 8);
}

static void check_huge(void)
{
    EXPECT(has_flag(huge, "hg"), "MADV_HUGEPAGE is lost");
    EXPECT(difference(huge, HUGE + 3 * PAGE, 8) < 0, "contents differ at %ld", difference(huge, HUGE + 3 * PAGE, 8));
}

static void set_up_undumped(void)
{
    undumped = map_anonymous(2 * PAGE);
    MUST(madvise(undumped, 2 * PAGE, MADV_DONTDUMP));
    MUST(madvise(undumped, 2 * PAGE, MADV_DONTFORK));
    fill(undumped, 2 * PAGE, 9);
}

static void check_undumped(void)
{
    EXPECT(has_flag(undumped, "dd"), "MADV_DONTDUMP is lost");
    EXPECT(has_flag(undumped, "dc"), "MADV_DONTFORK is lost");
    EXPECT(difference(undumped, 2 * PAGE, 9) < 0, "contents differ");
}

static void set_up_heap(void)
{
    heap = sbrk(HEAP_PAGES * PAGE);
    MUST(heap == (void *)-1 ? -1 : 0);
    fill(heap, HEAP_PAGES * PAGE, 10);
}

static void check_heap(void)
{
    EXPECT(difference(heap, HEAP_PAGES * PAGE, 10) < 0, "contents differ");
}

static void describe_heap(void) { describe("break %p\n", sbrk(0)); }

// Four pages into the file, two of its pages written: those are the process's own now.
static void set_up_mapped(void)
{
    int file = (int)MUST(open("/data/mapped", O_RDONLY | O_CLOEXEC));
    mapped = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 4 * PAGE);
    close(file);
    fill(mapped + PAGE, PAGE, 11);
    fill(mapped + 5 * PAGE, PAGE, 12);
}

static void check_mapped(void)
{
    static unsigned char whole[FILE_PAGES * PAGE];
    fill(whole, sizeof whole, MAPPED_SEED);
    EXPECT(strstr(mapping_of("/proc/self/maps", mapped), "00004000"), "the offset in the file is lost");
    EXPECT(difference(mapped + PAGE, PAGE, 11) < 0, "the first written page differs");
    EXPECT(difference(mapped + 5 * PAGE, PAGE, 12) < 0, "the second written page differs");
    for (size_t page = 0; page < 8; page++)
        if (page != 1 && page != 5)
            EXPECT(!memcmp(mapped + page * PAGE, whole + (page + 4) * PAGE, PAGE), "page %zu is not the file's", page);
}

// Adjacent areas that are alike count as one: whether the kernel merged them is its own affair.
static void describe_map(void)
{
    unsigned long start = 0, end = 0;
    char alike[256] = "";
    char *text = text_of("/proc/self/maps");
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned long from, to, offset;
        char protection[5], path[128] = "", now[256];
        sscanf(line, "%lx-%lx %4s %lx %*s %*s %127[^\n]", &from, &to, protection, &offset, path);
        // Shared anonymous memory is a file of the kernel's, by whatever name it was made.
        if (strstr(path, "/dev/zero (deleted)"))
            strcpy(path, "[shared]");
        snprintf(now, sizeof now, "%s %lx %s", protection, path[0] == '/' ? offset - from : 0, path);
        if (from != end || strcmp(now, alike)) {
            if (end)
                describe("%lx-%lx %s\n", start, end, alike);
            start = from;
            strcpy(alike, now);
        }
        end = to;
    }
    describe("%lx-%lx %s\n", start, end, alike);
}

const struct kind memory_kinds[] = {
    {"private_anonymous", set_up_anonymous, check_anonymous, NULL},
    {"protected_pages", set_up_protected, check_protected, NULL},
    {"huge_pages", set_up_huge, check_huge, NULL},
    {"memory_advice", set_up_undumped, check_undumped, NULL},
    {"heap", set_up_heap, check_heap, describe_heap},
    {"private_file", set_up_mapped, check_mapped, NULL},
    {"memory_map", NULL, NULL, describe_map},
    {0},
};
