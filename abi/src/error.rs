//! Errors of system calls.

macro_rules! errors {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal,)*) => {
        /// Why a system call did nothing, or no more than it says. The status register holds the number; 0 is success.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u64)]
        pub enum Error {
            $($(#[doc = $doc])* $name = $number,)*
        }

        impl Error {
            /// Every error with its meaning, for the reference.
            pub const ALL: &'static [(Error, &'static str, &'static str)] =
                &[$((Error::$name, stringify!($name), concat!($($doc),*))),*];

            /// The error of a status register; `None` for 0 (success) and numbers that this contract does not have.
            pub const fn from_number(number: u64) -> Option<Error> {
                match number {
                    $($number => Some(Error::$name),)*
                    _ => None,
                }
            }
        }
    };
}

errors! {
    /// The address names no slot, or an empty one.
    InvalidAddress = 1,
    /// The capability is to an object of another type.
    WrongType = 2,
    /// The capability lacks a right that the call needs.
    MissingRights = 3,
    /// An argument has a value that the call does not know.
    InvalidArgument = 4,
    /// An index, address or length lies outside of the object.
    OutOfRange = 5,
    /// The destination slot is not empty.
    SlotOccupied = 6,
    /// The untyped memory has not enough left.
    NotEnoughMemory = 7,
    /// The address space needs more pages for its tables; bind another PageTables object.
    NeedTables = 8,
    /// Something is mapped there already.
    AlreadyMapped = 9,
    /// Nothing is mapped there.
    NotMapped = 10,
    /// The object is in a state that does not allow this now.
    Busy = 11,
    /// The capability is being revoked or deleted.
    Revoked = 12,
    /// Capabilities of this type cannot be copied.
    NotCopyable = 13,
    /// Nobody holds the right to receive there any more, or the server dropped the call.
    Dead = 14,
    /// The operation was cancelled by another thread.
    Cancelled = 15,
    /// The call would have had to wait.
    WouldBlock = 16,
    /// The deadline passed.
    TimedOut = 17,
    /// Writable and executable at once is refused.
    NotAllowed = 18,
    /// The system call's number is not in the table.
    UnknownCall = 19,
    /// Something derived from it is still there.
    HasChildren = 20,
    /// The thread has no message page, address space or capability space for this.
    NotConfigured = 21,
    /// A user address was not accessible.
    BadPointer = 22,
    /// Some capabilities of the message did not reach the receiver.
    TransferFailed = 23,
}

/// The result that a status register stands for. A status that is neither 0 nor a known error counts as [`Error::UnknownCall`].
pub const fn from_status(status: u64) -> Result<(), Error> {
    match status {
        0 => Ok(()),
        number => match Error::from_number(number) {
            Some(error) => Err(error),
            None => Err(Error::UnknownCall),
        },
    }
}
