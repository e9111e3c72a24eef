// POSIX timers, the interval timer, the clocks of the container.
#include "kinds.h"

#include <sys/time.h>

enum { DAY = 86400, HOUR = 3600, MINUTE = 60, TICK_MS = 50, PATIENCE_MS = 20000 };

static timer_t ticking, distant, silent;
static double distant_end, silent_end, interval_end;
static double first_monotonic, first_boot, first_real;
static volatile double last_monotonic, backwards;
static volatile unsigned long ticks;

// Looks at the clock at every tick, so that a step backwards is seen whenever it happens.
static void on_tick(int signal)
{
    int error = errno;
    (void)signal;
    double now = seconds(CLOCK_MONOTONIC);
    if (now < last_monotonic)
        backwards = last_monotonic - now;
    last_monotonic = now;
    ticks++;
    errno = error;
}

static timer_t timer_of(clockid_t clock, int notify, int signal, int value)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal, .sigev_value.sival_int = value};
    MUST(timer_create(clock, &event, &timer));
    return timer;
}

static void set_up_posix(void)
{
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    MUST(sigaction(SIGRTMIN + 5, &action, NULL));
    // One made and deleted first: the ids of the others do not start at 0.
    MUST(timer_delete(timer_of(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0)));
    ticking = timer_of(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 5, 0x1234);
    distant = timer_of(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 6, 0x5678);
    silent = timer_of(CLOCK_REALTIME, SIGEV_NONE, 0, 0);
    MUST(timer_settime(ticking, 0, &(struct itimerspec){{0, TICK_MS * 1000000}, {0, TICK_MS * 1000000}}, NULL));
    MUST(timer_settime(distant, 0, &(struct itimerspec){{HOUR, 7}, {DAY, 0}}, NULL));
    MUST(timer_settime(silent, 0, &(struct itimerspec){{0, 0}, {2 * DAY, 0}}, NULL));
    distant_end = seconds(CLOCK_MONOTONIC) + DAY;
    silent_end = seconds(CLOCK_REALTIME) + 2 * DAY;
}

static double remaining(timer_t timer)
{
    struct itimerspec setting = {0};
    timer_gettime(timer, &setting);
    return (double)setting.it_value.tv_sec + (double)setting.it_value.tv_nsec / 1e9;
}

static void check_posix(void)
{
    unsigned long before = ticks;
    struct itimerspec setting;
    for (int waited = 0; ticks == before && waited < PATIENCE_MS; waited++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    EXPECT(ticks != before, "the ticking timer stands still");
    double left = remaining(distant), expected = distant_end - seconds(CLOCK_MONOTONIC);
    EXPECT(left > expected - MINUTE && left < expected + MINUTE, "%f s remain of %f", left, expected);
    EXPECT(!timer_gettime(distant, &setting) && setting.it_interval.tv_sec == HOUR && setting.it_interval.tv_nsec == 7,
           "the interval is %ld.%09ld s", (long)setting.it_interval.tv_sec, setting.it_interval.tv_nsec);
    left = remaining(silent), expected = silent_end - seconds(CLOCK_REALTIME);
    EXPECT(left > expected - HOUR && left < expected + HOUR, "silent: %f s remain of %f", left, expected);
}

// Ids, signals with their values, whom they notify, clocks.
static void describe_posix(void) { describe("%s", text_of("/proc/self/timers")); }

static void set_up_interval(void)
{
    MUST(setitimer(ITIMER_REAL, &(struct itimerval){{HOUR, 11}, {DAY, 0}}, NULL));
    interval_end = seconds(CLOCK_MONOTONIC) + DAY;
}

static void check_interval(void)
{
    struct itimerval setting = {0};
    getitimer(ITIMER_REAL, &setting);
    double left = (double)setting.it_value.tv_sec, expected = interval_end - seconds(CLOCK_MONOTONIC);
    EXPECT(setting.it_interval.tv_sec == HOUR && setting.it_interval.tv_usec == 11, "the interval is %ld.%06ld s",
           (long)setting.it_interval.tv_sec, (long)setting.it_interval.tv_usec);
    EXPECT(left > expected - MINUTE && left < expected + MINUTE, "%f s remain of %f", left, expected);
}

static void set_up_clocks(void)
{
    first_monotonic = seconds(CLOCK_MONOTONIC);
    first_boot = seconds(CLOCK_BOOTTIME);
    first_real = seconds(CLOCK_REALTIME);
}

// The container's monotonic and boot-time clocks go on where they stopped: never back, and never
// ahead of the wall clock, which ran on while the container did not.
static void check_clocks(void)
{
    double monotonic = seconds(CLOCK_MONOTONIC) - first_monotonic, boot = seconds(CLOCK_BOOTTIME) - first_boot;
    double real = seconds(CLOCK_REALTIME) - first_real;
    EXPECT(backwards == 0, "the monotonic clock went back by %f s", backwards);
    EXPECT(monotonic >= 0 && monotonic < real + MINUTE, "monotonic went on by %f s, the wall clock by %f", monotonic, real);
    EXPECT(boot >= 0 && boot < real + MINUTE, "boot time went on by %f s, the wall clock by %f", boot, real);
    EXPECT(monotonic > boot - MINUTE && monotonic < boot + MINUTE, "monotonic went on by %f s, boot time by %f", monotonic,
           boot);
}

const struct kind timer_kinds[] = {
    {"posix_timers", set_up_posix, check_posix, describe_posix},
    {"interval_timer", set_up_interval, check_interval, NULL},
    {"clocks", set_up_clocks, check_clocks, NULL},
    {0},
};
