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
.macro load_register name, base
    .ifnc \name, \base
    movq    __\name(%\base), %\name
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

.macro save_general base
    .irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    save_register \name, \base
    .endr
.endm

# Saves the bases of FS and GS. Without the instructions for it user mode cannot change them, so the saved ones are still right.
.macro save_bases base
    rdfsbase %rax
    movq    %rax, {fs_base}(%\base)
    swapgs
    rdgsbase %rax
    swapgs
    movq    %rax, {gs_base}(%\base)
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

.macro syscall_body with_bases
    swapgs
    movq    %rsp, %gs:{scratch}
    movq    %gs:{current}, %rsp
    save_general rsp
    movq    %gs:{scratch}, %rax
    movq    %rax, {rsp}(%rsp)
    movq    %rcx, {rip}(%rsp)
    movq    %r11, {rflags}(%rsp)
    movq    $1, {how}(%rsp)
    .if \with_bases
    save_bases rsp
    .endif
    movq    %gs:{stack}, %rsp
    xorl    %ebp, %ebp
    call    {on_syscall}
.endm

.balign 64
.global syscall_with_bases, syscall_without_bases
syscall_without_bases:
    syscall_body 0
    jmp     resume
.balign 64
syscall_with_bases:
    syscall_body 1

# Leaves the kernel: to the thread that is current, or to waiting for an interrupt if none is.
.global resume
resume:
    movq    %gs:{stack}, %rsp
    movq    %gs:{current}, %rdi
    testq   %rdi, %rdi
    jz      idle
    movq    {rip}(%rdi), %rcx
    movq    %rcx, %rax
    shrq    $47, %rax
    jnz     bad_state
    movq    {gs_base}(%rdi), %rdx
    movq    {fs_base}(%rdi), %rax
    testb   $1, %gs:{fsgsbase}
    jz      resume_by_msr
1:  wrfsbase %rdx                   # only to see whether the address is one: here a fault does no harm
2:  wrfsbase %rax
    fixup   1b, bad_state
    fixup   2b, bad_state
    swapgs
    wrgsbase %rdx
resume_general:
    movl    {rflags}(%rdi), %r11d
    andl    ${user_flags}, %r11d
    orl     ${fixed_flags}, %r11d
    cmpq    $0, {how}(%rdi)
    je      resume_by_iret
    .irp name, rax, rbx, rdx, rsi, rbp, r8, r9, r10, r12, r13, r14, r15
    load_register \name, rdi
    .endr
    movq    {rsp}(%rdi), %rsp
    movq    {rdi}(%rdi), %rdi
    sysretq

resume_by_iret:
    pushq   ${user_data}
    pushq   {rsp}(%rdi)
    pushq   %r11
    pushq   ${user_code}
    pushq   %rcx
    .irp name, rax, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    load_register \name, rdi
    .endr
    movq    {rdi}(%rdi), %rdi
    iretq

resume_by_msr:
    movq    %rdx, %rsi
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
    save_bases rdi
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
