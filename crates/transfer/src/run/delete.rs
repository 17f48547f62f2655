//! Deleting, a thousand at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wherry_store::{DeleteOutcome, ErrorKind, StoreError};

use super::Shared;
use super::job::fail;
use crate::plan::DeletePlan;

pub struct Deletions {
    pub plan: DeletePlan,
}

impl Deletions {
    pub async fn run(&self, rows: &[u32], shared: &Arc<Shared>) {
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            shared.board.begin(*row);
            keys.push(self.plan.keys[*row as usize].to_string());
        }
        let _permit = shared.request().await;
        let outcomes = tokio::select! {
            biased;
            () = shared.stop.cancelled() => {
                for row in rows {
                    if shared.halt.is_pause() {
                        shared.board.paused(*row, false);
                    } else {
                        shared.board.cancelled(*row);
                    }
                }
                return;
            }
            outcomes = self.attempt(keys, shared) => outcomes,
        };
        let mut answers: HashMap<String, _> =
            outcomes.into_iter().map(|o| (o.key, o.result)).collect();
        for row in rows {
            match answers.remove(&*self.plan.keys[*row as usize]) {
                // Gone is what was wanted.
                Some(Ok(())) => deleted(*row, shared),
                Some(Err(e)) if e.kind == ErrorKind::NoSuchKey => deleted(*row, shared),
                Some(Err(e)) => fail(shared, *row, e.into()),
                None => {
                    let words = "the store did not say whether it deleted the object";
                    fail(
                        shared,
                        *row,
                        StoreError::new(ErrorKind::Other, "delete the object", words).into(),
                    );
                }
            }
        }
    }

    /// All outcomes, those that may pass having been tried again with the others' patience.
    async fn attempt(&self, keys: Vec<String>, shared: &Arc<Shared>) -> Vec<DeleteOutcome> {
        let settled = Mutex::new(Vec::new());
        let open = Mutex::new(keys);
        let result = shared
            .patience
            .with(|| async {
                let keys = std::mem::take(&mut *lock(&open));
                let mut transient = None;
                for outcome in shared.store.delete(&self.plan.bucket, keys).await {
                    match &outcome.result {
                        Err(e) if e.kind.is_transient() => {
                            transient = Some(e.clone());
                            lock(&open).push(outcome.key);
                        }
                        _ => lock(&settled).push(outcome),
                    }
                }
                transient.map_or(Ok(()), Err)
            })
            .await;
        let mut settled = lock(&settled).drain(..).collect::<Vec<_>>();
        if let Err(error) = result {
            let failed = |key| DeleteOutcome {
                key,
                result: Err(error.clone()),
            };
            settled.extend(lock(&open).drain(..).map(failed));
        }
        settled
    }
}

fn deleted(row: u32, shared: &Shared) {
    shared.done_without_proof(row);
    shared.board.finish(row, Ok(()));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
