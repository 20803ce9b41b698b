//! From the task that receives a body to the thread that reads it.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::AbortHandle;

use super::error::Error;
use super::runtime::Runtime;

/// Pieces that wait to be read.
const PIECES: usize = 4;

/// Small pieces that wait are put together up to this size.
const PIECE: usize = 256 * 1024;

/// What goes through.
enum Piece {
    /// Bytes, some.
    Bytes(Bytes),
    /// The end of the body, or what ended it.
    End(Result<(), Error>),
}

/// Where the task puts bytes.
pub(super) struct Outlet {
    sender: Sender<Piece>,
    waiting: BytesMut,
}

/// Where the thread takes them.
pub(super) struct Inlet(Receiver<Piece>);

/// Both ends.
pub(super) fn new() -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let outlet = Outlet {
        sender,
        waiting: BytesMut::new(),
    };
    (outlet, Inlet(receiver))
}

impl Outlet {
    /// Gives bytes, waiting while too many are unread.
    pub(super) async fn give(&mut self, bytes: Bytes) {
        if self.waiting.is_empty() && (bytes.len() >= PIECE || self.sender.capacity() > 0) {
            self.send(Piece::Bytes(bytes)).await;
            return;
        }
        self.waiting.extend_from_slice(&bytes);
        if self.waiting.len() >= PIECE || self.sender.capacity() > 0 {
            self.flush().await;
        }
    }

    /// Gives what waits to become a larger piece.
    pub(super) async fn flush(&mut self) {
        if !self.waiting.is_empty() {
            let bytes = self.waiting.split().freeze();
            self.send(Piece::Bytes(bytes)).await;
        }
    }

    /// Gives the end.
    pub(super) async fn end(mut self, end: Result<(), Error>) {
        self.flush().await;
        self.send(Piece::End(end)).await;
    }

    /// Where nobody reads any more, the task is stopped; until then there is nowhere to put it.
    async fn send(&self, piece: Piece) {
        if self.sender.send(piece).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A body, as the thread reads it.
pub(super) struct Body {
    inlet: Inlet,
    unread: Bytes,
    end: Option<Result<(), Error>>,
    task: AbortHandle,
    host: String,
    /// Where the task runs.
    _runtime: Arc<Runtime>,
}

impl Body {
    /// What `task` puts in at the other end, from `host`.
    pub(super) fn new(
        inlet: Inlet,
        task: AbortHandle,
        host: String,
        runtime: Arc<Runtime>,
    ) -> Self {
        Self {
            inlet,
            unread: Bytes::new(),
            end: None,
            task,
            host,
            _runtime: runtime,
        }
    }

    /// Waits for the next piece. A task that ends without a word was stopped.
    fn next(&mut self) {
        match self.inlet.0.blocking_recv() {
            Some(Piece::Bytes(bytes)) => self.unread = bytes,
            Some(Piece::End(end)) => self.end = Some(end),
            None => {
                self.end = Some(Err(Error::Cut {
                    host: self.host.clone(),
                    reason: "it was given up".to_owned(),
                }));
            }
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while self.unread.is_empty() {
            match &self.end {
                Some(Ok(())) => return Ok(0),
                Some(Err(error)) => return Err(io::Error::other(error.clone())),
                None => self.next(),
            }
        }
        let length = buffer.len().min(self.unread.len());
        let (taken, _) = buffer.split_at_mut(length);
        self.unread.copy_to_slice(taken);
        Ok(length)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// What is done without waiting.
    fn at_once<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn small_pieces_that_wait_are_put_together_in_their_order() {
        let (mut outlet, mut inlet) = new();
        let mut read = || match inlet.0.try_recv() {
            Ok(Piece::Bytes(bytes)) => bytes.to_vec(),
            _ => vec![],
        };
        // As many as may be unread, and one.
        for byte in 0..=4 {
            at_once(outlet.give(vec![byte].into()));
        }
        assert_eq!(read(), [0]);
        at_once(outlet.give(vec![5].into()));
        for piece in [&[1][..], &[2], &[3], &[4, 5], &[]] {
            assert_eq!(read(), piece);
        }
    }
}
