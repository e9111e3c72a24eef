// Pipes, eventfd, epoll, timerfd, signalfd.
#include "kinds.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

enum { UNREAD = 10000, PIPE_SIZE = 4 * PAGE, DAY = 86400, HOUR = 3600, MINUTE = 60 };

static int unread[2], half_closed[2], counter, polled, polled_pipe[2], polled_timer, poller;
static int periodic, absolute, expired, signals;
static double periodic_end, absolute_end;

// Copies what lies unread in a pipe and leaves it there.
static ssize_t peek(int pipe, void *at, size_t bytes)
{
    int copy[2];
    MUST(pipe2(copy, O_CLOEXEC));
    tee(pipe, copy[1], bytes, SPLICE_F_NONBLOCK);
    close(copy[1]);
    ssize_t got = 0, more;
    while ((more = read(copy[0], (char *)at + got, bytes - (size_t)got)) > 0)
        got += more;
    close(copy[0]);
    return got;
}

static short ready(int descriptor)
{
    struct pollfd poll_on = {descriptor, POLLIN, 0};
    return poll(&poll_on, 1, 0) == 1 ? poll_on.revents : 0;
}

static char *information_of(int descriptor)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", descriptor);
    return text_of(path);
}

static void set_up_unread(void)
{
    static unsigned char data[UNREAD];
    fill(data, UNREAD, 30);
    MUST(pipe2(unread, 0));
    MUST(fcntl(unread[1], F_SETPIPE_SZ, PIPE_SIZE));
    MUST(fcntl(unread[0], F_SETFL, O_NONBLOCK));
    MUST(write(unread[1], data, UNREAD) == UNREAD ? 0 : -1);
}

static void check_unread(void)
{
    static unsigned char data[PIPE_SIZE];
    ssize_t got = peek(unread[0], data, sizeof data);
    EXPECT(got == UNREAD, "%zd bytes lie unread", got);
    EXPECT(difference(data, UNREAD, 30) < 0, "data differ at %ld", difference(data, UNREAD, 30));
    EXPECT(fcntl(unread[0], F_GETPIPE_SZ) == PIPE_SIZE, "size is %d", fcntl(unread[0], F_GETPIPE_SZ));
}

static void set_up_half_closed(void)
{
    MUST(pipe2(half_closed, O_CLOEXEC));
    MUST(write(half_closed[1], "leftover-data", 13));
    MUST(close(half_closed[1]));
}

static void check_half_closed(void)
{
    char data[64];
    EXPECT(peek(half_closed[0], data, sizeof data) == 13 && !memcmp(data, "leftover-data", 13), "data differ");
    EXPECT(ready(half_closed[0]) == (POLLIN | POLLHUP), "events are %#x", ready(half_closed[0]));
}

static void set_up_eventfd(void) { counter = (int)MUST(eventfd(7, EFD_NONBLOCK)); }

static void check_eventfd(void)
{
    uint64_t value = 0;
    EXPECT(read(counter, &value, sizeof value) == sizeof value, "it cannot be read: %s", strerror(errno));
    MUST(write(counter, &value, sizeof value));
    EXPECT(value == 7, "its value is %lu", (unsigned long)value);
}

