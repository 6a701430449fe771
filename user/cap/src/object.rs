//! The types that a capability can be of.

use sundog_abi::ObjectType;

/// A type of kernel object.
pub trait Object {
    /// Its number in the contract.
    const TYPE: ObjectType;
}

macro_rules! objects {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $name {}

            impl Object for $name {
                const TYPE: ObjectType = ObjectType::$name;
            }
        )*
    };
}

objects! {
    /// A range of memory of which objects are made.
    Untyped,
    /// A table of slots.
    CNode,
    /// A thread.
    Thread,
    /// Where calls arrive.
    Endpoint,
    /// The right to answer one call.
    Reply,
    /// A word of signal bits.
    Notification,
    /// An address space.
    VSpace,
    /// Pages for an address space's tables.
    PageTables,
    /// A run of pages.
    Frame,
    /// A guest's registers.
    VCpu,
    /// The right to time.
    SchedContext,
    /// An interrupt line.
    Irq,
    /// A range of I/O ports.
    IoPorts,
    /// The right to make Irq capabilities.
    IrqControl,
    /// The right to make IoPorts capabilities.
    IoPortControl,
    /// The right to give SchedContexts their parameters.
    SchedControl,
}
