# The user program: tries each way into the kernel and back, and ends with `DONE`. Copied to a page of its own.
# At the start: rdi = the CPU's number, rsi = whether the bases of FS and GS can be set here.
# r15 is where the kernel goes on after an event.

.set VERSION, 0
.set DONE, 11
.set MESSAGE, 1
.set HELLO, 12
.set TIMER, 2
.set BAD_RIP, 3
.set BAD_GS, 4
.set COPY, 5
.set SAVE_FPU, 6
.set COST, 7
.set ADD, 8
.set ADD_AND_IRET, 9
.set SET_BASES, 10

.macro event_here instruction:vararg
    leaq    8f(%rip), %r15
    \instruction
8:
.endm
.macro check_with free, register, value
    movabsq $\value, %\free
    cmpq    %\free, %\register
    jne     failed
.endm
.macro check register, value
    check_with rcx, \register, \value
.endm

.section .rodata
.global user_start, user_end
user_start:
    movq    %rsi, 0x500200

    # Direction and alignment check stay set to the end: the kernel must clear them for itself, the latter since it lifts SMAP.
    std
    pushfq
    orq     $0x40000, (%rsp)
    popfq

    # Every register gets to the kernel, which adds 1, and back; by either way out.
    .irp call, ADD, ADD_AND_IRET
    .irp register, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    movabsq $0x1234567890abcdef, %\register
    .endr
    movl    $\call, %eax
    syscall
    .irp register, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15
    pushq   %rcx
    check   \register, 0x1234567890abcdf0
    popq    %rcx
    .endr
    .endr
    cmpq    $ADD_AND_IRET + 1, %rax
    jne     failed
    check_with rdx, rcx, 0x1234567890abcdf0
    check_with rdx, r11, 0x1234567890abcdf0

    # A CPU without instructions for the bases has no fast paths.
    cmpq    $0, 0x500200
    je      1f

    # The question for the version changes rax, rdx, r8, and nothing else.
    .irp register, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15
    movabsq $0x1234567890abcdef, %\register
    .endr
    xorl    %eax, %eax
    syscall
    .irp register, rbx, rsi, rdi, rbp, r9, r10, r12, r13, r14, r15
    check   \register, 0x1234567890abcdef
    .endr
    check   rax, 0
    check   r8, 0
    testq   %rdx, %rdx
    jz      failed

    # A message leaves words, address and info.
    .irp register, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15
    movabsq $0x1234567890abcdef, %\register
    .endr
    movl    $MESSAGE, %eax
    syscall
    .irp register, rax, rbx, rdx, rbp, r8, r9, r10
    check   \register, 0
    .endr
    .irp register, rsi, rdi
    check   \register, 0x1234567890abcdf0
    .endr
    .irp register, r12, r13, r14, r15
    check   \register, 0x1234567890abcdef
    .endr
1:

    # The bases that the kernel sets: both show the eight bytes at 0x500100.
    movabsq $0x79726f6d656d2e75, %rax
    movq    %rax, 0x500100
    movl    $SET_BASES, %eax
    syscall
    movq    %gs:0x100, %rax
    check   rax, 0x79726f6d656d2e75
    movq    %fs:0xf0, %rax
    check   rax, 0x79726f6d656d2e75

    # The bases of FS and GS are the thread's own.
    cmpq    $0, 0x500200
    je      1f
    movabsq $0x123456789000, %rax
    wrgsbase %rax
    movabsq $0x23456789a000, %rax
    wrfsbase %rax
    movl    $HELLO, %eax
    syscall
    rdgsbase %rax
    check   rax, 0x123456789000
    rdfsbase %rax
    check   rax, 0x23456789a000
1:
    # Page faults: nothing there, a write to code, the kernel's memory, fetching from data.
    event_here movb 0x600000, %al
    event_here movb %al, 0x400000
    movabsq $0xffffffff80200000, %rbx
    event_here movb (%rbx), %al
    movl    $0x500000, %ebx
    event_here jmpq *%rbx

    # Other exceptions.
    event_here ud2
    event_here hlt
    event_here int3
    event_here int $0
    xorl    %ebx, %ebx
    event_here divl %ebx
    pushfq
    orq     $0x100, (%rsp)
    leaq    1f(%rip), %r15
    popfq
    nop
1:
    # A trap flag that meets the first instruction of the kernel.
    pushfq
    orq     $0x100, (%rsp)
    leaq    1f(%rip), %r15
    movl    $HELLO, %eax
    popfq
    syscall
1:
    # The timer, which the kernel answers by changing rax; everything else must stay.
    movabsq $0x1234567890abcdef, %rcx
    movq    %rcx, %r11
    movl    $TIMER, %eax
    syscall
    movabsq $0x1234567890abcdef, %rcx
    movq    %rcx, %r11
1:  pause
    cmpq    $0x7777, %rax
    jne     1b
    movabsq $0x1234567890abcdef, %rdx
    cmpq    %rcx, %rdx
    jne     failed
    cmpq    %r11, %rdx
    jne     failed

    # Registers that cannot be resumed from.
    movl    $BAD_RIP, %eax
    event_here syscall
    movl    $BAD_GS, %eax
    event_here syscall

    # Copies.
    movl    $0x500100, %edi
    movl    $COPY, %eax
    syscall
    cmpq    $0, %rax
    jne     failed
    movq    0x500108, %rax
    check   rax, 0x79726f6d656d2e75

    # The first use of the FPU is an event; then its registers are ours.
    movabsq $0x0fedcba987654321, %rax
    leaq    1f(%rip), %r15
1:  movq    %rax, %xmm7
    movl    $SAVE_FPU, %eax
    syscall
    movq    %xmm7, %rax
    check   rax, 0x0fedcba987654321

    # What a call costs: the difference of two readings of the clock, less what the readings cost.
    movl    $3, %ebx
1:  rdtsc
    movl    %eax, %r8d
    movl    $HELLO, %eax
    syscall
    rdtsc
    subl    %r8d, %eax
    decl    %ebx
    jnz     1b
    movl    %eax, %edi
    movl    $COST, %eax
    syscall

    xorl    %edi, %edi
    movl    $DONE, %eax
    syscall
failed:
    leaq    failed(%rip), %rdi
    movl    $DONE, %eax
    syscall
    ud2
user_end:
.text
