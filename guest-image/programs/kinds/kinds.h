// A program that holds one of each kind of kernel object a container may have, and can tell
// afterwards whether each is still as it was. It is the judge of a checkpoint and restore.
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, TEXT_LIMIT = 16384 };

// A kind has what it needs of three: set_up makes the object, check says by EXPECT what is
// wrong with it and leaves it as it was, describe writes a text that must stay the same.
struct kind {
    const char *name;
    void (*set_up)(void);
    void (*check)(void);
    void (*describe)(void);
};

// Tables end with an entry without a name.
extern const struct kind memory_kinds[], file_kinds[], event_kinds[], socket_kinds[], signal_kinds[],
    timer_kinds[], process_kinds[], family_kinds[], member_kinds[];

void set_up(const struct kind *table);
void remember(const struct kind *table);
// Writes "ok NAME" or "FAIL NAME why" for each kind, with prefix before the name.
void judge(const struct kind *table, const char *prefix, int answer);

// Within check: the first expectation that fails is the kind's verdict.
void explain(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define EXPECT(condition, ...)          \
    do {                                \
        if (!(condition)) {             \
            explain(__VA_ARGS__);       \
            return;                     \
        }                               \
    } while (0)

// Within describe: adds to the text.
void describe(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Within set_up: ends the program with the reason unless the call succeeds.
long succeed(long result, const char *call);
#define MUST(call) succeed((long)(call), #call)

// Deterministic contents of any length.
void fill(void *at, size_t bytes, uint64_t seed);
// Offset of the first byte that is not what fill wrote, or -1.
long difference(const void *at, size_t bytes, uint64_t seed);

// The text of a small file of /proc; valid until the next call.
char *text_of(const char *path);
// The rest of the line that starts with name, or "".
const char *field_of(char *text, const char *name);
double seconds(clockid_t clock);
// The descriptor of the connection that is being answered; not one of the objects judged.
extern int connection;

// family.c: the processes beside the leader. Forked before the leader sets up its own kinds.
void start_family(void);
void judge_family(int answer);

// Objects that the leader shares with its peer process.
enum { SHARED_PAGES = 64, SHARED_SEED = 101 };
struct shared {
    uint64_t *memory;
    int description;
    int pipe[2];
    int pair[2];
};
extern struct shared shared;

// The files of the root file system that the program opens; written when the image is built.
enum { FILE_PAGES = 16, MAPPED_SEED = 201, REGULAR_SEED = 202, APPENDED_SEED = 203 };
void write_files(const char *directory);
