//! Things behind descriptors that are in no tree.

pub mod epoll;
pub mod eventfd;
pub mod memfd;
pub mod order;
pub mod pipe;
pub mod socket;
