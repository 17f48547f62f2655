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
    /// Finds nothing after what does not begin with the prefix.
    PrefixFirst,
}

struct Store {
    keys: Vec<String>,
    habit: Habit,
    page: usize,
    latency: Duration,
    requests: Cell<usize>,
    at_once: Cell<usize>,
    most: Cell<usize>,
    line: Option<Line>,
}

/// What is between a client and a store: a connection costs a round trip, and all of them together
/// get so many bytes a second, in turns.
struct Line {
    width: f64,
    free: Cell<Instant>,
    idle: Cell<usize>,
    carried: Cell<usize>,
}

impl Line {
    fn new(megabits: f64) -> Self {
        Self {
            width: megabits * 1e6 / 8.0,
            free: Cell::new(Instant::now()),
            idle: Cell::new(0),
            carried: Cell::new(0),
        }
    }

    async fn connect(&self, latency: Duration) {
        match self.idle.get() {
            0 => tokio::time::sleep(latency).await,
            idle => self.idle.set(idle - 1),
        }
    }

    async fn carry(&self, page: &ListPage) {
        let rows = page.objects.iter().map(|row| row.key.len() + 235);
        let folders = page.prefixes.iter().map(|folder| folder.len() + 50);
        let bytes = rows.chain(folders).sum::<usize>() + 700;
        self.carried.set(self.carried.get() + bytes);
        for at in (0..bytes).step_by(PIECE) {
            let takes = (bytes - at).min(PIECE) as f64 / self.width;
            let gone = self.free.get().max(Instant::now()) + Duration::from_secs_f64(takes);
            self.free.set(gone);
            // The clock of the tests goes by milliseconds; none is lost.
            tokio::time::sleep_until(gone - Duration::from_millis(1)).await;
        }
        self.idle.set(self.idle.get() + 1);
    }
}

