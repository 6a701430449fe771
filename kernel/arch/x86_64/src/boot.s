# The way from the loader's 32-bit entry, and from an application processor's 16-bit one, to 64-bit code in the high half.

# The note that QEMU looks for. A program header of type PT_NOTE with alignment 4 must cover it.
.section .note.pvh, "a", @note
.balign 4
.long 4
.long 4
.long 18
.asciz "Xen"
.long pvh_start

.section .boot.text, "ax"

# Everything between protected and long mode. Leaves the CPU in compatibility mode under the boot tables.
.macro enter_long_mode
    movl    $0xa0, %eax             # CR4: PAE, PGE
    movl    %eax, %cr4
    movl    $boot_pml4, %eax
    movl    %eax, %cr3
    movl    $0xc0000080, %ecx       # EFER: SCE, LME, NXE
    xorl    %edx, %edx
    movl    $0x901, %eax
    wrmsr
    movl    $0x80010033, %eax       # CR0: PG, WP, NE, ET, MP, PE
    movl    %eax, %cr0
.endm

.code32
.global pvh_start
pvh_start:
    cld
    lgdt    boot_gdt_pointer
    movl    %ebx, %edi              # start_info
    rdtsc
    movl    %eax, %esi
    movl    %edx, %ebp
    enter_long_mode
    ljmp    $0x18, $pvh_start_64
.code64
pvh_start_64:
    xorl    %eax, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    %eax, %fs
    movl    %eax, %gs
    movl    %edi, %edi
    movl    %esi, %esi
    shlq    $32, %rbp
    orq     %rbp, %rsi
    movabsq ${boot_entry}, %rax
    jmpq    *%rax

.code32
ap_start_32:
    movl    $0x10, %eax
    movl    %eax, %ds
    movl    %eax, %ss
    enter_long_mode
    ljmp    $0x18, $ap_start_64
.code64
ap_start_64:
    xorl    %eax, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    %eax, %fs
    movl    %eax, %gs
    movabsq ${application_entry}, %rax
    jmpq    *%rax

# Copied to {trampoline}, where an application processor starts in real mode with CS at that page.
.section .boot.data, "aw"
.balign 16
.global trampoline_start, trampoline_end
.code16
trampoline_start:
    cli
    cld
    xorw    %ax, %ax
    movw    %ax, %ds
    lgdtl   {trampoline} + trampoline_gdt_pointer - trampoline_start
    movl    $0x11, %eax
    movl    %eax, %cr0
    ljmpl   $0x08, $ap_start_32
.balign 4
trampoline_gdt_pointer:
    .word   boot_gdt_end - boot_gdt - 1
    .long   boot_gdt
trampoline_end:
.code64

.balign 16
boot_gdt:
    .quad   0
    .quad   0x00cf9b000000ffff      # 0x08: 32-bit code
    .quad   0x00cf93000000ffff      # 0x10: data
    .quad   0x00af9b000000ffff      # 0x18: 64-bit code
boot_gdt_end:
boot_gdt_pointer:
    .word   boot_gdt_end - boot_gdt - 1
    .long   boot_gdt

# The first 4 GiB at address 0, in the direct map, and the first one where the kernel is linked.
.balign 4096
boot_pml4:
    .quad   boot_pdpt + 3
    .fill   255, 8, 0
    .quad   boot_pdpt + 3
    .fill   254, 8, 0
    .quad   boot_pdpt_high + 3
boot_pdpt:
    .quad   boot_pd + 0x0003
    .quad   boot_pd + 0x1003
    .quad   boot_pd + 0x2003
    .quad   boot_pd + 0x3003
    .fill   508, 8, 0
boot_pdpt_high:
    .fill   510, 8, 0
    .quad   boot_pd + 3
    .quad   0
boot_pd:
    .set    number, 0
    .rept   2048
    .quad   number * 0x200000 + 0x83
    .set    number, number + 1
    .endr

.text
