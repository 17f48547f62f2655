//! What the engine tells whoever listens, without being asked.

use tokio::sync::broadcast;

use crate::contract::Event;

/// Listeners that fall this far behind lose the oldest events; every event can be asked for again,
/// so nothing but freshness is lost.
const BACKLOG: usize = 256;

#[derive(Clone)]
pub struct Events {
    sender: broadcast::Sender<Event>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            sender: broadcast::channel(BACKLOG).0,
        }
    }

    pub(crate) fn tell(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.sender.send(event);
    }

    /// Every event from now on.
    pub fn listen(&self) -> Listener {
        Listener {
            receiver: self.sender.subscribe(),
        }
    }
}

pub struct Listener {
    receiver: broadcast::Receiver<Event>,
}

impl Listener {
    /// `None` when the engine is gone.
    pub async fn next(&mut self) -> Option<Event> {
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
