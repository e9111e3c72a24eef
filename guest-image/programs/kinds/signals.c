// Signals: pending with what they carry, handlers, masks, the alternate stack.
#include "kinds.h"

#include <pthread.h>
#include <sys/syscall.h>

enum { STACK_SIZE = 4 * PAGE };

static unsigned char *alternate;
static volatile uintptr_t handled_at;
static volatile int handled;

static int queued_signal(void) { return SIGRTMIN + 3; }
static int thread_signal(void) { return SIGRTMIN + 4; }

static void block(int signal)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, signal);
    MUST(sigprocmask(SIG_BLOCK, &mask, NULL));
}

static bool take(int signal, siginfo_t *information)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, signal);
    memset(information, 0, sizeof *information);
    return sigtimedwait(&mask, information, &(struct timespec){0, 0}) == signal;
}

static bool queued_by_us(const siginfo_t *information, int value)
{
    return information->si_code == SI_QUEUE && information->si_pid == getpid() && information->si_uid == getuid() &&
           information->si_value.sival_int == value;
}

// Two of a real-time signal, in their order, and one of a plain signal.
static void set_up_pending(void)
{
    block(SIGUSR2);
    block(queued_signal());
    MUST(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 4242}));
    MUST(sigqueue(getpid(), queued_signal(), (union sigval){.sival_int = 1}));
    MUST(sigqueue(getpid(), queued_signal(), (union sigval){.sival_int = 2}));
}

static void check_pending(void)
{
    siginfo_t plain, first, second;
    bool all = take(SIGUSR2, &plain) & take(queued_signal(), &first) & take(queued_signal(), &second);
    const siginfo_t *again[] = {&plain, &first, &second};
    for (size_t i = 0; i < 3; i++)
        if (again[i]->si_signo)
            MUST(syscall(SYS_rt_sigqueueinfo, getpid(), again[i]->si_signo, again[i]));
    EXPECT(all, "a pending signal is lost");
    EXPECT(queued_by_us(&plain, 4242), "SIGUSR2 carries code %d value %d", plain.si_code, plain.si_value.sival_int);
    EXPECT(queued_by_us(&first, 1) && queued_by_us(&second, 2), "the queue is %d, %d", first.si_value.sival_int,
           second.si_value.sival_int);
}

static void set_up_pending_thread(void)
{
    block(thread_signal());
    MUST(pthread_sigqueue(pthread_self(), thread_signal(), (union sigval){.sival_int = 77}) ? -1 : 0);
}

static void check_pending_thread(void)
{
    siginfo_t information;
    bool pending = take(thread_signal(), &information);
    if (pending)
        MUST(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), thread_signal(), &information));
    EXPECT(pending, "the thread's pending signal is lost");
    EXPECT(queued_by_us(&information, 77), "it carries code %d value %d", information.si_code,
           information.si_value.sival_int);
}

// Which signals pend for the thread and which for the process, and what is blocked, ignored, caught.
static void describe_masks(void)
{
    static const char *const fields[] = {"SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"};
    // The ticking timer of timers.c may be pending just now.
    unsigned long tick = 1ul << (SIGRTMIN + 5 - 1);
    char *text = text_of("/proc/self/status");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        describe("%s %#lx\n", fields[i], strtoul(field_of(text, fields[i]), NULL, 16) & ~tick);
}

static void handle(int signal, siginfo_t *information, void *context)
{
    int local;
    (void)signal, (void)information, (void)context;
    handled_at = (uintptr_t)&local;
    handled++;
}

static void set_up_handlers(void)
{
    alternate = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(alternate == MAP_FAILED ? -1 : 0);
    MUST(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = STACK_SIZE}, NULL));
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGRTMIN + 7);
    MUST(sigaction(SIGWINCH, &action, NULL));
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    MUST(sigaction(SIGURG, &action, NULL));
    MUST(signal(SIGHUP, SIG_IGN) == SIG_ERR ? -1 : 0);
    MUST(signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0);
}

static void check_handlers(void)
{
    int before = handled;
    raise(SIGWINCH);
    EXPECT(handled == before + 1, "the handler ran %d times", handled - before);
    EXPECT(handled_at - (uintptr_t)alternate < STACK_SIZE, "the handler ran on another stack");
    raise(SIGURG);
    EXPECT(handled == before + 2, "the second handler ran %d times", handled - before - 1);
    EXPECT(handled_at - (uintptr_t)alternate >= STACK_SIZE, "the second handler ran on the alternate stack");
}

static void describe_handlers(void)
{
    // As the kernel has it: handler, flags, restorer, mask.
    for (int signal = 1; signal <= 64; signal++) {
        unsigned long action[4] = {0};
        syscall(SYS_rt_sigaction, signal, NULL, action, sizeof action[3]);
        describe("signal %d handler %#lx flags %#lx restorer %#lx mask %#lx\n", signal, action[0], action[1], action[2],
                 action[3]);
    }
    stack_t stack;
    sigaltstack(NULL, &stack);
    describe("alternate stack %p size %zu flags %d\n", stack.ss_sp, stack.ss_size, stack.ss_flags);
}

const struct kind signal_kinds[] = {
    {"pending_signals", set_up_pending, check_pending, NULL},
    {"pending_thread_signal", set_up_pending_thread, check_pending_thread, NULL},
    {"signal_handlers", set_up_handlers, check_handlers, describe_handlers},
    {"signal_masks", NULL, NULL, describe_masks},
    {0},
};
