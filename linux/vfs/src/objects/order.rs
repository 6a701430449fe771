//! In which order bytes were written to several pipes, for a reader of all of them that keeps it.

use crate::context::Context;
use crate::errno::Errno;
use crate::file::Object;
use crate::vfs::Vfs;
use alloc::collections::VecDeque;

/// Pieces that are remembered for a pipe; with as many it takes no more bytes.
const MAX_PIECES: usize = 4096;

/// Bytes that were written to a pipe without any to another ordered one between them.
#[derive(Clone, Copy)]
struct Piece {
    number: u64,
    length: usize,
}

/// What is remembered for a pipe.
#[derive(Default)]
pub struct Order {
    pieces: VecDeque<Piece>,
}

impl Order {
    /// Whether no more can be remembered.
    pub fn is_full(&self) -> bool {
        self.pieces.len() >= MAX_PIECES
    }

    /// Bytes were written; `latest` is the number of the latest piece of all pipes.
    pub fn written(&mut self, count: usize, latest: &mut u64) {
        match self
            .pieces
            .back_mut()
            .filter(|piece| piece.number == *latest)
        {
            Some(piece) => piece.length += count,
            None => {
                *latest += 1;
                let (number, length) = (*latest, count);
                self.pieces.push_back(Piece { number, length });
            }
        }
    }

    /// Bytes were read.
    pub fn taken(&mut self, mut count: usize) {
        while let Some(piece) = self.pieces.front_mut().filter(|_| count > 0) {
            let step = count.min(piece.length);
            piece.length -= step;
            count -= step;
            if piece.length == 0 {
                self.pieces.pop_front();
            }
        }
    }

    fn first(&self) -> Option<(u64, usize)> {
        self.pieces
            .front()
            .map(|piece| (piece.number, piece.length))
    }
}

impl Vfs {
    /// Remembers from now on in which order this pipe and others so prepared are written. `EBADF` if it is no pipe.
    pub fn order_pipe(&mut self, cx: &Context<'_>, fd: i32) -> Result<(), Errno> {
        let file = self.file_of(cx, fd)?;
        let Object::Pipe(pipe) = self.file(file)?.object else {
            return Err(Errno::EBADF);
        };
        let pipe = self.pipes.get_mut(pipe).ok_or(Errno::EBADF)?;
        pipe.order.get_or_insert_default();
        Ok(())
    }

    /// The first bytes that wait in an ordered pipe: a number that is the greater the later they were written, and how many were
    /// written before any to another such pipe.
    pub fn first_written(&mut self, cx: &Context<'_>, fd: i32) -> Option<(u64, usize)> {
        let file = self.file_of(cx, fd).ok()?;
        let Object::Pipe(pipe) = self.file(file).ok()?.object else {
            return None;
        };
        self.pipes.get(pipe)?.order.as_ref()?.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_until_another_pipe_is_written() {
        let (mut a, mut b, mut latest) = (Order::default(), Order::default(), 0);
        a.written(5, &mut latest);
        a.written(3, &mut latest);
        b.written(1, &mut latest);
        a.written(2, &mut latest);
        assert_eq!((a.first(), b.first()), (Some((1, 8)), Some((2, 1))));
        a.taken(7);
        assert_eq!(a.first(), Some((1, 1)));
        a.taken(2);
        assert_eq!(a.first(), Some((3, 1)));
        a.taken(1);
        b.taken(1);
        assert_eq!((a.first(), b.first()), (None, None));
        a.written(4, &mut latest);
        assert_eq!(a.first(), Some((4, 4)), "an old number is not used again");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut a, mut b, mut latest) = (Order::default(), Order::default(), 0);
        while !a.is_full() {
            a.written(1, &mut latest);
            b.written(1, &mut latest);
        }
        assert_eq!(latest, 2 * MAX_PIECES as u64);
        a.taken(1);
        assert!(!a.is_full());
    }
}
