// Counts in several threads and can prove that it never lost a step, repeated one, or lost a register.
//
//   counter [--threads N] [--spin]   counts; --spin adds a thread that never sleeps
//   counter --report                 asks the running counter, prints one line of JSON; 1 if it shows an error
//   counter --reset                  the same, and starts the largest gaps anew
//
// Each thread advances h = h * A + C from its seed. After n steps h is a function of n alone, so a
// count and a hash that agree show that every step was taken once, from the state the last one left.
// Between batches each thread waits in a different system call with known values in all x87, SSE
// and AVX registers.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_LIMIT = 16, BATCH = 1000, PAUSE_NS = 5000000, TICK_MS = 1, TLS_WORDS = 16, X87_REGISTERS = 6 };

static const uint64_t multiplier = 6364136223846793005u, increment = 1442695040888963407u;

struct worker {
    pthread_mutex_t lock; // held over a batch: count and hash are read together
    uint64_t count, hash, register_errors, storage_errors, call_errors, interruptions;
    bool spins;
};

struct clock_watch {
    clockid_t clock;
    const char *name;
    uint64_t last, largest_gap, steps_back;
};

static struct worker workers[THREADS_LIMIT];
static size_t worker_count = 4;
static struct clock_watch watches[] = {
    {CLOCK_MONOTONIC, "monotonic", 0, 0, 0}, {CLOCK_BOOTTIME, "boottime", 0, 0, 0}, {CLOCK_REALTIME, "realtime", 0, 0, 0}};
enum { WATCHES = sizeof watches / sizeof *watches };
static uint64_t ticks;
static __thread uint64_t local[TLS_WORDS];

static uint64_t seed_of(size_t index) { return index + 1; }
static uint64_t step(uint64_t hash) { return hash * multiplier + increment; }

// The hash after count steps, in log(count) multiplications.
static uint64_t hash_after(uint64_t seed, uint64_t count)
{
    uint64_t a = multiplier, c = increment, a_all = 1, c_all = 0;
    for (; count; count >>= 1) {
        if (count & 1) {
            a_all *= a;
            c_all = c_all * a + c;
        }
        c *= a + 1;
        a *= a;
    }
    return seed * a_all + c_all;
}

// The layout that registers.S knows.
struct registers {
    uint8_t vector[16][32];
    uint8_t x87[X87_REGISTERS][16]; // each ten bytes long
    uint32_t mxcsr;
    uint16_t control;
} __attribute__((aligned(32)));
_Static_assert(offsetof(struct registers, x87) == 512 && offsetof(struct registers, mxcsr) == 608 &&
                   offsetof(struct registers, control) == 612,
               "the offsets in registers.S");

long call_with_sse(const struct registers *in, struct registers *out, long number, const long arguments[6]);
long call_with_avx(const struct registers *in, struct registers *out, long number, const long arguments[6]);

static void choose_registers(struct registers *registers, uint64_t hash)
{
    for (size_t i = 0; i < sizeof registers->vector / sizeof hash; i++)
        memcpy(registers->vector[0] + i * sizeof hash, &(uint64_t){hash = step(hash)}, sizeof hash);
    for (size_t i = 0; i < X87_REGISTERS; i++) {
        long double value = (long double)(hash = step(hash)) / 3;
        memset(registers->x87[i], 0, sizeof *registers->x87);
        memcpy(registers->x87[i], &value, 10);
    }
    registers->mxcsr = hash & 0x10000 ? 0x5f80 : 0x3f80;  // rounding up or down, exceptions masked
    registers->control = hash & 0x20000 ? 0x027f : 0x0b7f; // precision and rounding, exceptions masked
}

static bool same_registers(const struct registers *a, const struct registers *b, bool avx)
{
    for (size_t i = 0; i < 16; i++)
        if (memcmp(a->vector[i], b->vector[i], avx ? 32 : 16))
            return false;
    for (size_t i = 0; i < X87_REGISTERS; i++)
        if (memcmp(a->x87[i], b->x87[i], 10))
            return false;
    // The low six bits of MXCSR are exceptions that have happened.
    return (a->mxcsr & ~0x3fu) == (b->mxcsr & ~0x3fu) && a->control == b->control;
}

// How each thread waits: in the four ways a system call is taken up again after a freeze. CRIU may
// let those with a relative time-out return EINTR, which is counted but no error. False: any other result.
static bool wait_a_little(size_t index, struct registers *in, struct registers *out, bool avx, uint64_t *interruptions)
{
    static const uint32_t word = 0;
    struct timespec pause = {0, PAUSE_NS}, until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += PAUSE_NS;
    if (until.tv_nsec >= 1000000000)
        until.tv_sec++, until.tv_nsec -= 1000000000;
    const struct {
        long number, arguments[6], result;
    } calls[] = {
        {SYS_nanosleep, {(long)&pause, 0, 0, 0, 0, 0}, 0},
        {SYS_poll, {0, 0, PAUSE_NS / 1000000, 0, 0, 0}, 0},
        {SYS_futex, {(long)&word, FUTEX_WAIT_PRIVATE, 0, (long)&pause, 0, 0}, -ETIMEDOUT},
        {SYS_clock_nanosleep, {CLOCK_MONOTONIC, TIMER_ABSTIME, (long)&until, 0, 0, 0}, 0},
    };
    size_t which = index % (sizeof calls / sizeof *calls);
    long result = (avx ? call_with_avx : call_with_sse)(in, out, calls[which].number, calls[which].arguments);
    *interruptions += result == -EINTR;
    return result == calls[which].result || result == -EINTR;
}

