//! The system calls, each under the name that it has in the table: arguments are decoded here, the objects' files act.

mod device;
mod message;
mod object;
mod space;
mod thread;
