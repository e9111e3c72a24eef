// The processes beside the leader: a peer that shares with it, a restricted one, one that has ended.
#include "kinds.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { INHERITED_PAGES = 32, REFUSED = 77, REFUSED_TOO = 78 };

struct member {
    const char *prefix;
    int link;
    pid_t pid;
};

struct shared shared;
static struct member peer = {"peer.", -1, 0}, restricted = {"restricted.", -1, 0};
static pid_t ended;
static unsigned char *inherited;

// A member answers one letter: 'c' with the verdicts on its kinds, the others with a number.
static uint64_t number_for(char command)
{
    uint64_t number = 0;
    switch (command) {
    case 'm': return shared.memory[0] * 3;
    case 'o': return (uint64_t)lseek(shared.description, 0, SEEK_CUR);
    case 'p': return read(shared.pipe[0], &number, sizeof number) == sizeof number ? number : 0;
    case 'u': return read(shared.pair[1], &number, sizeof number) == sizeof number ? number : 0;
    default: return 0;
    }
}

static void __attribute__((noreturn)) serve_leader(const struct member *member, const struct kind *const tables[])
{
    char command;
    for (size_t i = 0; tables[i]; i++)
        remember(tables[i]);
    MUST(write(member->link, "r", 1));
    while (read(member->link, &command, 1) == 1) {
        if (command == 'c') {
            for (size_t i = 0; tables[i]; i++)
                judge(tables[i], member->prefix, member->link);
            dprintf(member->link, "done\n");
        } else {
            uint64_t number = number_for(command);
            MUST(write(member->link, &number, sizeof number));
        }
    }
    _exit(0);
}

static uint64_t ask_peer(char command)
{
    uint64_t number = 0;
    if (write(peer.link, &command, 1) != 1 || read(peer.link, &number, sizeof number) != sizeof number)
        return 0;
    return number;
}

// Pages from before the fork, of which the peer has written one: copy-on-write, then its own.
static void check_inherited(void)
{
    EXPECT(difference(inherited, PAGE, 60) < 0, "the page written after the fork differs");
    for (size_t page = 1; page < INHERITED_PAGES; page++)
        EXPECT(difference(inherited + page * PAGE, PAGE, 61 + page) < 0, "page %zu differs", page);
}

static void check_inherited_by_leader(void)
{
    for (size_t page = 0; page < INHERITED_PAGES; page++)
        EXPECT(difference(inherited + page * PAGE, PAGE, 61 + page) < 0, "page %zu differs", page);
}

static const struct kind peer_kinds[] = {{"inherited_memory", NULL, check_inherited, NULL}, {0}};

static void be_peer(void)
{
    MUST(setsid());
    MUST(prctl(PR_SET_NAME, "kinds peer"));
    fill(inherited, PAGE, 60);
    serve_leader(&peer, (const struct kind *const[]){peer_kinds, member_kinds, NULL});
}

static void check_filter(void)
{
    EXPECT(syscall(SYS_mkdir, "/dev/shm/refused", 0700) < 0 && errno == REFUSED, "mkdir is not refused");
    EXPECT(syscall(SYS_rmdir, "/dev/shm/refused") < 0 && errno == REFUSED_TOO, "rmdir is not refused");
    EXPECT(syscall(SYS_getpid) > 0, "getpid is refused");
}

static void check_capability(void)
{
    EXPECT(kill(getppid(), 0) == 0, "CAP_KILL is lost: %s", strerror(errno));
    EXPECT(chown("/dev/shm", 1, 1) < 0 && errno == EPERM, "CAP_CHOWN is back");
}

static void describe_restriction(void)
{
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    describe("nice %d death signal %d out-of-memory score %s", getpriority(PRIO_PROCESS, 0), death_signal,
             text_of("/proc/self/oom_score_adj"));
}

static const struct kind restricted_kinds[] = {
    {"seccomp", NULL, check_filter, NULL},
    {"capabilities", NULL, check_capability, NULL},
    {"scheduling", NULL, NULL, describe_restriction},
    {0},
};

static void refuse(uint32_t system_call, uint32_t error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void limit_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    uint32_t may_kill = 1u << CAP_KILL;
    struct __user_cap_data_struct sets[2] = {{may_kill, may_kill | 1u << CAP_NET_BIND_SERVICE, may_kill}, {0, 0, 0}};
    MUST(syscall(SYS_capset, &header, sets));
    MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
}

