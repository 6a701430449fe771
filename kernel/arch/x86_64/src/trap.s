# Entries into the kernel and the way out. Names in braces are offsets and functions given by trap.rs.
#
# In the kernel GS points at the CPU's own data, interrupts are off, and the stack is the CPU's one kernel stack, empty at each
# entry from user mode. A thread's registers are saved to where `current` points, and resumed from where it then points.

# Saves all general registers but the one that holds the address of the save area.
.macro save_register name, base
    .ifnc \name, \base
    movq    %\name, __\name(%\base)
    .endif
.endm
.set __rax, {rax}
.set __rbx, {rbx}
.set __rcx, {rcx}
.set __rdx, {rdx}
.set __rsi, {rsi}
.set __rdi, {rdi}
.set __rbp, {rbp}
.set __r8,  {r8}
.set __r9,  {r9}
.set __r10, {r10}
.set __r11, {r11}
.set __r12, {r12}
.set __r13, {r13}
.set __r14, {r14}
.set __r15, {r15}
.set __rsp, {rsp}

.macro save_general base
    .irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    save_register \name, \base
    .endr
.endm

# If the instruction at `from` faults in the kernel, execution goes on at `to`.
.macro fixup from, to
    .pushsection .fixups, "a", @progbits
    .quad   \from, \to
    .popsection
.endm

.macro push_general
    .irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    pushq   %\name
    .endr
.endm
.macro pop_general
    .irp name, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    popq    %\name
    .endr
.endm

.text

# Saves the bases of FS and GS, and uses the register `free` for it.
.macro save_bases_by free, base
    rdfsbase %\free
    movq    %\free, {fs_base}(%\base)
    swapgs
    rdgsbase %\free
    swapgs
    movq    %\free, {gs_base}(%\base)
.endm

# Puts the bases of FS and GS into rax and rdx and the address of the next instruction into rcx, from the registers at rdi, sets
# FS's base, and goes to `bad` if one of the three cannot be user mode's.
.macro load_bases bad
    movq    {rip}(%rdi), %rcx
    movq    %rcx, %rax
    shrq    $47, %rax
    jnz     \bad
    movq    {gs_base}(%rdi), %rdx
    movq    {fs_base}(%rdi), %rax
91: wrfsbase %rdx                   # only to see whether the address is one: here a fault does no harm
92: wrfsbase %rax
    fixup   91b, \bad
    fixup   92b, \bad
.endm
.macro load_flags
    movl    {rflags}(%rdi), %r11d
    andl    ${user_flags}, %r11d
    orl     ${fixed_flags}, %r11d
.endm

# Registers in a guest's page, in the order of `abi::vcpu::page`.
.set page_next, {page_registers}
.irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15
.set page_\name, page_next
.set page_next, page_next + 8
.endr

# A CPU without instructions for the bases: the plain way, which saves and restores everything.
.balign 64
.global syscall_with_bases, syscall_without_bases
syscall_without_bases:
    swapgs
    movq    %rsp, %gs:{scratch}
    movq    %gs:{current}, %rsp
    save_general rsp
    movq    %gs:{scratch}, %rax
    movq    %rax, {rsp}(%rsp)
    movq    %rcx, {rip}(%rsp)
    movq    %r11, {rflags}(%rsp)
    movq    $1, {how}(%rsp)
    movq    %gs:{stack}, %rsp
    xorl    %ebp, %ebp
    call    {on_syscall}
    jmp     resume

# The question for the version: nothing but registers is touched, and all that the contract keeps is kept.
null_call:
    movl    ${version}, %edx
    xorl    %r8d, %r8d
    xorl    %eax, %eax
    swapgs
    sysretq

# Otherwise only those registers are saved that Rust code may change. A fast path that succeeds needs no more; else the rest follows.
.balign 64
syscall_with_bases:
    swapgs
    cmpq    $0, %gs:{guest}
    jne     syscall_of_guest
    cmpq    ${version_call}, %rax
    je      null_call
    movq    %rsp, %gs:{scratch}
    movq    %gs:{current}, %rsp
    movq    %rcx, {rip}(%rsp)
    movq    %gs:{scratch}, %rcx
    movq    %rcx, {rsp}(%rsp)
    movq    %r11, {rflags}(%rsp)
    save_bases_by rcx, rsp
    .irp name, rax, rdx, rsi, rdi, r8, r9, r10
    save_register \name, rsp
    .endr
    movq    %gs:{stack}, %rsp
    cmpq    ${call_call}, %rax
    jne     1f
    call    {fast_call}
    testq   %rax, %rax
    jz      refused

# The thread that is current, whose registers rax points to, gets a message. Its words are in r12 to r15 already.
message:
    movq    %rax, %rdi
    load_bases message_to_bad
    load_flags
    movq    {rsi}(%rdi), %rsi
    movq    {rsp}(%rdi), %rsp
    swapgs
    wrgsbase %rdx
    movq    {rdi}(%rdi), %rdi
    xorl    %eax, %eax
    .irp name, ebx, edx, ebp, r8d, r9d, r10d
    xorl    %\name, %\name
    .endr
    sysretq

