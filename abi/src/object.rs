//! The types of kernel objects.

macro_rules! objects {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal,)*) => {
        /// The type of the object that a capability names.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum ObjectType {
            $($(#[doc = $doc])* $name = $number,)*
        }

        impl ObjectType {
            /// Every type with its name and meaning, for the reference.
            pub const ALL: &'static [(ObjectType, &'static str, &'static str)] =
                &[$((ObjectType::$name, stringify!($name), concat!($($doc),*))),*];

            /// The type of a number; `None` if there is none.
            pub const fn from_number(number: u64) -> Option<ObjectType> {
                match number {
                    $($number => Some(ObjectType::$name),)*
                    _ => None,
                }
            }
        }
    };
}

// Below 32: what has no object in kernel memory. From 32 on: what has.
objects! {
    /// A range of physical memory, or of device registers, of which objects are made.
    Untyped = 1,
    /// A table of capability slots.
    CNode = 32,
    /// Registers, capability space, address space, fault endpoint.
    Thread = 33,
    /// Where calls arrive and a handler runs.
    Endpoint = 34,
    /// The right to answer one call, once.
    Reply = 35,
    /// A word of signal bits.
    Notification = 36,
    /// An address space.
    VSpace = 37,
    /// Pages that an address space's tables are made of.
    PageTables = 38,
    /// A run of pages.
    Frame = 2,
    /// A second set of registers and an address space that a thread enters and comes back from.
    VCpu = 39,
    /// The right to time: priority, budget per period, on a CPU.
    SchedContext = 40,
    /// One interrupt line.
    Irq = 3,
    /// A range of I/O ports.
    IoPorts = 4,
    /// What a device may reach by DMA.
    IoSpace = 41,
    /// The right to make Irq capabilities.
    IrqControl = 5,
    /// The right to make IoPorts capabilities.
    IoPortControl = 6,
    /// The right to give SchedContexts their parameters.
    SchedControl = 7,
}
