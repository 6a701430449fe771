//! The calls of the kind `invoke`, made from the table.

use crate::answer::{Answer, ToWord};
use crate::trap;
use sundog_abi::{Address, Error, ObjectType, Protection, Rights, Slot, Word, from_status};

/// Puts up to five arguments into the registers' order.
fn registers(given: &[Word]) -> [Word; 5] {
    let mut all = [0; 5];
    for (register, word) in all.iter_mut().zip(given) {
        *register = *word;
    }
    all
}

#[inline(always)]
fn invoke(number: Word, capability: Address, arguments: &[Word]) -> Result<Answer, Error> {
    let (status, answer) = trap::invoke(number, capability.0, registers(arguments));
    from_status(status).map(|()| answer)
}

macro_rules! stub {
    ($(#[$doc:meta])* $number:literal $name:ident message $($rest:tt)*) => {};
    ($(#[$doc:meta])* $number:literal $name:ident invoke () {}) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// Those of the table.
        #[inline]
        pub fn $name() -> Result<Answer, Error> {
            invoke($number, Address::NULL, &[])
        }
    };
    ($(#[$doc:meta])* $number:literal $name:ident invoke ($object:ident) {$($argument:ident: $type:ident),*}) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// Those of every look-up, and those that the table names for this call.
        #[inline]
        pub fn $name(capability: Address $(, $argument: $type)*) -> Result<Answer, Error> {
            invoke($number, capability, &[$($argument.to_word()),*])
        }
    };
}

macro_rules! stubs {
    ($($(#[$doc:meta])* $number:literal $name:ident $kind:ident ($($object:ident: $($right:ident)?)?) {$($argument:ident: $type:ident),*} -> $value:literal [$($error:ident),*];)*) => {
        $(stub! { $(#[$doc])* $number $name $kind ($($object)?) {$($argument: $type),*} })*
    };
}
sundog_abi::for_each_syscall!(stubs);
