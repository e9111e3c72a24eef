// Writes numbered records to a file as a database writes its log, and can prove that the file is what it remembers.
//
//   ledger FILE [--writers N]   writes, from several processes with shared memory; takes up what FILE has
//   ledger --check              asks the running ledger, prints one line of JSON; 1 if it shows an error
//
// Each record is appended and flushed to the disk before it counts: then its number's check goes into the
// index, in memory that the processes share, and into what its writer remembers by itself. A check
// holds the writers off, reads the whole file, and compares it with the index, record by record.
// Meanwhile each writer reads old records of its own again and compares them with its own memory.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// A record is a line: its number, its writer and its check, each of a fixed width.
enum { RECORD = 10 + 1 + 2 + 1 + 16 + 1, MOST_RECORDS = 1 << 20, MOST_WRITERS = 16, LOOK_BACK = 16, PAUSE_NS = 2000000 };

struct shared {
    pthread_mutex_t lock; // held from a record's number to its place in the index
    uint64_t records, misread[MOST_WRITERS], written[MOST_WRITERS];
    uint64_t index[MOST_RECORDS]; // the check of the record of that number
};

static struct shared *shared;
static int file = -1;
static const struct sockaddr_un address = {AF_UNIX, "/run/ledger.sock"};

// Known of the number and the writer alone, and of no other pair.
static uint64_t check_of(uint64_t number, unsigned writer)
{
    uint64_t hash = (number << 4 | writer) + 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
    return hash ^ hash >> 31;
}

static void format(char line[RECORD + 1], uint64_t number, unsigned writer)
{
    snprintf(line, RECORD + 1, "%010" PRIu64 " %02u %016" PRIx64 "\n", number, writer, check_of(number, writer));
}

static void die(const char *what)
{
    perror(what);
    _exit(2);
}

// Writes the next record; it counts when this returns.
static uint64_t commit(unsigned writer)
{
    char line[RECORD + 1];
    pthread_mutex_lock(&shared->lock);
    uint64_t number = shared->records;
    if (number == MOST_RECORDS) {
        pthread_mutex_unlock(&shared->lock);
        return number;
    }
    format(line, number, writer);
    if (write(file, line, RECORD) != RECORD || fsync(file))
        die("ledger: write");
    shared->index[number] = check_of(number, writer);
    shared->records++;
    shared->written[writer]++;
    pthread_mutex_unlock(&shared->lock);
    return number;
}

static void run_writer(unsigned writer)
{
    uint64_t *own = calloc(MOST_RECORDS, sizeof *own), count = 0, state = writer + 1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!own)
        die("ledger: memory");
    for (;;) {
        uint64_t number = commit(writer);
        if (number < MOST_RECORDS)
            own[count++] = number;
        for (unsigned i = 0; i < LOOK_BACK && count; i++) {
            char line[RECORD + 1] = {0}, remembered[RECORD + 1];
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint64_t old = own[(state >> 33) % count];
            format(remembered, old, writer);
            if (pread(file, line, RECORD, (off_t)(old * RECORD)) != RECORD || memcmp(line, remembered, RECORD) ||
                shared->index[old] != check_of(old, writer))
                __atomic_add_fetch(&shared->misread[writer], 1, __ATOMIC_RELAXED);
        }
        nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    }
}