static void *count(void *argument)
{
    struct worker *worker = argument;
    size_t index = (size_t)(worker - workers);
    bool avx = __builtin_cpu_supports("avx");
    struct registers in, out;
    uint64_t storage = seed_of(index) * multiplier;
    for (size_t i = 0; i < TLS_WORDS; i++)
        local[i] = storage + i;
    for (;;) {
        pthread_mutex_lock(&worker->lock);
        for (size_t i = 0; i < BATCH; i++)
            worker->hash = step(worker->hash);
        worker->count += BATCH;
        uint64_t hash = worker->hash;
        pthread_mutex_unlock(&worker->lock);

        for (size_t i = 0; i < TLS_WORDS; i++)
            worker->storage_errors += local[i] != storage + i;
        if (worker->spins)
            continue;
        choose_registers(&in, hash);
        worker->call_errors += !wait_a_little(index, &in, &out, avx, &worker->interruptions);
        worker->register_errors += !same_registers(&in, &out, avx);
    }
    return NULL;
}

static void watch_clocks(void)
{
    for (size_t i = 0; i < WATCHES; i++) {
        struct clock_watch *watch = &watches[i];
        struct timespec time;
        clock_gettime(watch->clock, &time);
        uint64_t now = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
        if (watch->last && now < watch->last)
            watch->steps_back++;
        else if (watch->last && now - watch->last > watch->largest_gap)
            watch->largest_gap = now - watch->last;
        watch->last = now;
    }
    ticks++;
}

// A count may be large enough to need all of 64 bits, more than many JSON readers keep: hash is text.
static void report(FILE *answer)
{
    bool intact = true;
    fprintf(answer, "{\"threads\":[");
    for (size_t i = 0; i < worker_count; i++) {
        struct worker *worker = &workers[i];
        pthread_mutex_lock(&worker->lock);
        uint64_t count_now = worker->count, hash = worker->hash;
        pthread_mutex_unlock(&worker->lock);
        bool chain = hash == hash_after(seed_of(i), count_now);
        intact &= chain && !worker->register_errors && !worker->storage_errors && !worker->call_errors;
        fprintf(answer,
                "%s{\"seed\":%lu,\"count\":%lu,\"hash\":\"%016lx\",\"chain\":%s,\"registerErrors\":%lu,"
                "\"storageErrors\":%lu,\"callErrors\":%lu,\"interruptions\":%lu}",
                i ? "," : "", seed_of(i), count_now, hash, chain ? "true" : "false", worker->register_errors,
                worker->storage_errors, worker->call_errors, worker->interruptions);
    }
    fprintf(answer, "],\"ticks\":%lu,\"clocks\":{", ticks);
    for (size_t i = 0; i < WATCHES; i++) {
        struct clock_watch *watch = &watches[i];
        // Only the wall clock may be set back, by whoever keeps the guest's time.
        intact &= !watch->steps_back || watch->clock == CLOCK_REALTIME;
        fprintf(answer, "%s\"%s\":{\"now\":%lu,\"largestGap\":%lu,\"stepsBack\":%lu}", i ? "," : "", watch->name,
                watch->last, watch->largest_gap, watch->steps_back);
    }
    fprintf(answer, "},\"avx\":%s,\"intact\":%s}\n", __builtin_cpu_supports("avx") ? "true" : "false",
            intact ? "true" : "false");
}

static const struct sockaddr_un address = {AF_UNIX, "/run/counter.sock"};

static void answer(int connection)
{
    char command = 0;
    FILE *out = fdopen(connection, "w");
    if (read(connection, &command, 1) == 1)
        report(out);
    fclose(out);
    if (command == '0')
        for (size_t i = 0; i < WATCHES; i++)
            watches[i].largest_gap = 0;
}

static int serve(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) || listen(listener, 8)) {
        perror(address.sun_path);
        return 2;
    }
    for (size_t i = 0; i < worker_count; i++) {
        pthread_t thread;
        workers[i].hash = seed_of(i);
        pthread_mutex_init(&workers[i].lock, NULL);
        if (pthread_create(&thread, NULL, count, &workers[i])) {
            perror("counter: thread");
            return 2;
        }
    }
    for (;;) {
        struct pollfd wanted = {listener, POLLIN, 0};
        if (poll(&wanted, 1, TICK_MS) == 1) {
            int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (connection >= 0)
                answer(connection);
        }
        watch_clocks();
    }
}

static int ask(char command)
{
    char line[8192];
    int link = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(link, (const struct sockaddr *)&address, sizeof address) || write(link, &command, 1) != 1) {
        perror(address.sun_path);
        return 2;
    }
    FILE *in = fdopen(link, "r");
    if (!fgets(line, sizeof line, in)) {
        fprintf(stderr, "counter: no answer\n");
        return 2;
    }
    fputs(line, stdout);
    return strstr(line, "\"intact\":true") ? 0 : 1;
}

int main(int arguments, char **values)
{
    bool spin = false;
    for (int i = 1; i < arguments; i++) {
        if (!strcmp(values[i], "--report"))
            return ask('?');
        if (!strcmp(values[i], "--reset"))
            return ask('0');
        if (!strcmp(values[i], "--spin")) {
            spin = true;
        } else if (!strcmp(values[i], "--threads") && i + 1 < arguments && atoi(values[i + 1]) > 0 &&
                   atoi(values[i + 1]) < THREADS_LIMIT) {
            worker_count = (size_t)atoi(values[++i]);
        } else {
            fprintf(stderr, "usage: counter [--threads N] [--spin] | --report | --reset\n");
            return 2;
        }
    }
    if (spin)
        workers[worker_count++].spins = true;
    return serve();
}