/// Connections take turns in such pieces.
const PIECE: usize = 32 << 10;

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
            line: None,
        }
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage, ()> {
        self.requests.set(self.requests.get() + 1);
        self.at_once.set(self.at_once.get() + 1);
        self.most.set(self.most.get().max(self.at_once.get()));
        if let Some(line) = &self.line {
            line.connect(self.latency).await;
        }
        tokio::time::sleep(self.latency).await;
        let page = self.page(&request);
        if let (Some(line), Ok(page)) = (&self.line, &page) {
            line.carry(page).await;
        }
        self.at_once.set(self.at_once.get() - 1);
        page
    }

    fn page(&self, request: &ListRequest) -> Result<ListPage, ()> {
        let most = request
            .max_keys
            .map_or(self.page, |n| self.page.min(n as usize));
        let mut page = ListPage::default();
        let from = match (&request.continuation, &request.start_after) {
            (Some(token), _) => token.parse().map_err(drop)?,
            (None, Some(after)) if self.habit == Habit::Orderly => {
                self.keys.partition_point(|key| key <= after)
            }
            (None, Some(after)) if self.habit == Habit::PrefixFirst => {
                if !after.starts_with(&request.prefix) {
                    return Ok(page);
                }
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
            if page.objects.len() + page.prefixes.len() == most {
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

fn dated() -> Vec<String> {
    let key = |n: u32| {
        let (day, at) = (n / 90, n % 90);
        format!(
            "radar/{}/{:02}/{:02}/scan_{:02}{:02}.h5",
            2020 + day / 372,
            day / 31 % 12 + 1,
            day % 31 + 1,
            at / 4,
            at % 4 * 15
        )
    };
    (0..100_000).map(key).collect()
}

/// Few words, and one of them has nearly all.
fn clustered() -> Vec<String> {
    let key = |n: u32| match n % 20 {
        0 => format!("notes/{:04}.txt", n / 20),
        1 => format!("archive/old/{:04}.tar", n / 20),
        _ => format!(
            "images/scan_{n:06}_{:x}.tif",
            shuffled(&n.to_string()) % 4096
        ),
    };
    (0..100_000).map(key).collect()
}

fn uuids() -> Vec<String> {
    let key = |n: u64| {
        let (a, b) = (shuffled(&n.to_string()), shuffled(&format!("b{n}")));
        format!(
            "objects/{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            a & 0xffff,
            b & 0xfff,
            b >> 12 & 0xfff,
            b >> 16 & 0xffff_ffff_ffff
        )
    };
    (0..100_000).map(key).collect()
}

fn foreign() -> Vec<String> {
    let folders = [
        "données",
        "überblick",
        "κλίμα",
        "измерения",
        "観測",
        "数据",
        "zürich",
    ];
    let key = |n: usize| format!("{}/mesure-é{:05}.nc", folders[n % 7], n / 7);
    (0..100_000).map(key).collect()
}

fn unpadded() -> Vec<String> {
    (0..100_000).map(|n| format!("sample{n}.csv")).collect()
}

/// 40 ms there and back, 200 megabits a second. What is listed twice is time of the line; an answer
/// that says that nothing is there costs next to none.
#[tokio::test(start_paused = true)]
async fn over_a_long_line_hardly_anything_is_listed_twice() {
    for (name, keys, least) in [
        ("tree", tree(), 3.9),
        ("flat", flat(), 3.6),
        ("hashed", hashed(), 3.5),
        ("words", words(), 3.5),
        ("deep", deep(), 3.7),
        ("dated", dated(), 3.2),
        ("clustered", clustered(), 3.6),
        ("uuids", uuids(), 3.2),
        ("foreign", foreign(), 3.4),
        ("unpadded", unpadded(), 3.8),
    ] {
        let mut store = Store::new(keys, Habit::Orderly);
        let mut took = Vec::new();
        for at_once in [1, AT_ONCE] {
            store.line = Some(Line::new(200.0));
            store.requests.set(0);
            let began = Instant::now();
            store.listed("", at_once).await;
            let carried = store.line.as_ref().unwrap().carried.get();
            took.push((began.elapsed().as_secs_f64(), carried as f64));
        }
        let ((serial, all), (quick, carried)) = (took[0], took[1]);
        let (times, requests) = (serial / quick, store.requests.get());
        println!(
            "{name}: {times:.2} times, {:.3} of the bytes, {requests} requests",
            carried / all
        );
        assert!(times >= least, "{name}: {times:.2} times");
        assert!(carried < all * 1.15, "{name}: {carried} bytes for {all}");
        assert!(requests <= 200, "{name}: {requests} requests");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_listing_costs_no_more_than_a_few_requests() {
    for (keys, pages) in [(0, 1), (1000, 1), (1001, 2), (2500, 3), (4000, 4)] {
        for of in [tree(), flat(), hashed(), deep()] {
            let store = Store::new(of.into_iter().take(keys), Habit::Orderly);
            let trips = store.listed("", AT_ONCE).await;
            let requests = store.requests.get();
            let extra = if pages == 1 { 0 } else { 5 };
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
        let extra = if habit == Habit::Orderly {
            20
        } else {
            AT_ONCE + 2
        };
        assert!(requests <= pages + extra, "{name}: {requests} for {pages}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    // Promise: All that is below a folder is asked for in several places at once where the store lists
    // in order; every object comes once, and in the store's order.
    #[test]
    fn any_keys_come_once_and_in_order(
        keys in prop_oneof![
            prop::collection::vec("[ab/é~ 0-2]{1,6}", 0..400),
            prop::collection::vec("[ab]?(00|01|02|11|2)/([0-9a-f]{4}|[x-z]{1,3}|観[数据]?)", 0..400),
            prop::collection::vec("a?[0-9]{3}(-[0-9]|[.]t|/)?", 0..400),
        ],
        page in 1usize..8,
        prefix in "[ab]{0,1}",
        habit in prop::sample::select(vec![Habit::Orderly, Habit::FromTheTop, Habit::Shuffled, Habit::PrefixFirst]),
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
