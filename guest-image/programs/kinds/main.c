#include "kinds.h"

#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { KINDS_LIMIT = 64 };

static const struct kind *const tables[] = {memory_kinds, file_kinds, event_kinds, socket_kinds,
                                            signal_kinds, timer_kinds, process_kinds, family_kinds};
enum { TABLES = sizeof tables / sizeof *tables };

// What only a container has: beside a plain process these are the guest's.
static const char *const of_containers[] = {"tmpfs", "host_name", "mounts", "cgroup"};
static bool plain;

int connection = -1;
static char why[256], text[TEXT_LIMIT];
static size_t text_length;

// The texts of describe, in the order of remember.
static char *remembered[2 * KINDS_LIMIT];
static const struct kind *remembered_kind[2 * KINDS_LIMIT];
static size_t remembered_count;

void explain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
}

void describe(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_length += (size_t)vsnprintf(text + text_length, sizeof text - text_length, format, arguments);
    va_end(arguments);
    if (text_length >= sizeof text)
        text_length = sizeof text - 1;
}

static void describe_anew(const struct kind *kind)
{
    text_length = 0;
    text[0] = 0;
    kind->describe();
}

static bool is_left_out(const struct kind *kind)
{
    for (size_t i = 0; plain && i < sizeof of_containers / sizeof *of_containers; i++)
        if (!strcmp(kind->name, of_containers[i]))
            return true;
    return false;
}

void set_up(const struct kind *table)
{
    for (const struct kind *kind = table; kind->name; kind++)
        if (kind->set_up && !is_left_out(kind))
            kind->set_up();
}

void remember(const struct kind *table)
{
    for (const struct kind *kind = table; kind->name; kind++) {
        if (!kind->describe || is_left_out(kind))
            continue;
        describe_anew(kind);
        remembered_kind[remembered_count] = kind;
        remembered[remembered_count++] = strdup(text);
    }
}

static const char *remembered_text(const struct kind *kind)
{
    for (size_t i = 0; i < remembered_count; i++)
        if (remembered_kind[i] == kind)
            return remembered[i];
    return "";
}

// Names the first line that is not the same.
static void compare_lines(const char *was, const char *is)
{
    while (*was && *is) {
        size_t was_length = strcspn(was, "\n"), is_length = strcspn(is, "\n");
        if (was_length != is_length || memcmp(was, is, was_length))
            break;
        was += was_length + (was[was_length] != 0);
        is += is_length + (is[is_length] != 0);
    }
    if (*was || *is)
        explain("was \"%.*s\", is \"%.*s\"", (int)strcspn(was, "\n"), was, (int)strcspn(is, "\n"), is);
}

void judge(const struct kind *table, const char *prefix, int answer)
{
    for (const struct kind *kind = table; kind->name; kind++) {
        if (is_left_out(kind))
            continue;
        why[0] = 0;
        if (kind->check)
            kind->check();
        if (!why[0] && kind->describe) {
            describe_anew(kind);
            compare_lines(remembered_text(kind), text);
        }
        if (why[0])
            dprintf(answer, "FAIL %s%s %s\n", prefix, kind->name, why);
        else
            dprintf(answer, "ok %s%s\n", prefix, kind->name);
    }
}

static struct sockaddr_un control_address(void)
{
    return (struct sockaddr_un){AF_UNIX, "/run/kinds.sock"};
}

static void answer_connection(void)
{
    char command = 0;
    if (read(connection, &command, 1) == 1 && command == 'c') {
        for (size_t i = 0; i < TABLES; i++)
            judge(tables[i], "", connection);
        judge_family(connection);
    }
    dprintf(connection, "done\n");
}

static void serve(void)
{
    struct sockaddr_un address = control_address();
    int listener = (int)MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    unlink(address.sun_path);
    MUST(bind(listener, (struct sockaddr *)&address, sizeof address));
    start_family();
    for (size_t i = 0; i < TABLES; i++)
        set_up(tables[i]);
    for (size_t i = 0; i < TABLES; i++)
        remember(tables[i]);
    MUST(listen(listener, 4));
    for (;;) {
        connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0)
            continue;
        answer_connection();
        close(connection);
        connection = -1;
    }
}

// Asks the running program; prints what it answers. 0 if it answered to the end and nothing failed.
static int ask(char command)
{
    struct sockaddr_un address = control_address();
    int link = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(link, (struct sockaddr *)&address, sizeof address) || write(link, &command, 1) != 1) {
        perror("kinds: /run/kinds.sock");
        return 2;
    }
    FILE *answer = fdopen(link, "r");
    char line[1024];
    bool failed = false;
    while (fgets(line, sizeof line, answer)) {
        if (!strcmp(line, "done\n"))
            return failed;
        failed |= !strncmp(line, "FAIL", 4);
        fputs(line, stdout);
    }
    fprintf(stderr, "kinds: the answer broke off\n");
    return 2;
}

int main(int count, char **arguments)
{
    const char *option = count > 1 ? arguments[1] : "";
    if (!strcmp(option, "--check"))
        return ask('c');
    if (!strcmp(option, "--ready"))
        return ask('r');
    if (!strcmp(option, "--files") && count == 3)
        write_files(arguments[2]);
    else if (!*option || (plain = !strcmp(option, "--plain")))
        serve();
    else
        fprintf(stderr, "usage: kinds [--plain | --ready | --check | --files DIRECTORY]\n");
    return *option && strcmp(option, "--files") ? 2 : 0;
}
