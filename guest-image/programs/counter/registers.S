// long call_with_sse(const struct registers *in, struct registers *out, long number, const long arguments[6]);
// long call_with_avx(...);
// One system call with all registers of the FPU holding what "in" says; "out" receives what they
// hold after it. Result: the system call's, negative errno included.

#define VECTOR(n) n*32
#define X87(n) 512+n*16
#define MXCSR 608
#define CONTROL 612

.macro define_call name, move, register, finish
    .globl \name
    .type \name, @function
\name:
    push %rbx
    push %r12
    sub $8, %rsp
    mov %rdi, %rbx
    mov %rsi, %r12
    mov %rdx, %rax
    mov 0(%rcx), %rdi
    mov 8(%rcx), %rsi
    mov 16(%rcx), %rdx
    mov 24(%rcx), %r10
    mov 32(%rcx), %r8
    mov 40(%rcx), %r9

    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    ldmxcsr MXCSR(%rbx)
    fldcw CONTROL(%rbx)
    .irp n, 0, 1, 2, 3, 4, 5
    fldt X87(\n)(%rbx)
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \move VECTOR(\n)(%rbx), %\register\n
    .endr

    syscall

    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \move %\register\n, VECTOR(\n)(%r12)
    .endr
    .irp n, 5, 4, 3, 2, 1, 0
    fstpt X87(\n)(%r12)
    .endr
    stmxcsr MXCSR(%r12)
    fnstcw CONTROL(%r12)
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    \finish
    add $8, %rsp
    pop %r12
    pop %rbx
    ret
    .size \name, . - \name
.endm

    .text
    define_call call_with_sse, movdqu, xmm
    define_call call_with_avx, vmovdqu, ymm, vzeroupper
    .section .note.GNU-stack, "", @progbits
