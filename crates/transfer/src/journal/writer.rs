//! The one thread that writes, many small writes at a time.
//!
//! A write costs a transaction, and a transaction costs about as much whether it holds one write or
//! a thousand. Those who must know that theirs is on disk wait for the commit; everybody else's
//! waits a few milliseconds for company. SQLite's WAL makes a commit survive the death of the
//! process; one that must survive a power cut too (*durable*) is synced, and its batch with it.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{JournalError, failed};

/// How long a write that nobody waits for may wait for company.
const GATHER: Duration = Duration::from_millis(20);

/// Writes in one transaction.
const MOST: usize = 2000;

type Work = Box<dyn FnOnce(Result<&Connection, JournalError>) -> Reply + Send>;

/// Told how the commit went.
type Reply = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

pub struct Message {
    durable: bool,
    waited: bool,
    /// Given no connection when there can be no transaction.
    work: Work,
}

impl Message {
    /// A write whose outcome somebody waits for. All of it happens or nothing.
    pub fn waited<T: Send + 'static>(
        durable: bool,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, JournalError>>) {
        let (answer, answered) = oneshot::channel();
        let work = move |connection: Result<&Connection, JournalError>| -> Reply {
            let result = connection.and_then(|c| whole(c, work).map_err(failed));
            Box::new(move |committed| {
                // Whoever asked may have gone.
                let _ = answer.send(committed.and(result));
            })
        };
        let message = Self {
            durable,
            waited: true,
            work: Box::new(work),
        };
        (message, answered)
    }

    /// A write that nobody waits for; `after` is told how its commit went.
    pub fn posted(
        work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
        after: impl FnOnce(Result<(), JournalError>) + Send + 'static,
    ) -> Self {
        let work = move |connection: Result<&Connection, JournalError>| -> Reply {
            let result = connection.and_then(|c| whole(c, work).map_err(failed));
            Box::new(move |committed| after(committed.and(result)))
        };
        Self {
            durable: false,
            waited: false,
            work: Box::new(work),
        }
    }
}

fn whole<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.execute_batch("SAVEPOINT write")?;
    match work(connection) {
        Ok(done) => {
            connection.execute_batch("RELEASE write")?;
            Ok(done)
        }
        Err(e) => {
            connection.execute_batch("ROLLBACK TO write; RELEASE write")?;
            Err(e)
        }
    }
}

/// Where writes go.
pub enum Writer {
    Thread(Sender<Message>),
    /// For simulations: nothing happens by itself.
    InStep(Arc<Mutex<InStep>>),
}

/// Commits only when somebody waits, and can lose what nobody waited for.
pub struct InStep {
    connection: Connection,
    pending: Vec<Message>,
    /// How long the log was when it was last synced, in bytes.
    synced: u64,
    /// There was a crash: nothing is written any more.
    over: bool,
}

impl Writer {
    pub fn start(connection: Connection) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_all(&connection, &receiver))?;
        Ok(Self::Thread(sender))
    }

    pub fn in_step(connection: Connection) -> Self {
        Self::InStep(Arc::new(Mutex::new(InStep {
            // Whatever was written before this process began.
            synced: log_length(&connection),
            connection,
            pending: Vec::new(),
            over: false,
        })))
    }

    pub fn is_in_step(&self) -> bool {
        matches!(self, Self::InStep(_))
    }

    pub fn send(&self, message: Message) {
        match self {
            // Its thread ends after the last sender has gone.
            Self::Thread(sender) => drop(sender.send(message)),
            Self::InStep(inside) => {
                let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
                if inside.over {
                    return;
                }
                let waited = message.waited;
                inside.pending.push(message);
                if waited {
                    let batch = std::mem::take(&mut inside.pending);
                    if commit(&inside.connection, batch) {
                        inside.synced = log_length(&inside.connection);
                    }
                }
            }
        }
    }

    /// How much of the log a power cut leaves for certain. Only of one in step.
    pub fn synced_to(&self) -> u64 {
        match self {
            Self::Thread(_) => 0,
            Self::InStep(inside) => inside.lock().unwrap_or_else(PoisonError::into_inner).synced,
        }
    }

    /// Commits the first `keep` of the writes that nobody waited for, and loses the others and all that
    /// come, as a crash would. Only of one in step.
    pub fn crash(&self, keep: usize) {
        if let Self::InStep(inside) = self {
            let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
            let mut batch = std::mem::take(&mut inside.pending);
            batch.truncate(keep);
            inside.over = true;
            commit(&inside.connection, batch);
        }
    }
}

fn write_all(connection: &Connection, receiver: &Receiver<Message>) {
    while let Ok(first) = receiver.recv() {
        let until = Instant::now() + GATHER;
        let mut waited = first.waited;
        let mut batch = vec![first];
        while batch.len() < MOST {
            let next = if waited {
                receiver.try_recv().ok()
            } else {
                let left = until.saturating_duration_since(Instant::now());
                receiver.recv_timeout(left).ok()
            };
            let Some(message) = next else { break };
            waited |= message.waited;
            batch.push(message);
        }
        commit(connection, batch);
    }
}

/// In bytes.
fn log_length(connection: &Connection) -> u64 {
    let log = connection.path().map(|path| format!("{path}-wal"));
    let facts = log.and_then(|log| std::fs::metadata(log).ok());
    facts.map_or(0, |facts| facts.len())
}

/// Whether all that was committed by now is synced.
fn commit(connection: &Connection, batch: Vec<Message>) -> bool {
    if batch.is_empty() {
        return false;
    }
    let durable = batch.iter().any(|message| message.durable);
    let level = if durable { "FULL" } else { "NORMAL" };
    let begun = connection
        .pragma_update(None, "synchronous", level)
        .and_then(|()| connection.execute_batch("BEGIN IMMEDIATE"))
        .map_err(failed);
    let inside = || begun.clone().map(|()| connection);
    let replies: Vec<Reply> = batch.into_iter().map(|m| (m.work)(inside())).collect();
    let committed = begun.and_then(|()| connection.execute_batch("COMMIT").map_err(failed));
    if let Err(e) = &committed {
        tracing::error!(%e, "the journal could not be written");
        // A COMMIT that failed has left its transaction open.
        let _ = connection.execute_batch("ROLLBACK");
    }
    let synced = durable && committed.is_ok();
    for reply in replies {
        reply(committed.clone());
    }
    synced
}
