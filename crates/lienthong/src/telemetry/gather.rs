//! What takes the lines of the log to where they are read: together, not one by one.
//!
//! The thread of the log calls `flush` when no line waits any more. Without a pause it would be
//! woken by every line, which costs the exchange that wrote it more than the line itself.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// A writer that passes on what it has, and then lets more lines come together before the next.
pub(super) struct Gather<W: Write> {
    inner: io::BufWriter<W>,
    pause: Duration,
}

impl<W: Write> Gather<W> {
    /// A writer in front of another.
    pub(super) fn new(inner: W, pause: Duration) -> Self {
        Self {
            inner: io::BufWriter::with_capacity(CAPACITY, inner),
            pause,
        }
    }
}

impl<W: Write> Write for Gather<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    /// The first line after a silence is passed on at once; what follows waits for the pause to
    /// end. What could not be passed on stays, and is tried again with the next line: an error
    /// would tell nobody, and keep the thread from ending.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush().ok();
        thread::sleep(self.pause);
        Ok(())
    }
}

/// Ten lines: what a pipe takes without mixing it with what others write (POSIX `PIPE_BUF`).
const CAPACITY: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::time::Instant;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_passed_on_together_before_the_pause() {
        let sink = Sink::default();
        let pause = Duration::from_millis(30);
        let mut gather = Gather::new(sink.clone(), pause);
        gather.write_all(b"one\n").unwrap();
        gather.write_all(b"two\n").unwrap();
        assert!(sink.0.lock().unwrap().is_empty());
        let begun = Instant::now();
        gather.flush().unwrap();
        assert_eq!(*sink.0.lock().unwrap(), b"one\ntwo\n");
        assert!(begun.elapsed() >= pause);
    }
}
