//! THE table of system calls.
//!
//! Calls of the kind `invoke`: rax = number, rdi = address of the capability, then the arguments in rsi, rdx, r10, r8, r9; after it
//! rax = status, rdx = value, r8 = a second value. Calls of the kind `message` use the registers of [`crate::message`]. rcx and r11
//! are always clobbered. The rights are those that the look-up of the capability in rdi asks for; arguments that are addresses name
//! what they need in their description. No argument is a path: names are a matter of user space.

/// Hands the whole table to the macro `$callback`.
#[macro_export]
macro_rules! for_each_syscall {
    ($callback:path) => {
        $callback! {
            /// Answers with the contract's version. Needs no capability and touches nothing.
            0 abi_version invoke () {} -> "the ABI version" [];

            /// Sends a message and waits for the reply. The scheduling context goes along.
            1 call message (Endpoint: SEND) {info: Info, deadline: Word} -> "info of the reply" [Dead, TimedOut, WouldBlock, Cancelled, InvalidArgument, NotConfigured];
            /// Answers the call that the Reply capability in r8 stands for, then receives. With an empty Reply it only receives.
            2 reply_receive message (Endpoint: RECEIVE) {info: Info, deadline: Word} -> "info of the message" [TimedOut, WouldBlock, Cancelled, InvalidArgument, NotConfigured];
            /// Sends a message and waits until it was taken.
            3 send message (Endpoint: SEND) {info: Info, deadline: Word} -> "nothing" [Dead, TimedOut, WouldBlock, Cancelled, InvalidArgument, NotConfigured];
            /// Waits for a message, or for a signal of the bound notification. r8 = address of a Reply capability, or 0.
            4 receive message (Endpoint: RECEIVE) {info: Info, deadline: Word} -> "info of the message" [TimedOut, WouldBlock, Cancelled, Busy, NotConfigured];
            /// Answers a call, once.
            5 reply message (Reply:) {info: Info} -> "nothing" [InvalidArgument, NotConfigured, TransferFailed];

            /// Sets the badge's bits in the notification's word and wakes one waiter.
            8 notification_signal invoke (Notification: SEND) {} -> "nothing" [];
            /// Waits until the word is not 0, then takes it. Deadline 0: no limit.
            9 notification_wait invoke (Notification: RECEIVE) {deadline: Word} -> "the word" [TimedOut, Cancelled, Busy];
            /// Takes the word, 0 included, without waiting.
            10 notification_poll invoke (Notification: RECEIVE) {} -> "the word" [];

            /// Makes objects of one type out of untyped memory, in a row of empty slots of the CNode at `cnode` (right write, 0: the root). `size`: CNode slots, Frame pages, Untyped bytes, PageTables pages; VSpace: 1 if it is only for guests; else 0.
            16 untyped_retype invoke (Untyped: WRITE) {kind: ObjectType, size: Word, cnode: Address, first: Slot, count: Word} -> "objects made" [InvalidArgument, NotEnoughMemory, SlotOccupied, OutOfRange, Revoked];
            /// Makes the whole range free again when nothing derived from it is left.
            17 untyped_reset invoke (Untyped: WRITE) {} -> "nothing" [HasChildren];

            /// Copies the capability at `source` into slot `slot` with at most `rights`; the copy is a child.
            24 cnode_copy invoke (CNode: WRITE) {slot: Slot, source: Address, rights: Rights} -> "nothing" [SlotOccupied, OutOfRange, InvalidAddress, Revoked, NotCopyable];
            /// Like copy, and sets the badge. `source` must be unbadged and have the right badge; the copy does not get that right.
            25 cnode_mint invoke (CNode: WRITE) {slot: Slot, source: Address, rights: Rights, badge: Word} -> "nothing" [SlotOccupied, OutOfRange, InvalidAddress, Revoked, NotCopyable, MissingRights, InvalidArgument];
            /// Moves the capability at `source` into slot `slot`; what is derived from it stays derived.
            26 cnode_move invoke (CNode: WRITE) {slot: Slot, source: Address} -> "nothing" [SlotOccupied, OutOfRange, InvalidAddress, Revoked];
            /// Empties a slot. Its children become its parent's; the last capability takes the object along.
            27 cnode_delete invoke (CNode: WRITE) {slot: Slot} -> "nothing" [OutOfRange];
            /// Removes every capability derived from the one in the slot, with all that was made of it.
            28 cnode_revoke invoke (CNode: WRITE) {slot: Slot} -> "nothing" [OutOfRange, InvalidAddress, Revoked];
            /// Tells what a slot holds: type in bits 0-7 (0: empty), rights in bits 16-31, size in bits 32-63 (bytes / 4096 of memory, slots of a CNode, ports of IoPorts). Second value: the badge, line or first port.
            29 cnode_inspect invoke (CNode: READ) {slot: Slot} -> "description" [OutOfRange];

            /// Gives a stopped thread its capability space (CNode, right use), address space (VSpace, right map) and fault endpoint (right send; 0: none).
            32 thread_configure invoke (Thread: WRITE) {cspace: Address, vspace: Address, fault: Address} -> "nothing" [Busy, InvalidAddress, WrongType, MissingRights, Revoked];
            /// Sets instruction pointer, stack pointer, argument (rdi) of a stopped thread; all other registers become 0.
            33 thread_start_at invoke (Thread: WRITE) {instruction: Word, stack: Word, argument: Word} -> "nothing" [Busy, OutOfRange];
            /// Lets the thread run.
            34 thread_resume invoke (Thread: WRITE) {} -> "nothing" [NotConfigured];
            /// Stops the thread; a wait it is in fails with Cancelled when it is resumed.
            35 thread_suspend invoke (Thread: WRITE) {} -> "nothing" [];
            /// Reads registers into the caller's message page: rax rbx rcx rdx rsi rdi rbp rsp r8-r15 rip rflags fs_base.
            36 thread_read_registers invoke (Thread: READ) {} -> "words" [Busy, NotConfigured];
            /// Writes registers from the caller's message page.
            37 thread_write_registers invoke (Thread: WRITE) {} -> "nothing" [Busy, NotConfigured, OutOfRange];
            /// Binds a notification (right receive; 0: unbinds), so that one receive waits for both.
            38 thread_bind_notification invoke (Thread: WRITE) {notification: Address} -> "nothing" [Busy, InvalidAddress, WrongType, MissingRights];
            /// Makes a Frame capability of the thread's message page, a child of the thread's.
            39 thread_message_frame invoke (Thread: WRITE) {cnode: Address, slot: Slot} -> "nothing" [SlotOccupied, OutOfRange, Revoked];

            /// Gives a scheduling context (at `context`) its priority 0-63, budget and period in TSC ticks, and CPU (`place` = priority + CPU * 256).
            48 sched_configure invoke (SchedControl: USE) {context: Address, place: Word, budget: Word, period: Word} -> "nothing" [OutOfRange, InvalidArgument, InvalidAddress, WrongType, MissingRights, Busy];
            /// Binds the context to a thread as its own.
            49 sched_bind invoke (SchedContext: USE) {thread: Address} -> "nothing" [Busy, InvalidAddress, WrongType, MissingRights];
            /// Takes the context from its thread.
            50 sched_unbind invoke (SchedContext: USE) {} -> "nothing" [];
            /// Tells the ticks consumed since the last such call.
            51 sched_consumed invoke (SchedContext: USE) {} -> "ticks" [];
            /// Lets others of the same priority run first.
            52 sched_yield invoke (SchedContext: USE) {} -> "nothing" [];

            /// Gives the address space the pages of a PageTables object.
            56 vspace_bind_tables invoke (VSpace: MAP) {tables: Address} -> "nothing" [Busy, InvalidAddress, WrongType, MissingRights];
            /// Maps pages of a Frame (`range` = first page of the frame + number of pages * 2^32) from `address` on.
            57 vspace_map invoke (VSpace: MAP) {frame: Address, address: Word, range: Word, protection: Protection} -> "pages mapped" [InvalidArgument, OutOfRange, AlreadyMapped, NeedTables, MissingRights, NotAllowed, InvalidAddress, WrongType, Revoked];
            /// Removes mappings of pages; pages where nothing is mapped are passed over.
            58 vspace_unmap invoke (VSpace: MAP) {address: Word, pages: Word} -> "pages looked at" [OutOfRange];
            /// Changes the protection of mapped pages, within what the mapping capability allows; passes over holes.
            59 vspace_protect invoke (VSpace: MAP) {address: Word, pages: Word, protection: Protection} -> "pages looked at" [InvalidArgument, OutOfRange, NotAllowed, MissingRights];
            /// Maps the pages that `source` (right share) has at an address at the same address here, with at most `mask`. `range` = first page's number (address / 4096) + number of pages * 2^40; bit 3 of `mask`: drop write at the source too.
            60 vspace_share invoke (VSpace: MAP) {source: Address, range: Word, mask: Word} -> "pages looked at" [InvalidArgument, OutOfRange, AlreadyMapped, NeedTables, NotAllowed, InvalidAddress, WrongType, MissingRights];
            /// Tells how a page is mapped: its protection plus 8, or 0.
            61 vspace_look_up invoke (VSpace: MAP) {address: Word} -> "protection" [OutOfRange];

            /// Gives a VCpu its address space (VSpace made for guests, right map).
            72 vcpu_configure invoke (VCpu: USE) {vspace: Address} -> "nothing" [Busy, InvalidAddress, WrongType, MissingRights, NotAllowed];
            /// Runs the guest until something brings it back; the reason is in the state page. Deadline 0: no limit.
            73 vcpu_enter invoke (VCpu: USE) {deadline: Word} -> "exit reason" [Busy, NotConfigured];
            /// Brings the guest back, or makes the next entry come back at once.
            74 vcpu_kick invoke (VCpu: SEND) {} -> "nothing" [];
            /// Makes a Frame capability of the VCpu's state page, a child of the VCpu's.
            75 vcpu_state_frame invoke (VCpu: USE) {cnode: Address, slot: Slot} -> "nothing" [SlotOccupied, OutOfRange, Revoked];

            /// Writes the guest's FPU registers to the state page, if a CPU still has them.
            76 vcpu_sync_fpu invoke (VCpu: USE) {} -> "nothing" [];

            /// Binds a notification (right send; 0: unbinds) that each interrupt signals.
            80 irq_bind invoke (Irq: USE) {notification: Address} -> "nothing" [InvalidAddress, WrongType, MissingRights];
            /// Lets the line interrupt again.
            81 irq_acknowledge invoke (Irq: USE) {} -> "nothing" [];
            /// Makes the Irq capability of a line, once.
            82 irq_control_get invoke (IrqControl: USE) {line: Word, cnode: Address, slot: Slot} -> "nothing" [OutOfRange, Busy, SlotOccupied, Revoked];

            /// Reads `width` bytes (1, 2, 4) from a port of the range.
            88 io_port_in invoke (IoPorts: READ) {port: Word, width: Word} -> "the value" [OutOfRange, InvalidArgument];
            /// Writes `width` bytes to a port of the range.
            89 io_port_out invoke (IoPorts: WRITE) {port: Word, width: Word, value: Word} -> "nothing" [OutOfRange, InvalidArgument];
            /// Makes a capability for a range of ports that overlaps none given out before.
            90 io_port_control_get invoke (IoPortControl: USE) {first: Word, count: Word, cnode: Address, slot: Slot} -> "nothing" [OutOfRange, Busy, SlotOccupied, Revoked];
        }
    };
}