static void be_restricted(void)
{
    const gid_t groups[] = {5, 44, 1005};
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    MUST(write(score, "300", 3));
    close(score);
    MUST(setpgid(0, 0));
    MUST(setpriority(PRIO_PROCESS, 0, 5));
    MUST(setrlimit(RLIMIT_NOFILE, &(struct rlimit){512, 1024}));
    MUST(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}));
    MUST(setrlimit(RLIMIT_STACK, &(struct rlimit){4 << 20, RLIM_INFINITY}));

    MUST(prctl(PR_SET_SECUREBITS, 1 | 1 << 4)); // SECBIT_NOROOT and SECBIT_KEEP_CAPS
    MUST(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
    MUST(setgroups(3, groups));
    MUST(setresgid(1001, 1002, 1003));
    MUST(setresuid(1000, 1006, 1007));
    limit_capabilities();
    MUST(prctl(PR_SET_NAME, "kinds restricted"));
    // What a change of credentials has reset.
    MUST(prctl(PR_SET_DUMPABLE, 1));
    MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2));
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    refuse(SYS_mkdir, REFUSED);
    refuse(SYS_rmdir, REFUSED_TOO);
    serve_leader(&restricted, (const struct kind *const[]){restricted_kinds, member_kinds, NULL});
}

static void start(struct member *member, void (*be)(void))
{
    int link[2];
    char byte;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link));
    member->pid = (pid_t)MUST(fork());
    if (!member->pid) {
        close(link[0]);
        member->link = link[1];
        be();
    }
    close(link[1]);
    member->link = link[0];
    MUST(read(member->link, &byte, 1) == 1 ? 0 : -1);
}

void start_family(void)
{
    shared.memory = mmap(NULL, SHARED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    inherited = mmap(NULL, INHERITED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(shared.memory == MAP_FAILED || inherited == MAP_FAILED ? -1 : 0);
    fill((char *)shared.memory + PAGE, (SHARED_PAGES - 1) * PAGE, SHARED_SEED);
    for (size_t page = 0; page < INHERITED_PAGES; page++)
        fill(inherited + page * PAGE, PAGE, 61 + page);
    shared.description = (int)MUST(open("/data/regular", O_RDONLY));
    MUST(pipe(shared.pipe));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, shared.pair));

    start(&peer, be_peer);
    start(&restricted, be_restricted);
    ended = (pid_t)MUST(fork());
    if (!ended)
        _exit(42);
    siginfo_t information;
    MUST(waitid(P_PID, (id_t)ended, &information, WEXITED | WNOWAIT));
}

static void check_shared_memory(void)
{
    shared.memory[0] = (uint64_t)getpid() * 1000003;
    EXPECT(difference((char *)shared.memory + PAGE, (SHARED_PAGES - 1) * PAGE, SHARED_SEED) < 0, "contents differ");
    EXPECT(ask_peer('m') == shared.memory[0] * 3, "the peer does not see what the leader writes");
}

static void check_shared_description(void)
{
    off_t position = lseek(shared.description, 0, SEEK_CUR);
    lseek(shared.description, 777, SEEK_SET);
    uint64_t seen = ask_peer('o');
    lseek(shared.description, position, SEEK_SET);
    EXPECT(seen == 777, "the peer's position is %lu", (unsigned long)seen);
}

static void check_shared_pipe(void)
{
    uint64_t sent = 0xfeedface;
    MUST(write(shared.pipe[1], &sent, sizeof sent));
    EXPECT(ask_peer('p') == sent, "what the leader writes does not reach the peer");
}

static void check_shared_pair(void)
{
    uint64_t sent = 0xcafed00d;
    MUST(write(shared.pair[0], &sent, sizeof sent));
    EXPECT(ask_peer('u') == sent, "what the leader writes does not reach the peer");
}

static void check_ended(void)
{
    siginfo_t information = {0};
    EXPECT(!waitid(P_PID, (id_t)ended, &information, WEXITED | WNOWAIT | WNOHANG), "it is gone");
    EXPECT(information.si_pid == ended && information.si_status == 42, "it ended with %d", information.si_status);
}

static void judge_member(const struct member *member, int answer)
{
    char line[1024];
    size_t length = 0;
    if (write(member->link, "c", 1) != 1)
        dprintf(answer, "FAIL %sprocess it cannot be asked\n", member->prefix);
    while (read(member->link, line + length, 1) == 1) {
        if (line[length++] != '\n' && length < sizeof line - 1)
            continue;
        line[length] = 0;
        if (!strcmp(line, "done\n")) {
            dprintf(answer, "ok %sprocess\n", member->prefix);
            return;
        }
        dprintf(answer, "%s", line);
        length = 0;
    }
    dprintf(answer, "FAIL %sprocess it does not answer\n", member->prefix);
}

void judge_family(int answer)
{
    judge_member(&peer, answer);
    judge_member(&restricted, answer);
}

const struct kind family_kinds[] = {
    {"shared_anonymous", NULL, check_shared_memory, NULL},
    {"shared_description", NULL, check_shared_description, NULL},
    {"shared_pipe", NULL, check_shared_pipe, NULL},
    {"shared_unix_pair", NULL, check_shared_pair, NULL},
    {"inherited_memory", NULL, check_inherited_by_leader, NULL},
    {"zombie", NULL, check_ended, NULL},
    {0},
};
