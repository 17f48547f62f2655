//! Any set of keys, from stores of several habits: all of them, once, in order; and how many
//! requests and round trips that took.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;

/// What a store may be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    Orderly,
    /// `start-after` is not understood.
    FromTheTop,
    /// By the hash of the key, or whatever.
    Shuffled,
}

struct Store {
    keys: Vec<String>,
    habit: Habit,
    page: usize,
    latency: Duration,
    requests: Cell<usize>,
    at_once: Cell<usize>,
    most: Cell<usize>,
}

fn shuffled(key: &str) -> u64 {
    key.bytes().fold(7, |sum, b| {
        (sum ^ u64::from(b))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(13)
    })
}

impl Store {
    fn new(keys: impl IntoIterator<Item = String>, habit: Habit) -> Self {
        let keys: BTreeSet<String> = keys.into_iter().collect();
        let mut keys: Vec<String> = keys.into_iter().collect();
        if habit == Habit::Shuffled {
            keys.sort_by_key(|key| shuffled(key));
        }
        Self {
            keys,
            habit,
            page: 1000,
            latency: Duration::from_millis(40),
            requests: Cell::new(0),
            at_once: Cell::new(0),
            most: Cell::new(0),
        }
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage, ()> {
        self.requests.set(self.requests.get() + 1);
        self.at_once.set(self.at_once.get() + 1);
        self.most.set(self.most.get().max(self.at_once.get()));
        tokio::time::sleep(self.latency).await;
        self.at_once.set(self.at_once.get() - 1);
        let mut page = ListPage::default();
        let from = match (&request.continuation, &request.start_after) {
            (Some(token), _) => token.parse().map_err(drop)?,
            (None, Some(after)) if self.habit == Habit::Orderly => {
                self.keys.partition_point(|key| key <= after)
            }
            _ => 0,
        };
        let from = match self.habit {
            Habit::Shuffled => from,
            _ => from.max(self.keys.partition_point(|key| *key < request.prefix)),
        };
        for (at, key) in self.keys.iter().enumerate().skip(from) {
            let Some(rest) = key.strip_prefix(&request.prefix) else {
                if self.habit == Habit::Shuffled {
                    continue;
                }
                break;
            };
            let folder = request.delimiter.as_deref().and_then(|d| rest.find(d));
            let folder = folder.map(|end| key[..=request.prefix.len() + end].to_owned());
            if folder
                .as_ref()
                .is_some_and(|folder| page.prefixes.contains(folder))
            {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == self.page {
                page.next = Some(at.to_string());
                break;
            }
            match folder {
                Some(folder) => page.prefixes.push(folder),
                None => page.objects.push(ObjectInfo {
                    key: key.clone(),
                    size: 1,
                    modified: None,
                    etag: None,
                    storage_class: None,
                }),
            }
        }
        Ok(page)
    }

    /// Round trips that a whole listing took; the keys have been compared.
    async fn listed(&self, prefix: &str, at_once: usize) -> u32 {
        let below = Below {
            bucket: "b".to_owned(),
            prefix: prefix.to_owned(),
            at_once,
        };
        let found = RefCell::new(Vec::new());
        let began = Instant::now();
        let done = list(
            below,
            |request| self.list(request),
            |rows| {
                let keys = rows.into_iter().map(|row| row.key);
                found.borrow_mut().extend(keys);
            },
        );
        done.await.unwrap();
        let wanted: Vec<&String> = self
            .keys
            .iter()
            .filter(|key| key.starts_with(prefix))
            .collect();
        let found = found.into_inner();
        assert_eq!(found.len(), wanted.len(), "{:?}", self.habit);
        assert!(found.iter().eq(wanted), "{:?}", self.habit);
        (began.elapsed().as_millis() / self.latency.as_millis().max(1)) as u32
    }
}

fn tree() -> Vec<String> {
    let key = |n: u32| {
        format!(
            "run-{:03}/set-{}/file-{n:07}.bin",
            n / 10_000,
            n / 1000 % 10
        )
    };
    (0..100_000).map(key).collect()
}

fn flat() -> Vec<String> {
    (0..100_000)
        .map(|n| format!("data/file-{n:07}.bin"))
        .collect()
}

fn hashed() -> Vec<String> {
    (0..100_000u64)
        .map(|n| format!("{:016x}", shuffled(&n.to_string())))
        .collect()
}

fn words() -> Vec<String> {
    let name = |n: u32| {
        let letters = [
            "alder", "birch", "cedar", "elm", "fir", "maple", "oak", "pine", "willow",
        ];
        format!("{}_{:05}.dat", letters[n as usize % 9], n / 9)
    };
    (0..100_000).map(name).collect()
}

fn deep() -> Vec<String> {
    let key = |n: u32| format!("a/b/c/{}/{}/{n}", 1990 + n / 5000, n / 500 % 10);
    (0..100_000).map(key).collect()
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_keys_come_at_least_four_times_sooner() {
    for (name, keys) in [
        ("tree", tree()),
        ("flat", flat()),
        ("hashed", hashed()),
        ("words", words()),
        ("deep", deep()),
    ] {
        let store = Store::new(keys, Habit::Orderly);
        let serial = store.listed("", 1).await;
        assert_eq!((serial, store.requests.replace(0)), (100, 100), "{name}");
        let trips = store.listed("", AT_ONCE).await;
        let (requests, most) = (store.requests.get(), store.most.get());
        assert!(trips * 4 <= serial, "{name}: {trips} round trips");
        assert!(requests <= 170, "{name}: {requests} requests");
        assert!(most <= AT_ONCE, "{name}: {most} at once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_listing_costs_no_more_than_a_few_requests() {
    for (keys, pages) in [(0, 1), (1000, 1), (1001, 2), (2500, 3), (4000, 4)] {
        for of in [tree(), flat(), hashed(), deep()] {
            let store = Store::new(of.into_iter().take(keys), Habit::Orderly);
            let trips = store.listed("", AT_ONCE).await;
            let requests = store.requests.get();
            let extra = if pages == 1 { 0 } else { 4 };
            assert!(
                requests <= pages + extra,
                "{keys} keys: {requests} requests"
            );
            assert!(trips <= pages as u32, "{keys} keys: {trips} round trips");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_cut_costs_no_more_than_a_few_requests() {
    // One long name after the other, each a little longer than the last.
    let growing = (0..10_000).map(|n| format!("x{}", "y".repeat(n % 400) + &"z".repeat(n / 400)));
    for (name, keys, habit) in [
        ("from the top", tree(), Habit::FromTheTop),
        ("flat from the top", flat(), Habit::FromTheTop),
        ("shuffled", tree(), Habit::Shuffled),
        ("growing", growing.collect(), Habit::Orderly),
    ] {
        let store = Store::new(keys, habit);
        let pages = store.keys.len().div_ceil(1000);
        store.listed("", AT_ONCE).await;
        let requests = store.requests.get();
        let extra = if habit == Habit::Orderly { 20 } else { 3 };
        assert!(requests <= pages + extra, "{name}: {requests} for {pages}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    // Promise: All that is below a folder is asked for in several places at once where the store lists
    // in order; every object comes once, and in the store's order.
    #[test]
    fn any_keys_come_once_and_in_order(
        keys in prop::collection::vec("[ab/é~ 0-2]{1,6}", 0..400),
        page in 1usize..8,
        prefix in "[ab]{0,1}",
        habit in prop::sample::select(vec![Habit::Orderly, Habit::FromTheTop, Habit::Shuffled]),
        at_once in 1usize..13,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let store = Store { page, ..Store::new(keys, habit) };
        runtime.block_on(store.listed(&prefix, at_once));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_error_in_the_way_is_told() {
    let failing = |request: ListRequest| async move {
        if request.continuation.is_some() {
            return Err("refused");
        }
        let next = Some("1".to_owned());
        Ok(ListPage {
            next,
            ..ListPage::default()
        })
    };
    let below = Below {
        at_once: 4,
        ..Below::default()
    };
    assert_eq!(list(below, failing, drop).await, Err("refused"));
}
