//! [`Paced`]: a connection whose other end has to keep up.
//!
//! By hand, because the timers of hyper do not do it: its `header_read_timeout` also runs while a
//! connection that is kept alive is idle (hyper 1.12, `Conn::poll_read_head`), and nothing of it looks at
//! how fast an answer is read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connections::Turns;

/// How long a header may take from its first byte on, and the first one from the beginning.
const HEADER: Duration = Duration::from_secs(10);

/// How long an answer may stand still, all in all, before its pace is looked at.
const STANDING: Duration = Duration::from_secs(30);

/// What has to be read in that time: 1 KiB a second.
const LEAST: usize = 30 * 1024;

/// A stream that ends with [`io::ErrorKind::TimedOut`] where a header does not come, or an answer is not
/// taken.
pub(super) struct Paced<S> {
    stream: S,
    turns: Arc<Turns>,
    /// Until when the header has to be whole, and how many requests there were before it.
    header: Option<(Pin<Box<Sleep>>, u64)>,
    taken: Taken,
}

/// How an answer is taken.
#[derive(Default)]
struct Taken {
    /// When the next time of standing is over, and since when it runs.
    standing: Option<(Pin<Box<Sleep>>, Instant)>,
    /// How long it stood since the last look.
    stood: Duration,
    /// Bytes that were taken since then.
    bytes: usize,
}

impl<S> Paced<S> {
    /// The first header is waited for from now on.
    pub(super) fn new(stream: S, turns: Arc<Turns>) -> Self {
        let first = (Box::pin(sleep_until(Instant::now() + HEADER)), 0);
        Self {
            stream,
            turns,
            header: Some(first),
            taken: Taken::default(),
        }
    }

    /// Whether a header is late.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let requests = self.turns.count();
        let Some((sleep, before)) = &mut self.header else {
            return false;
        };
        if *before < requests {
            self.header = None;
            return false;
        }
        sleep.as_mut().poll(context).is_ready()
    }

    /// Something was read: a header that begins has its time from now on.
    fn read(&mut self) {
        if self.header.is_none() && !self.turns.is_served() {
            let until = Instant::now() + HEADER;
            self.header = Some((Box::pin(sleep_until(until)), self.turns.count()));
        }
    }
}

impl Taken {
    /// So many bytes were taken.
    fn took(&mut self, bytes: usize) {
        if let Some((_, since)) = self.standing.take() {
            self.stood += since.elapsed();
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= LEAST {
            (self.stood, self.bytes) = (Duration::ZERO, 0);
        }
    }

    /// None were. Whether it has stood for too long.
    fn stands(&mut self, context: &mut Context<'_>) -> bool {
        let stood = self.stood;
        let (sleep, _) = self.standing.get_or_insert_with(|| {
            let now = Instant::now();
            let until = now + STANDING.saturating_sub(stood);
            (Box::pin(sleep_until(until)), now)
        });
        sleep.as_mut().poll(context).is_ready()
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                this.read();
                // What trickles in is late as well.
                if this.is_late(context) {
                    return Poll::Ready(Err(late("the header")));
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending if this.is_late(context) => Poll::Ready(Err(late("the header"))),
            other => other,
        }
    }
}

impl<S: AsyncWrite + Unpin> Paced<S> {
    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(result) => {
                self.taken.took(*result.as_ref().unwrap_or(&0));
                Poll::Ready(result)
            }
            Poll::Pending => {
                if self.taken.stands(context) {
                    return Poll::Ready(Err(late("the answer")));
                }
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.wrote(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_shutdown(context) {
            Poll::Pending if this.taken.stands(context) => Poll::Ready(Err(late("the end"))),
            other => other,
        }
    }
}
