#include "kinds.h"

long succeed(long result, const char *call)
{
    if (result == -1) {
        fprintf(stderr, "kinds: %s: %s\n", call, strerror(errno));
        exit(1);
    }
    return result;
}

static uint64_t next(uint64_t value) { return value * 6364136223846793005u + 1442695040888963407u; }

void fill(void *at, size_t bytes, uint64_t seed)
{
    uint64_t *word = at, value = seed;
    for (size_t i = 0; i < bytes / sizeof *word; i++)
        word[i] = value = next(value);
}

long difference(const void *at, size_t bytes, uint64_t seed)
{
    const uint64_t *word = at;
    uint64_t value = seed;
    for (size_t i = 0; i < bytes / sizeof *word; i++)
        if (word[i] != (value = next(value)))
            return (long)(i * sizeof *word);
    return -1;
}

char *text_of(const char *path)
{
    static char text[65536];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got;
    while (file >= 0 && (got = read(file, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    if (file >= 0)
        close(file);
    text[length] = 0;
    return text;
}

const char *field_of(char *text, const char *name)
{
    static char value[512];
    size_t length = strlen(name);
    value[0] = 0;
    for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, name, length))
            continue;
        line += length;
        line += strspn(line, ": \t");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\n"), line);
        break;
    }
    return value;
}

double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_file(const char *directory, const char *name, uint64_t seed)
{
    static unsigned char contents[FILE_PAGES * PAGE];
    char path[512];
    fill(contents, sizeof contents, seed);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int file = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    MUST(write(file, contents, sizeof contents));
    MUST(close(file));
}

void write_files(const char *directory)
{
    write_file(directory, "mapped", MAPPED_SEED);
    write_file(directory, "regular", REGULAR_SEED);
    write_file(directory, "appended", APPENDED_SEED);
}
