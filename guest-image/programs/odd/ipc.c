// System V's and POSIX's objects, which live in a namespace and not in a process.
#include "odd.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static int new_shared_memory(void) { return (int)MUST(shmget(IPC_PRIVATE, PAGE, 0600)); }

static void shared_memory_attached(void)
{
    int segment = new_shared_memory();
    char *at = shmat(segment, NULL, 0);
    MUST(at == (void *)-1 ? -1 : 0);
    at[0] = 'v';
}

static void shared_memory_made(void) { new_shared_memory(); }

static void semaphore(void)
{
    int set = (int)MUST(semget(IPC_PRIVATE, 1, 0600));
    MUST(semop(set, &(struct sembuf){0, 1, 0}, 1));
}

static void semaphore_undo(void)
{
    int set = (int)MUST(semget(IPC_PRIVATE, 1, 0600));
    MUST(semop(set, &(struct sembuf){0, 1, SEM_UNDO}, 1));
}

static void message_queue(void)
{
    int queue = (int)MUST(msgget(IPC_PRIVATE, 0600));
    MUST(msgsnd(queue, &(struct msgbuf){1, "m"}, 1, 0));
}

static void posix_queue(void)
{
    struct mq_attr size = {.mq_maxmsg = 4, .mq_msgsize = 16};
    MUST(mq_open("/odd", O_RDWR | O_CREAT, 0600, &size));
}

const struct oddity ipc_oddities[] = {
    {"shared_memory_attached", shared_memory_attached, NULL},
    {"shared_memory_made", shared_memory_made, NULL},
    {"semaphore", semaphore, NULL},
    {"semaphore_undo", semaphore_undo, NULL},
    {"message_queue", message_queue, NULL},
    {"posix_queue", posix_queue, NULL},
    {0},
};
