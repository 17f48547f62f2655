//! One direction of the line.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep_until};

/// Carried at a time: connections take turns in such pieces.
const PIECE: usize = 16 << 10;

/// On their way for one connection at once, as a window of TCP would have it.
const WINDOW: usize = (4 << 20) / PIECE;

/// On a busy computer timers are late by so much.
const LATE: Duration = Duration::from_millis(20);

pub struct Line {
    delay: Duration,
    bytes_per_second: u64,
    /// When the line has carried what it was given. The lock is fair, so nobody starves.
    free_at: Mutex<Option<Instant>>,
}

impl Line {
    pub fn new(delay: Duration, bytes_per_second: u64) -> Self {
        Self {
            delay,
            bytes_per_second,
            free_at: Mutex::new(None),
        }
    }

    /// Waits until so many bytes have gone into the line; says when they come out of it.
    async fn enter(&self, bytes: usize) -> Instant {
        let mut free_at = self.free_at.lock().await;
        let now = Instant::now();
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        // Who was woken late has not left the line empty meanwhile.
        let earliest = now.checked_sub(LATE).unwrap_or(now);
        let gone = free_at.map_or(now, |at| at.max(earliest)) + takes;
        *free_at = Some(gone);
        // Timers are a millisecond coarse: a little may be ahead, so that the line is never idle.
        sleep_until(gone.checked_sub(Duration::from_millis(5)).unwrap_or(gone)).await;
        // Whatever the line makes up for, nothing comes out of it sooner than its length allows.
        gone.max(now) + self.delay
    }

    /// Carries everything from one end to the other, and then closes that.
    pub async fn carry(&self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let (sender, mut on_the_way) = mpsc::channel::<(Instant, Bytes)>(WINDOW);
        let reading = async {
            let mut space = BytesMut::new();
            loop {
                space.reserve(PIECE);
                match (&mut from).take(PIECE as u64).read_buf(&mut space).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => {
                        let due = self.enter(count).await;
                        if sender.send((due, space.split().freeze())).await.is_err() {
                            break;
                        }
                    }
                }
            }
            drop(sender);
        };
        let writing = async {
            while let Some((due, bytes)) = on_the_way.recv().await {
                sleep_until(due).await;
                if to.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            let _ = to.shutdown().await;
            // Nobody listens any more: the reader ends with its next piece.
            drop(on_the_way);
        };
        tokio::join!(reading, writing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds that `bytes` on each of `connections` take.
    async fn takes(line: &Line, connections: usize, bytes: usize) -> f64 {
        let began = Instant::now();
        let carry = || async {
            let mut out = Vec::new();
            line.carry(std::io::Cursor::new(vec![7; bytes]), &mut out)
                .await;
            assert_eq!(out.len(), bytes);
        };
        futures::future::join_all((0..connections).map(|_| carry())).await;
        began.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_takes_half_a_round_trip() {
        let line = Line::new(Duration::from_millis(20), 25_000_000);
        let seconds = takes(&line, 1, 1).await;
        assert!((0.020..0.023).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_takes_as_long_after_a_rest() {
        let line = Line::new(Duration::from_millis(20), 25_000_000);
        takes(&line, 1, 1).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let seconds = takes(&line, 1, 1).await;
        assert!((0.020..0.023).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_share_the_width() {
        for connections in [1, 4] {
            let line = Line::new(Duration::from_millis(20), 25_000_000);
            let bytes = 10_000_000 / connections;
            let seconds = takes(&line, connections, bytes).await;
            assert!((0.42..0.44).contains(&seconds), "{connections}: {seconds}");
        }
    }
}
