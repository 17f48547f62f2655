//! Bodies that notice when too little comes through.
//!
//! Time counts only while the network keeps us waiting: a slow disk at this end, a limit that the
//! user has set, or a consumer that is paused, is not the connection's fault.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::explain::Failure;
use crate::config::Patience;
use crate::error::ErrorKind;
use crate::progress;
use crate::throttle::{Gate, Throttle};

/// Sent in pieces of at most this size, so that a part held in memory shows how far it has come.
const PIECE: usize = 128 << 10;

fn stalled(window: Duration) -> Failure {
    let message = format!(
        "next to nothing came through for {} seconds",
        window.as_secs()
    );
    Failure::new(ErrorKind::Interrupted, message)
}

/// How far a request's body has gone, seen from outside the body.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    bytes: AtomicU64,
    finished: AtomicBool,
    /// The user's limit has kept it from going on.
    held_back: AtomicBool,
}

/// A request body that counts what is taken from it.
pub(crate) struct Outgoing {
    inner: SdkBody,
    /// What is left of a piece too large to hand over at once.
    rest: Bytes,
    left: Option<u64>,
    sent: Arc<Sent>,
    meter: Option<progress::Meter>,
    gate: Option<Gate>,
}

impl Outgoing {
    pub fn new(inner: SdkBody, sent: Arc<Sent>, throttle: Option<&Throttle>) -> Self {
        let left = inner.content_length();
        sent.finished.store(left == Some(0), Ordering::Relaxed);
        Self {
            inner,
            rest: Bytes::new(),
            left,
            sent,
            meter: progress::current(),
            gate: throttle.map(Throttle::upload),
        }
    }

    fn take_piece(&mut self, mut data: Bytes) -> Bytes {
        let most = self.gate.as_ref().map_or(PIECE, |gate| gate.piece(PIECE));
        if data.len() > most {
            self.rest = data.split_off(most);
        }
        let count = data.len() as u64;
        if let Some(gate) = &self.gate {
            gate.passed(count);
        }
        self.sent.bytes.fetch_add(count, Ordering::Relaxed);
        if let Some(meter) = &self.meter {
            meter.add(count);
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(count);
            self.sent.finished.store(*left == 0, Ordering::Relaxed);
        }
        data
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = aws_smithy_types::body::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(gate) = &mut self.gate
            && gate.poll(cx).is_pending()
        {
            self.sent.held_back.store(true, Ordering::Relaxed);
            return Poll::Pending;
        }
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(Frame::data(self.take_piece(rest)))));
        }
        match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => Poll::Ready(Some(Ok(match frame.into_data() {
                Ok(data) => Frame::data(self.take_piece(data)),
                Err(other) => other,
            }))),
            end => {
                self.sent.finished.store(true, Ordering::Relaxed);
                Poll::Ready(end)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && (self.left == Some(0) || self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Waits for the answer to a request while watching that its body keeps moving.
///
/// `may_be_silent` exempts the wait between the end of the body and the answer.
pub(crate) async fn watch<T, E>(
    answer: impl Future<Output = Result<T, E>>,
    sent: &Sent,
    patience: Patience,
    may_be_silent: bool,
) -> Result<Result<T, E>, Failure> {
    tokio::pin!(answer);
    let mut silent = Duration::ZERO;
    // Windows shorter than the whole wait for an answer, so that the wait ends near its limit.
    let window = patience.window.min(patience.answer);
    loop {
        let finished_before = sent.finished.load(Ordering::Relaxed);
        tokio::select! {
            biased;
            done = &mut answer => return Ok(done),
            () = tokio::time::sleep(window) => {}
        }
        let moved = sent.bytes.swap(0, Ordering::Relaxed);
        let held_back = sent.held_back.swap(false, Ordering::Relaxed);
        if !sent.finished.load(Ordering::Relaxed) {
            if moved < patience.least && !held_back {
                return Err(stalled(window));
            }
        } else if finished_before {
            silent += window;
            if silent >= patience.answer && !may_be_silent {
                let message = format!(
                    "there was no answer within {} seconds",
                    patience.answer.as_secs()
                );
                return Err(Failure::new(ErrorKind::Interrupted, message));
            }
        }
    }
}

/// An answer's body that gives up when it trickles.
pub(crate) struct Received {
    inner: Incoming,
    patience: Patience,
    host: Arc<str>,
    /// Bytes in the present window.
    bytes: u64,
    /// Of the present window, without the wait going on.
    waited: Duration,
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
    gate: Option<Gate>,
}

impl Received {
    pub fn new(
        inner: Incoming,
        patience: Patience,
        host: Arc<str>,
        throttle: Option<&Throttle>,
    ) -> Self {
        Self {
            inner,
            patience,
            host,
            bytes: 0,
            waited: Duration::ZERO,
            since: None,
            alarm: None,
            gate: throttle.map(Throttle::download),
        }
    }

    fn end_wait(&mut self) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
    }

    /// Whether a whole window has passed with too little in it.
    fn judge(&mut self) -> Result<(), Failure> {
        if self.waited >= self.patience.window {
            if self.bytes < self.patience.least {
                return Err(stalled(self.patience.window));
            }
            self.waited = Duration::ZERO;
            self.bytes = 0;
        }
        Ok(())
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        // What is not asked for fills the kernel's buffers, and then the sender waits.
        if let Some(gate) = &mut self.gate {
            ready!(gate.poll(cx));
        }
        loop {
            match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.end_wait();
                    let count = frame.data_ref().map_or(0, |data| data.len() as u64);
                    self.bytes += count;
                    if let Some(gate) = &self.gate {
                        gate.passed(count);
                    }
                    return Poll::Ready(Some(self.judge().map(|()| frame)));
                }
                Poll::Ready(Some(Err(error))) => {
                    let (_, message) = super::explain::chain(&error, Some(&self.host));
                    return Poll::Ready(Some(Err(Failure::new(ErrorKind::Interrupted, message))));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    let now = Instant::now();
                    if self.since.is_none() {
                        self.since = Some(now);
                        let due = now + self.patience.window.saturating_sub(self.waited);
                        match &mut self.alarm {
                            Some(alarm) => alarm.as_mut().reset(due),
                            None => self.alarm = Some(Box::pin(tokio::time::sleep_until(due))),
                        }
                    }
                    if let Some(alarm) = &mut self.alarm {
                        ready!(alarm.as_mut().poll(cx));
                    }
                    self.end_wait();
                    if let Err(failure) = self.judge() {
                        return Poll::Ready(Some(Err(failure)));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
