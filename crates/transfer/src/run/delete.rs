//! Deleting, a thousand at a time, and only what is still as the plan saw it.
//!
//! Between the plan and the deletion there may be hours of transfers, or a crash and a night. So each
//! thousand is looked at once more, with a page of a listing, right before it goes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use wherry_store::flat::{self, Below};
use wherry_store::{DeleteOutcome, ErrorKind, ListRequest, StoreError};

use super::Shared;
use super::job::fail;
use crate::error::FileError;
use crate::plan::{self, DeletePlan, Seen};

pub struct Deletions {
    plan: DeletePlan,
    /// The job's row of the first key.
    first: u32,
    /// Of a store that lists in no order: all there is of the plan, asked for once.
    whole: OnceCell<HashMap<String, Seen>>,
}

impl Deletions {
    pub fn new(plan: DeletePlan, first: u32) -> Self {
        Self {
            plan,
            first,
            whole: OnceCell::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.plan.keys.len()
    }

    pub fn name(&self, at: u32) -> String {
        let key = self.plan.keys.get(at as usize);
        key.map(ToString::to_string).unwrap_or_default()
    }

    fn key(&self, row: u32) -> String {
        self.name(row - self.first)
    }

    fn seen(&self, row: u32) -> Option<Seen> {
        let at = (row - self.first) as usize;
        self.plan.seen.get(at).copied().flatten()
    }

    pub async fn run(&self, rows: &[u32], shared: &Arc<Shared>) {
        for row in rows {
            shared.board.begin(*row);
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
            outcomes = self.look_and_delete(rows, shared) => outcomes,
        };
        let (rows, outcomes) = match outcomes {
            Ok(done) => done,
            Err(e) => {
                for row in rows {
                    fail(shared, *row, e.clone().into());
                }
                return;
            }
        };
        let mut answers: HashMap<String, _> =
            outcomes.into_iter().map(|o| (o.key, o.result)).collect();
        for row in &rows {
            match answers.remove(&self.key(*row)) {
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

    /// Settles the rows whose objects have gone or are others now, and deletes the rest.
    async fn look_and_delete(
        &self,
        rows: &[u32],
        shared: &Arc<Shared>,
    ) -> Result<(Vec<u32>, Vec<DeleteOutcome>), StoreError> {
        let there = self.there(rows, shared).await?;
        let (mut left, mut keys) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let key = self.key(*row);
            match (self.seen(*row), there.get(&key)) {
                (Some(_), None) => deleted(*row, shared),
                (Some(then), Some(now)) if then != *now => {
                    fail(shared, *row, FileError::LeftAlone { name: key });
                }
                _ => {
                    left.push(*row);
                    keys.push(key);
                }
            }
        }
        if keys.is_empty() {
            return Ok((left, Vec::new()));
        }
        let outcomes = self.attempt(keys, shared).await;
        Ok((left, outcomes))
    }

    /// What the store says now of the rows that the plan has seen.
    async fn there(
        &self,
        rows: &[u32],
        shared: &Shared,
    ) -> Result<HashMap<String, Seen>, StoreError> {
        let seen = rows.iter().filter(|row| self.seen(**row).is_some());
        let mut keys: Vec<String> = seen.map(|row| self.key(*row)).collect();
        keys.sort_unstable();
        let page = |request: ListRequest| {
            let (patience, store) = (&shared.patience, &shared.store);
            async move { patience.with(|| store.list(request.clone())).await }
        };
        let mut there = HashMap::with_capacity(keys.len());
        let sorted = plan::leap(&self.plan.bucket, &keys, page, |at, object| {
            there.insert(keys[at].clone(), Seen::listed(&object));
        });
        if sorted.await? {
            return Ok(there);
        }
        let whole = self.whole.get_or_try_init(|| async {
            let ours: HashSet<&str> = self.plan.keys.iter().map(|key| &**key).collect();
            let least = ours.iter().min().copied().unwrap_or_default();
            let most = ours.iter().max().copied().unwrap_or_default();
            let below = Below {
                bucket: self.plan.bucket.clone(),
                prefix: plan::common_prefix(least, most).to_owned(),
                at_once: flat::AT_ONCE,
            };
            let mut whole = HashMap::new();
            flat::list(below, page, |objects| {
                for object in objects {
                    if ours.contains(&*object.key) {
                        let seen = Seen::listed(&object);
                        whole.insert(object.key, seen);
                    }
                }
            })
            .await?;
            Ok::<_, StoreError>(whole)
        });
        let whole = whole.await?;
        Ok(keys
            .into_iter()
            .filter_map(|key| Some((key.clone(), *whole.get(&key)?)))
            .collect())
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
