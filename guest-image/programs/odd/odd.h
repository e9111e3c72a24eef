// A program that holds one kernel object out of the ordinary, by name: something that a checkpoint
// must either carry or refuse with a word about it, before it touches the program.
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
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

// check returns what is wrong with the object, or NULL; it may use the object up.
struct oddity {
    const char *name;
    void (*make)(void);
    const char *(*check)(void);
};

// Tables end with an entry without a name.
extern const struct oddity file_oddities[], socket_oddities[], memory_oddities[], task_oddities[], ipc_oddities[];

// Within make: ends the program with the reason unless the call succeeds.
long succeed(long result, const char *call);
#define MUST(call) succeed((long)(call), #call)

// fork(2) without what a process has that is not one of the objects; the second lets go of that alone.
pid_t split(void);
void keep_quiet(void);
void wait_for_ever(void);
// A process of the tree that runs the function and then waits for ever.
pid_t inside(void (*run)(void));
// The same outside of the tree: nobody's child but init's. Returns once the function has returned.
void outside(void (*run)(void));