message_to_bad:
    .irp name, r12, r13, r14, r15
    save_register \name, rdi
    .endr
    .irp place, {rbx}, {rbp}, {rdx}, {r8}, {r9}, {r10}
    movq    $0, \place(%rdi)
    .endr
    jmp     resume

1:  cmpq    ${reply_receive_call}, %rax
    jne     1f
    call    {fast_reply_receive}
    testq   %rax, %rax
    jnz     message
    jmp     refused

1:  cmpq    ${enter_call}, %rax
    jne     refused
    call    {fast_enter}
    testq   %rax, %rax
    jnz     entered_guest

refused:
    movq    %gs:{current}, %rdi
    .irp name, rbx, rbp, r12, r13, r14, r15
    save_register \name, rdi
    .endr
    movq    $1, {how}(%rdi)
    xorl    %ebp, %ebp
    call    {on_syscall}
    jmp     resume

# A guest is current, whose page has its general registers; rax points to the registers of the thread that entered it. The kernel
# has looked at the address of the next instruction and at the bases.
entered_guest:
    .irp name, rbx, rbp, r12, r13, r14, r15
    save_register \name, rax
    .endr
    movq    $1, {how}(%rax)
    movq    %gs:{current}, %rdi
    movq    %gs:{guest}, %rsi
    movq    {rip}(%rdi), %rcx
    load_flags
    movq    {fs_base}(%rdi), %rax
    movq    {gs_base}(%rdi), %rdx
    wrfsbase %rax
    swapgs
    wrgsbase %rdx
    # The faster instruction loses rcx and r11, which is what a system call does too.
    cmpq    page_rcx(%rsi), %rcx
    jne     1f
    cmpq    page_r11(%rsi), %r11
    jne     1f
    .irp name, rax, rbx, rdx, rdi, rbp, rsp, r8, r9, r10, r12, r13, r14, r15, rsi
    movq    page_\name(%rsi), %\name
    .endr
    sysretq
1:  pushq   ${user_data}
    pushq   page_rsp(%rsi)
    pushq   %r11
    pushq   ${user_code}
    pushq   %rcx
    .irp name, rax, rbx, rcx, rdx, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rsi
    movq    page_\name(%rsi), %\name
    .endr
    iretq

# A guest's general registers go to its page at once, the others also to where the kernel keeps them.
syscall_of_guest:
    movq    %rsp, %gs:{scratch}
    movq    %gs:{guest}, %rsp
    .irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    movq    %\name, page_\name(%rsp)
    .endr
    movq    %gs:{scratch}, %rax
    movq    %rax, page_rsp(%rsp)
    movq    %gs:{current}, %rdi
    movq    %rcx, {rip}(%rdi)
    movq    %rcx, {page_rip}(%rsp)
    movq    %r11, {rflags}(%rdi)
    movq    %r11, {page_rflags}(%rsp)
    rdfsbase %rax
    movq    %rax, {fs_base}(%rdi)
    movq    %rax, {page_fs_base}(%rsp)
    swapgs
    rdgsbase %rax
    swapgs
    movq    %rax, {gs_base}(%rdi)
    movq    %rax, {page_gs_base}(%rsp)
    movq    %gs:{stack}, %rsp
    call    {fast_exit}
    testb   %al, %al
    jz      1f

    movq    %gs:{current}, %rdi
    load_bases bad_state
    load_flags
    swapgs
    wrgsbase %rdx
    .irp name, rax, rbx, rdx, rsi, rbp, rsp, r8, r9, r10, r12, r13, r14, r15, rdi
    movq    __\name(%rdi), %\name
    .endr
    sysretq

# The plain way finds the guest's registers in the kernel's own place. What its holder may have changed meanwhile in the page is its
# holder's to change.
1:  movq    %gs:{current}, %rdi
    movq    %gs:{guest}, %rsi
    .irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15
    movq    page_\name(%rsi), %rax
    movq    %rax, __\name(%rdi)
    .endr
    movq    $1, {how}(%rdi)
    xorl    %ebp, %ebp
    call    {on_syscall}

# Leaves the kernel: to the thread that is current, or to waiting for an interrupt if none is.
.global resume
resume:
    movq    %gs:{stack}, %rsp
    movq    %gs:{current}, %rdi
    testq   %rdi, %rdi
    jz      idle
    testb   $1, %gs:{fsgsbase}
    jz      resume_by_msr
    load_bases bad_state
    swapgs
    wrgsbase %rdx
resume_general:
    load_flags
    cmpq    $0, {how}(%rdi)
    je      resume_by_iret
    .irp name, rax, rbx, rdx, rsi, rbp, r8, r9, r10, r12, r13, r14, r15, rsp, rdi
    movq    __\name(%rdi), %\name
    .endr
    sysretq

resume_by_iret:
    pushq   ${user_data}
    pushq   {rsp}(%rdi)
    pushq   %r11
    pushq   ${user_code}
    pushq   %rcx
    .irp name, rax, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rdi
    movq    __\name(%rdi), %\name
    .endr
    iretq

