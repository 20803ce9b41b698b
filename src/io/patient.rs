//! Descriptors that somebody else made non-blocking (`O_NONBLOCK` is of the open file, which
//! several processes share), used as if they were not.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Reads and writes that wait where the system would say `EAGAIN`.
pub(crate) struct Patient<F>(pub F);

impl<F: AsFd> Patient<F> {
    /// Calls until it is no longer too early.
    fn wait<T>(
        &mut self,
        event: PollFlags,
        mut call: impl FnMut(&mut F) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match call(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match poll(&mut [PollFd::new(&self.0, event)], None) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                result => return result,
            }
        }
    }
}

impl<F: Read + AsFd> Read for Patient<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::IN, |file| file.read(buffer))
    }
}

impl<F: Write + AsFd> Write for Patient<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(PollFlags::OUT, |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wait(PollFlags::OUT, Write::flush)
    }
}

/// The terminal that the program was started at, to ask somebody and to be answered.
///
/// # Errors
/// There is none.
pub(crate) fn open_terminal() -> io::Result<fs_err::File> {
    let mut options = fs_err::File::options();
    options.read(true).write(true).open("/dev/tty")
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    #[test]
    fn a_pipe_that_blocks_nobody_is_waited_for_on_both_ends() {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let sent = vec![7; 1 << 20];
        let received = std::thread::scope(|scope| {
            let received = scope.spawn(|| {
                let mut bytes = Vec::new();
                Patient(File::from(reader)).read_to_end(&mut bytes).unwrap();
                bytes
            });
            Patient(File::from(writer)).write_all(&sent).unwrap();
            received.join().unwrap()
        });
        assert!(received == sent);
    }
}