static void set_up_epoll(void)
{
    polled = (int)MUST(eventfd(1, EFD_CLOEXEC));
    MUST(pipe2(polled_pipe, O_CLOEXEC));
    MUST(write(polled_pipe[1], "ready", 5));
    polled_timer = (int)MUST(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    poller = (int)MUST(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event edge = {EPOLLIN | EPOLLET, {.u64 = 0x1122334455667788}};
    struct epoll_event level = {EPOLLIN | EPOLLRDHUP, {.u64 = 2}};
    struct epoll_event once = {EPOLLIN | EPOLLONESHOT, {.u64 = 3}};
    MUST(epoll_ctl(poller, EPOLL_CTL_ADD, polled, &edge));
    MUST(epoll_ctl(poller, EPOLL_CTL_ADD, polled_pipe[0], &level));
    MUST(epoll_ctl(poller, EPOLL_CTL_ADD, polled_timer, &once));
}

static void check_epoll(void)
{
    struct epoll_event events[4];
    int count = epoll_wait(poller, events, 4, 0);
    bool pipe_is_ready = false;
    for (int i = 0; i < count; i++) {
        EXPECT(events[i].data.u64 != 3, "the timer that is not armed is reported");
        pipe_is_ready |= events[i].data.u64 == 2 && events[i].events == EPOLLIN;
    }
    EXPECT(pipe_is_ready, "of %d events none is the pipe's", count);
}

// The registrations by descriptor: the kernel's own order is that of addresses.
static void describe_epoll(void)
{
    char *text = information_of(poller);
    const int targets[] = {polled, polled_pipe[0], polled_timer};
    size_t count = 0;
    for (char *at = text; (at = strstr(at, "tfd:")); at += 4)
        count++;
    describe("registrations %zu\n", count);
    for (size_t i = 0; i < 3; i++)
        for (char *at = text; (at = strstr(at, "tfd:")); at += 4) {
            unsigned events;
            unsigned long data;
            int target;
            if (sscanf(at, "tfd: %d events: %x data: %lx", &target, &events, &data) == 3 && target == targets[i])
                describe("target %d events %#x data %#lx\n", target, events, data);
        }
}

static double remaining(int timer, double *interval)
{
    struct itimerspec setting = {0};
    timerfd_gettime(timer, &setting);
    *interval = (double)setting.it_interval.tv_sec + (double)setting.it_interval.tv_nsec / 1e9;
    return (double)setting.it_value.tv_sec + (double)setting.it_value.tv_nsec / 1e9;
}

static void set_up_timerfd(void)
{
    periodic = (int)MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    MUST(timerfd_settime(periodic, 0, &(struct itimerspec){{HOUR, 5}, {DAY, 0}}, NULL));
    periodic_end = seconds(CLOCK_MONOTONIC) + DAY;

    absolute = (int)MUST(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC));
    absolute_end = seconds(CLOCK_REALTIME) + DAY;
    MUST(timerfd_settime(absolute, TFD_TIMER_ABSTIME, &(struct itimerspec){{0, 0}, {(time_t)absolute_end, 0}}, NULL));

    expired = (int)MUST(timerfd_create(CLOCK_MONOTONIC, 0));
    MUST(timerfd_settime(expired, 0, &(struct itimerspec){{0, 0}, {0, 1}}, NULL));
    MUST(poll(&(struct pollfd){expired, POLLIN, 0}, 1, -1));
}

// A monotonic timer keeps its deadline on the container's clock, which stands still with it; a
// real-time one may be taken up by its deadline or by the time that remained.
static void check_timerfd(void)
{
    double interval, left = remaining(periodic, &interval), expected = periodic_end - seconds(CLOCK_MONOTONIC);
    EXPECT(interval > HOUR && interval < HOUR + 1e-6, "the interval is %f s", interval);
    EXPECT(left > expected - MINUTE && left < expected + MINUTE, "%f s remain of %f", left, expected);
    left = remaining(absolute, &interval), expected = absolute_end - seconds(CLOCK_REALTIME);
    EXPECT(interval == 0, "the absolute timer has an interval");
    EXPECT(left > expected - HOUR && left < expected + HOUR, "absolute: %f s remain of %f", left, expected);
    EXPECT(ready(expired), "the timer that expired cannot be read");
}

static void describe_timerfd(void)
{
    const int timers[] = {periodic, absolute, expired};
    for (size_t i = 0; i < 3; i++) {
        char *text = information_of(timers[i]);
        describe("clock %s", field_of(text, "clockid"));
        describe(" ticks %s", field_of(text, "ticks"));
        describe(" flags %s\n", field_of(text, "settime flags"));
    }
}

static void set_up_signalfd(void)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    MUST(sigprocmask(SIG_BLOCK, &mask, NULL));
    sigaddset(&mask, SIGRTMIN + 9);
    signals = (int)MUST(signalfd(-1, &mask, SFD_NONBLOCK));
    MUST(kill(getpid(), SIGUSR1));
}

static void check_signalfd(void)
{
    struct signalfd_siginfo information;
    EXPECT(ready(signals) & POLLIN, "the pending signal is not ready to be read");
    EXPECT(read(signals, &information, sizeof information) == sizeof information, "it cannot be read");
    MUST(kill(getpid(), (int)information.ssi_signo));
    EXPECT(information.ssi_signo == SIGUSR1 && information.ssi_pid == (uint32_t)getpid(), "it reads signal %u of %u",
           information.ssi_signo, information.ssi_pid);
}

static void describe_signalfd(void) { describe("mask %s\n", field_of(information_of(signals), "sigmask")); }

const struct kind event_kinds[] = {
    {"unread_pipe", set_up_unread, check_unread, NULL},
    {"half_closed_pipe", set_up_half_closed, check_half_closed, NULL},
    {"eventfd", set_up_eventfd, check_eventfd, NULL},
    {"epoll", set_up_epoll, check_epoll, describe_epoll},
    {"timerfd", set_up_timerfd, check_timerfd, describe_timerfd},
    {"signalfd", set_up_signalfd, check_signalfd, describe_signalfd},
    {0},
};
