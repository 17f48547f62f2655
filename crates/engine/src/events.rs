//! What the engine tells whoever listens, without being asked.

use std::sync::{Arc, Mutex};

use tokio::sync::broadcast;

use crate::contract::Event;
use crate::engine::lock;

/// Listeners that fall this far behind lose the oldest events; every event can be asked for again,
/// so nothing but freshness is lost.
const BACKLOG: usize = 256;

#[derive(Clone)]
pub struct Events {
    sender: broadcast::Sender<Event>,
    waiting: Arc<Mutex<Option<Event>>>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            sender: broadcast::channel(BACKLOG).0,
            waiting: Arc::default(),
        }
    }

    pub(crate) fn tell(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.sender.send(event);
    }

    /// As [`Events::tell`], but what nobody hears now waits for the next listener: the user has asked for it,
    /// perhaps before the page was there.
    pub(crate) fn tell_surely(&self, event: Event) {
        if let Err(unheard) = self.sender.send(event) {
            *lock(&self.waiting) = Some(unheard.0);
        }
    }

    /// Every event from now on.
    pub fn listen(&self) -> Listener {
        Listener {
            receiver: self.sender.subscribe(),
            first: lock(&self.waiting).take(),
        }
    }
}

pub struct Listener {
    receiver: broadcast::Receiver<Event>,
    first: Option<Event>,
}

impl Listener {
    /// `None` when the engine is gone.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.first.take() {
            return Some(event);
        }
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(lost)) => {
                    tracing::debug!(lost, "the window is behind; it will ask again");
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_user_asked_for_before_anybody_listens_is_heard_first() {
        let events = Events::new();
        let asked = |account: &str| Event::ShowKeys {
            account: account.into(),
        };
        events.tell_surely(asked("a"));
        events.tell(Event::Accounts {});
        let mut page = events.listen();
        events.tell_surely(asked("b"));
        for expected in ["a", "b"] {
            let heard = page.next().await.expect("the engine is there");
            assert!(matches!(heard, Event::ShowKeys { account } if account == expected));
        }
        drop(page);
        let mut later = events.listen();
        events.tell(Event::Accounts {});
        assert!(matches!(later.next().await, Some(Event::Accounts {})));
    }
}