// Compares the file with the index: every number once, in its place, as it was written.
static void report(FILE *answer)
{
    static unsigned char seen[MOST_RECORDS];
    uint64_t lines = 0, doubled = 0, wrong = 0, lost = 0, misread = 0, written = 0;
    char line[RECORD + 1];
    int again = dup(file);
    memset(seen, 0, sizeof seen);
    pthread_mutex_lock(&shared->lock);
    struct stat status;
    if (fstat(file, &status))
        die("ledger: stat");
    for (off_t at = 0; pread(again, line, RECORD, at) == RECORD; at += RECORD, lines++) {
        char expected[RECORD + 1];
        uint64_t number = 0;
        unsigned writer = 0;
        line[RECORD] = 0;
        if (sscanf(line, "%10" SCNu64 " %2u", &number, &writer) != 2 || number >= MOST_RECORDS) {
            wrong++;
            continue;
        }
        format(expected, number, writer);
        doubled += seen[number];
        seen[number] = 1;
        wrong += memcmp(line, expected, RECORD) || number != lines || number >= shared->records ||
                 shared->index[number] != check_of(number, writer);
    }
    for (uint64_t number = 0; number < shared->records; number++)
        lost += !seen[number];
    for (unsigned i = 0; i < MOST_WRITERS; i++) {
        misread += shared->misread[i];
        written += shared->written[i];
    }
    bool intact = !doubled && !wrong && !lost && !misread && lines == shared->records && written == lines &&
                  (uint64_t)status.st_size == lines * RECORD;
    fprintf(answer,
            "{\"records\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"bytes\":%jd,\"lost\":%" PRIu64 ",\"doubled\":%" PRIu64
            ",\"wrong\":%" PRIu64 ",\"misread\":%" PRIu64 ",\"intact\":%s}\n",
            shared->records, lines, (intmax_t)status.st_size, lost, doubled, wrong, misread, intact ? "true" : "false");
    pthread_mutex_unlock(&shared->lock);
    close(again);
}

// What the file has already belongs to the ledger, as after a crash: a last line that is not whole does not.
static void take_up(void)
{
    char line[RECORD + 1], expected[RECORD + 1];
    for (; shared->records < MOST_RECORDS && pread(file, line, RECORD, (off_t)(shared->records * RECORD)) == RECORD; shared->records++) {
        unsigned writer = 0;
        line[RECORD] = 0;
        if (sscanf(line, "%*u %2u", &writer) != 1 || writer >= MOST_WRITERS)
            break;
        format(expected, shared->records, writer);
        if (memcmp(line, expected, RECORD))
            break;
        shared->index[shared->records] = check_of(shared->records, writer);
        shared->written[writer]++;
    }
    if (ftruncate(file, (off_t)(shared->records * RECORD)))
        die("ledger: truncate");
}

static _Noreturn void serve(const char *path, unsigned writers)
{
    pthread_mutexattr_t between;
    pthread_mutexattr_init(&between);
    pthread_mutexattr_setpshared(&between, PTHREAD_PROCESS_SHARED);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (shared == MAP_FAILED || file < 0)
        die(path);
    pthread_mutex_init(&shared->lock, &between);
    take_up();
    signal(SIGCHLD, SIG_DFL);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) || listen(listener, 8))
        die(address.sun_path);
    for (unsigned i = 0; i < writers; i++) {
        pid_t child = fork();
        if (child < 0)
            die("ledger: fork");
        if (!child) {
            close(listener);
            run_writer(i);
        }
    }
    for (;;) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0)
            continue;
        FILE *answer = fdopen(connection, "w");
        report(answer);
        fclose(answer);
    }
}

static int ask(void)
{
    char line[1024];
    int link = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(link, (const struct sockaddr *)&address, sizeof address)) {
        perror(address.sun_path);
        return 2;
    }
    FILE *in = fdopen(link, "r");
    if (!fgets(line, sizeof line, in)) {
        fprintf(stderr, "ledger: no answer\n");
        return 2;
    }
    fputs(line, stdout);
    return strstr(line, "\"intact\":true") ? 0 : 1;
}

int main(int arguments, char **values)
{
    unsigned writers = 4;
    if (arguments == 2 && !strcmp(values[1], "--check"))
        return ask();
    if (arguments == 4 && !strcmp(values[2], "--writers") && atoi(values[3]) > 0 && atoi(values[3]) <= MOST_WRITERS)
        writers = (unsigned)atoi(values[3]);
    else if (arguments != 2 || values[1][0] == '-') {
        fprintf(stderr, "usage: ledger FILE [--writers N] | --check\n");
        return 2;
    }
    serve(values[1], writers);
}