resume_by_msr:
    movq    {rip}(%rdi), %rcx
    shrq    $47, %rcx
    jnz     bad_state
    movq    {gs_base}(%rdi), %rsi
    movq    {fs_base}(%rdi), %rax
    movq    %rax, %rdx
    shrq    $32, %rdx
    movl    ${fs_base_msr}, %ecx
1:  wrmsr
    movl    %esi, %eax
    movq    %rsi, %rdx
    shrq    $32, %rdx
    movl    ${kernel_gs_base_msr}, %ecx
2:  wrmsr
    fixup   1b, bad_state
    fixup   2b, bad_state
    movq    {rip}(%rdi), %rcx
    swapgs
    jmp     resume_general

bad_state:
    movq    %gs:{stack}, %rsp
    xorl    %ebp, %ebp
    call    {on_bad_state}
    jmp     resume

# An interrupt here is taken as an entry of its own: this loop is left for good. Only non-maskable ones come back.
idle:
    sti
    hlt
idle_end:
    jmp     idle

# Exceptions and interrupts. Each stub pushes an error code where the CPU does not, and the vector.
.balign 16
.global trap_stubs
trap_stubs:
.set vector, 0
.rept 256
    .balign 16
    .if vector >= 32
    pushq   $0
    .elseif !((0x60227d00 >> vector) & 1)
    pushq   $0
    .endif
    pushq   $vector
    jmp     trap_common
    .set vector, vector + 1
.endr

# On the stack: vector, error code, rip, cs, flags, rsp, ss.
trap_common:
    testb   $3, 24(%rsp)
    jz      trap_from_kernel
    swapgs
    movq    %rdi, %gs:{scratch}
    movq    %gs:{current}, %rdi
    save_general rdi
    movq    %gs:{scratch}, %rax
    movq    %rax, {rdi}(%rdi)
    movq    16(%rsp), %rax
    movq    %rax, {rip}(%rdi)
    movq    32(%rsp), %rax
    movq    %rax, {rflags}(%rdi)
    movq    40(%rsp), %rax
    movq    %rax, {rsp}(%rdi)
    movq    $0, {how}(%rdi)
    testb   $1, %gs:{fsgsbase}
    jz      1f
    save_bases_by rax, rdi
1:  testb   $1, %gs:{smap}
    jz      1f
    clac                            # user mode may have set the flag that lifts SMAP
1:  cld
    movq    0(%rsp), %rdi
    movq    8(%rsp), %rsi
    movq    %gs:{stack}, %rsp
    xorl    %ebp, %ebp
    call    {on_trap}
    jmp     resume

trap_from_kernel:
    cmpq    $32, 0(%rsp)
    jae     interrupt_in_kernel
    cld
    push_general
    movq    %rsp, %rdi
    call    {on_kernel_exception}
    pop_general
    addq    $16, %rsp
    iretq

# Interrupts are on only in the idle loop, whose registers hold nothing.
interrupt_in_kernel:
    movq    16(%rsp), %rax
    leaq    idle(%rip), %rcx
    subq    %rcx, %rax
    cmpq    $idle_end - idle, %rax
    ja      1f
    movq    0(%rsp), %rdi
    movq    8(%rsp), %rsi
    movq    %gs:{stack}, %rsp
    xorl    %ebp, %ebp
    call    {on_trap}
    jmp     resume
1:  push_general
    movq    %rsp, %rdi
    call    {on_fatal}
    ud2

# Entries with a stack of their own. They may come anywhere, also where GS is still or already the user's. At the end of each such
# stack is the address of the CPU's own data.
.global debug_entry, nmi_entry, double_fault_entry, machine_check_entry
debug_entry:
    testb   $3, 8(%rsp)
    jz      1f
    pushq   $0
    pushq   $1
    jmp     trap_common
1:  iretq                           # a user's single step or watchpoint that hit in the first instruction of an entry

nmi_entry:
    pushq   %rax
    movq    48(%rsp), %rax
    incq    {nmis}(%rax)
    popq    %rax
    iretq

machine_check_entry:
    pushq   $0
    pushq   $18
    jmp     fatal
double_fault_entry:
    pushq   $8
fatal:
    cld
    push_general
    movq    176(%rsp), %rdx         # the address at the stack's end
    movl    %edx, %eax
    shrq    $32, %rdx
    movl    ${gs_base_msr}, %ecx
    wrmsr
    movq    %rsp, %rdi
    call    {on_fatal}
    ud2

# rdi: destination, rsi: source, rdx: bytes. One of the two is in user memory. Returns in rax how many bytes were not copied.
.global copy_user
copy_user:
    movq    %rdx, %rcx
    shrq    $3, %rcx
    andl    $7, %edx
    testb   $1, %gs:{smap}
    jz      1f
    stac
1:  rep movsq
    movl    %edx, %ecx
2:  rep movsb
    xorl    %eax, %eax
3:  testb   $1, %gs:{smap}
    jz      4f
    clac
4:  ret
5:  leaq    (%rdx,%rcx,8), %rax
    jmp     3b
6:  movq    %rcx, %rax
    jmp     3b
    fixup   1b, 5b
    fixup   2b, 6b
