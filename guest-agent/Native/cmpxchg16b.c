// The NativeAOT runtime caches interface calls with the instruction cmpxchg16b. A guest may have no
// such instruction: QEMU 7.2's TCG runs Debian 13's kernel with -cpu max,-cx16. There it raises
// SIGILL, and this handler does its work: the other half of the runtime's agreement with itself.
//
// The runtime's readers take the two words of a cell one after the other and bear an old first word
// with a new second one; so the second is stored first. Writers are kept apart by a lock.

#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ucontext.h>
#include <ucontext.h>

static const int register_of[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static volatile int writing;

// [lock] [REX] 0F C7 /1 with a memory operand (Intel SDM volume 2, CMPXCHG8B/CMPXCHG16B); 0 if it is another instruction.
static const uint8_t *decode(const uint8_t *at, const greg_t *registers, volatile uint64_t **operand) {
    uint8_t rex = 0;
    if (*at == 0xf0)
        at++;
    if ((*at & 0xf0) == 0x40)
        rex = *at++;
    if (!(rex & 8) || at[0] != 0x0f || at[1] != 0xc7)
        return 0;
    uint8_t modrm = at[2], mod = modrm >> 6, base = modrm & 7;
    at += 3;
    if (((modrm >> 3) & 7) != 1 || mod == 3 || (mod == 0 && base == 5))
        return 0;
    uint64_t address = 0;
    if (base == 4) {
        uint8_t sib = *at++, index = ((sib >> 3) & 7) | (rex & 2) << 2;
        base = sib & 7;
        if (mod == 0 && base == 5)
            return 0;
        if (index != 4)
            address = (uint64_t)registers[register_of[index]] << (sib >> 6);
    }
    address += (uint64_t)registers[register_of[base | (rex & 1) << 3]];
    if (mod == 1)
        address += (uint64_t)(int64_t)(int8_t)*at++;
    if (mod == 2) {
        int32_t displacement;
        memcpy(&displacement, at, sizeof displacement);
        address += (uint64_t)(int64_t)displacement;
        at += 4;
    }
    *operand = (volatile uint64_t *)address;
    return at;
}

static void on_illegal_instruction(int number, siginfo_t *info, void *context) {
    const greg_t zero_flag = 0x40;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    volatile uint64_t *operand;
    const uint8_t *next = decode((const uint8_t *)registers[REG_RIP], registers, &operand);
    (void)info;
    if (!next) {
        // Met again on return, with nobody to handle it.
        signal(number, SIG_DFL);
        return;
    }
    while (__atomic_exchange_n(&writing, 1, __ATOMIC_ACQUIRE))
        ;
    uint64_t low = operand[0], high = operand[1];
    if (low == (uint64_t)registers[REG_RAX] && high == (uint64_t)registers[REG_RDX]) {
        operand[1] = (uint64_t)registers[REG_RCX];
        operand[0] = (uint64_t)registers[REG_RBX];
        registers[REG_EFL] |= zero_flag;
    } else {
        registers[REG_RAX] = (greg_t)low;
        registers[REG_RDX] = (greg_t)high;
        registers[REG_EFL] &= ~zero_flag;
    }
    __atomic_store_n(&writing, 0, __ATOMIC_RELEASE);
    registers[REG_RIP] = (greg_t)next;
}

// Before the runtime starts.
__attribute__((constructor)) static void handle_illegal_instructions(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_illegal_instruction;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    sigaction(SIGILL, &action, 0);
}