/// One argument of a call.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// The name of its type.
    pub kind: &'static str,
}

/// What the table says of a call.
#[derive(Clone, Copy, Debug)]
pub struct CallDescription {
    /// The call.
    pub call: Call,
    /// The number in rax.
    pub number: u64,
    /// The name.
    pub name: &'static str,
    /// `invoke` or `message`.
    pub kind: &'static str,
    /// The type of the object in rdi; empty if the call needs none.
    pub object: &'static str,
    /// The right that the look-up needs; empty if holding suffices.
    pub right: &'static str,
    /// The arguments after the capability.
    pub arguments: &'static [Argument],
    /// What the value register holds.
    pub value: &'static str,
    /// The names of the errors beyond those of every look-up.
    pub errors: &'static [&'static str],
    /// What the call does.
    pub text: &'static str,
}

macro_rules! describe {
    ($($(#[doc = $doc:literal])* $number:literal $name:ident $kind:ident ($($object:ident: $($right:ident)?)?) {$($argument:ident: $type:ident),*} -> $value:literal [$($error:ident),*];)*) => {
        /// The system calls by name.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(non_camel_case_types, reason = "a call has one name everywhere, also as a function")]
        #[repr(u64)]
        pub enum Call {
            $($(#[doc = $doc])* $name = $number,)*
        }

        impl Call {
            /// The call of a number; `None` if the table has none.
            pub const fn from_number(number: u64) -> Option<Call> {
                match number {
                    $($number => Some(Call::$name),)*
                    _ => None,
                }
            }
        }

        /// Every call, in the order of the table.
        pub const CALLS: &[CallDescription] = &[$(CallDescription {
            call: Call::$name,
            number: $number,
            name: stringify!($name),
            kind: stringify!($kind),
            object: concat!($(stringify!($object))?),
            right: concat!($($(stringify!($right))?)?),
            arguments: &[$(Argument { name: stringify!($argument), kind: stringify!($type) }),*],
            value: $value,
            errors: &[$(stringify!($error)),*],
            text: concat!($($doc),*),
        }),*];
    };
}
for_each_syscall!(describe);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_in_order() {
        for pair in CALLS.windows(2) {
            assert!(pair[0].number < pair[1].number, "{}", pair[1].name);
        }
        for (index, call) in CALLS.iter().enumerate() {
            assert_eq!(Call::from_number(call.number), Some(call.call));
            assert!(CALLS[..index].iter().all(|other| other.name != call.name));
        }
    }

    #[test]
    fn no_call_takes_a_path() {
        let allowed = [
            "Word",
            "Address",
            "Slot",
            "Rights",
            "Protection",
            "ObjectType",
            "Info",
        ];
        for call in CALLS {
            assert!(
                call.arguments.len() <= 5,
                "{} has more arguments than registers",
                call.name
            );
            for argument in call.arguments {
                assert!(
                    allowed.contains(&argument.kind),
                    "{}: {}",
                    call.name,
                    argument.kind
                );
                assert!(
                    !argument.name.contains("path"),
                    "{}: {}",
                    call.name,
                    argument.name
                );
            }
        }
    }

    #[test]
    fn every_error_of_the_table_exists() {
        for call in CALLS {
            for error in call.errors {
                assert!(
                    crate::Error::ALL.iter().any(|(_, name, _)| name == error),
                    "{}: {error}",
                    call.name
                );
            }
        }
    }
}
