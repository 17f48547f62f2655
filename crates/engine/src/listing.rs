//! One folder's rows, kept in Rust so that the window never holds a whole folder.
//!
//! Rows arrive page by page in the store's order and are never moved; a *look* (sort and filter)
//! is an index over them. When more rows have come, only those are sorted and merged in, so that a
//! folder of a million objects stays quick while it grows.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicU64, Ordering as AtomicOrdering};
use std::sync::{Mutex, PoisonError};

use wherry_store::ListPage;

use crate::contract::{
    ListingView, Location, LookAt, Millis, Problem, Row, RowKind, Rows, SelectedKey, SortBy,
};

/// Rows without their common prefix, their texts in one string: about 40 bytes a row beside the
/// name itself.
#[derive(Default)]
struct Table {
    names: String,
    rows: Vec<Entry>,
    classes: Vec<String>,
}

struct Entry {
    /// End of this name in `names`; it begins where the one before ends.
    end: usize,
    size: u64,
    modified: Option<Millis>,
    /// Index into `classes`, `u16::MAX` for none.
    class: u16,
    folder: bool,
}

impl Table {
    /// The key below the listing's prefix; a folder's ends in `/`.
    fn rest(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.rows[row - 1].end };
        &self.names[start..self.rows[row].end]
    }

    fn name(&self, row: usize) -> &str {
        let rest = self.rest(row);
        if self.rows[row].folder {
            rest.strip_suffix('/').unwrap_or(rest)
        } else {
            rest
        }
    }

    fn class(&self, row: usize) -> Option<&str> {
        self.classes
            .get(self.rows[row].class as usize)
            .map(String::as_str)
    }

    fn push(&mut self, rest: &str, size: u64, modified: Option<Millis>, class: Option<&str>) {
        let class = class.map_or(u16::MAX, |name| {
            let at = self.classes.iter().position(|c| c == name);
            let at = at.unwrap_or_else(|| {
                self.classes.push(name.to_owned());
                self.classes.len() - 1
            });
            u16::try_from(at).unwrap_or(u16::MAX)
        });
        self.names.push_str(rest);
        self.rows.push(Entry {
            end: self.names.len(),
            size,
            modified,
            class,
            folder: false,
        });
    }

    fn compare(&self, look: &LookAt, a: u32, b: u32) -> Ordering {
        let (a, b) = (a as usize, b as usize);
        let (left, right) = (&self.rows[a], &self.rows[b]);
        // Folders come first whichever way the rest is sorted, as in every file manager.
        right.folder.cmp(&left.folder).then_with(|| {
            let by = match look.sort {
                SortBy::Name => Ordering::Equal,
                SortBy::Size => left.size.cmp(&right.size),
                SortBy::Modified => left.modified.cmp(&right.modified),
                SortBy::StorageClass => self.class(a).cmp(&self.class(b)),
            };
            let by = by.then_with(|| by_name(self.name(a), self.name(b)));
            if look.descending { by.reverse() } else { by }
        })
    }
}

/// As a person sorts names: case ignored, numbers by value; then byte by byte, so that the order
/// is always the same.
fn by_name(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let by = number(&mut left).cmp(&number(&mut right));
                if by != Ordering::Equal {
                    return by;
                }
            }
            (Some(x), Some(y)) => {
                let by = x.to_lowercase().cmp(y.to_lowercase());
                if by != Ordering::Equal {
                    return by;
                }
                left.next();
                right.next();
            }
        }
    }
}

/// A run of digits as something that compares by value without a limit: its length without leading
/// zeros, then its digits.
fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (usize, String) {
    let mut digits = String::new();
    while let Some(c) = chars.next_if(char::is_ascii_digit) {
        if c != '0' || !digits.is_empty() {
            digits.push(c);
        }
    }
    (digits.len(), digits)
}

/// The order of one look over the first `covered` rows.
struct Order {
    look: LookAt,
    rows: Vec<u32>,
    covered: usize,
}

#[derive(Default)]
struct State {
    table: Table,
    order: Option<Order>,
    folders: u64,
    bytes: u64,
    complete: bool,
    generation: u64,
    problem: Option<Problem>,
    /// Which listing of the folder these rows are from: 0 is the one that grows page by page, the
    /// others came whole.
    round: u64,
}

pub struct Listing {
    pub id: String,
    pub location: Location,
    rounds: AtomicU64,
    state: Mutex<State>,
}

impl Listing {
    pub fn new(id: String, location: Location) -> Self {
        Self {
            id,
            location,
            rounds: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Numbers a listing anew, when it begins.
    pub fn next_round(&self) -> u64 {
        self.rounds.fetch_add(1, AtomicOrdering::Relaxed) + 1
    }

    /// Takes the rows of a newer listing of the same folder; one that was overtaken is left out.
    pub fn replace(&self, fresh: Self, round: u64) {
        let fresh = fresh
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        if round > state.round {
            let generation = state.generation + 1;
            *state = State {
                generation,
                round,
                ..fresh
            };
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False when a newer listing of the folder has taken the place of this one: its rows are
    /// complete, and more of these would double them.
    #[must_use]
    pub fn add(&self, page: &ListPage) -> bool {
        let mut state = self.state();
        if state.round > 0 {
            return false;
        }
        let prefix = self.location.prefix.as_str();
        for folder in &page.prefixes {
            let rest = folder.strip_prefix(prefix).unwrap_or(folder);
            state.table.push(rest, 0, None, None);
            if let Some(row) = state.table.rows.last_mut() {
                row.folder = true;
            }
            state.folders += 1;
        }
        for object in &page.objects {
            let rest = object.key.strip_prefix(prefix).unwrap_or(&object.key);
            // The marker of this very folder is the folder, not something in it.
            if rest.is_empty() {
                continue;
            }
            let modified = object.modified.map(|t| t.timestamp_millis());
            let class = object.storage_class.as_deref();
            state.table.push(rest, object.size, modified, class);
            state.bytes += object.size;
        }
        state.generation += 1;
        true
    }

    /// Does nothing to what a newer listing has replaced.
    pub fn finish(&self, problem: Option<Problem>) {
        let mut state = self.state();
        if state.round > 0 {
            return;
        }
        state.complete = problem.is_none();
        state.problem = problem;
        state.generation += 1;
    }

    pub fn view(&self) -> ListingView {
        let state = self.state();
        ListingView {
            id: self.id.clone(),
            location: self.location.clone(),
            folders: state.folders,
            objects: state.table.rows.len() as u64 - state.folders,
            bytes: state.bytes,
            complete: state.complete,
            generation: state.generation,
            problem: state.problem.clone(),
        }
    }

    pub fn rows(&self, look: &LookAt, from: usize, count: usize) -> Rows {
        let mut state = self.state();
        let generation = state.generation;
        let (table, order) = state.look(look);
        let to = from.saturating_add(count).min(order.len());
        let from = from.min(to);
        Rows {
            total: order.len(),
            from,
            rows: order[from..to]
                .iter()
                .map(|&row| self.row(table, row as usize))
                .collect(),
            generation,
        }
    }

    /// Keys of the rows `from..to` of a look.
    pub fn range(&self, look: &LookAt, from: usize, to: usize) -> Vec<SelectedKey> {
        let mut state = self.state();
        let (table, order) = state.look(look);
        let to = to.min(order.len());
        order[from.min(to)..to]
            .iter()
            .map(|&row| self.selected(table, row as usize))
            .collect()
    }

    /// The first row from `from` on, going round, whose name begins with `start`, case ignored.
    pub fn starting_with(&self, look: &LookAt, start: &str, from: usize) -> Option<usize> {
        let start = start.to_lowercase();
        let mut state = self.state();
        let (table, order) = state.look(look);
        let begins = |&at: &usize| {
            let name = table.name(order[at] as usize);
            // Only as much as is compared is folded: names can be a kilobyte long.
            let head: String = name.chars().take(start.chars().count()).collect();
            head.to_lowercase() == start
        };
        let from = from.min(order.len());
        (from..order.len()).chain(0..from).find(begins)
    }

    pub fn position(&self, look: &LookAt, key: &str) -> Option<usize> {
        let rest = key.strip_prefix(self.location.prefix.as_str())?;
        let mut state = self.state();
        let (table, order) = state.look(look);
        order
            .iter()
            .position(|&row| table.rest(row as usize) == rest)
    }

    fn key(&self, table: &Table, row: usize) -> String {
        format!("{}{}", self.location.prefix, table.rest(row))
    }

    fn selected(&self, table: &Table, row: usize) -> SelectedKey {
        SelectedKey {
            kind: kind(table, row),
            key: self.key(table, row),
        }
    }

    fn row(&self, table: &Table, row: usize) -> Row {
        let entry = &table.rows[row];
        Row {
            kind: kind(table, row),
            key: self.key(table, row),
            name: table.name(row).to_owned(),
            size: (!entry.folder).then_some(entry.size),
            modified: entry.modified,
            storage_class: table.class(row).map(str::to_owned),
        }
    }
}

fn kind(table: &Table, row: usize) -> RowKind {
    match &table.rows[row] {
        entry if entry.folder => RowKind::Folder,
        entry if entry.size == 0 && table.rest(row).ends_with('/') => RowKind::Marker,
        _ => RowKind::Object,
    }
}

impl State {
    fn look(&mut self, look: &LookAt) -> (&Table, &[u32]) {
        let table = &self.table;
        if self.order.as_ref().is_some_and(|order| order.look != *look) {
            self.order = None;
        }
        let order = self.order.get_or_insert_with(|| Order {
            look: look.clone(),
            rows: Vec::new(),
            covered: 0,
        });
        if order.covered < table.rows.len() {
            let filter = look.filter.to_lowercase();
            let mut fresh: Vec<u32> = (order.covered..table.rows.len())
                .filter(|&row| {
                    filter.is_empty() || table.name(row).to_lowercase().contains(&filter)
                })
                .filter_map(|row| u32::try_from(row).ok())
                .collect();
            fresh.sort_by(|&a, &b| table.compare(look, a, b));
            order.rows = merge(std::mem::take(&mut order.rows), fresh, |a, b| {
                table.compare(look, a, b) != Ordering::Greater
            });
            order.covered = table.rows.len();
        }
        (table, &order.rows)
    }
}

fn merge(old: Vec<u32>, new: Vec<u32>, in_order: impl Fn(u32, u32) -> bool) -> Vec<u32> {
    let appends = match (old.last(), new.first()) {
        (Some(&last), Some(&first)) => in_order(last, first),
        _ => true,
    };
    if appends {
        let mut all = old;
        all.extend(new);
        return all;
    }
    let mut all = Vec::with_capacity(old.len() + new.len());
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    while let (Some(&a), Some(&b)) = (old.peek(), new.peek()) {
        let next = if in_order(a, b) {
            old.next()
        } else {
            new.next()
        };
        all.extend(next);
    }
    all.extend(old);
    all.extend(new);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use wherry_store::ObjectInfo;

    fn listing(prefix: &str) -> Listing {
        let location = Location {
            account: "a".into(),
            bucket: "b".into(),
            prefix: prefix.into(),
        };
        Listing::new("1".into(), location)
    }

    fn page(prefixes: &[&str], objects: &[(&str, u64)]) -> ListPage {
        ListPage {
            prefixes: prefixes.iter().map(ToString::to_string).collect(),
            objects: objects
                .iter()
                .map(|&(key, size)| ObjectInfo {
                    key: key.to_owned(),
                    size,
                    modified: None,
                    etag: None,
                    storage_class: Some("STANDARD".into()),
                })
                .collect(),
            next: None,
        }
    }

    trait Adds {
        fn adds(&self, page: &ListPage);
    }

    impl Adds for Listing {
        fn adds(&self, page: &ListPage) {
            assert!(self.add(page), "its rows are wanted");
        }
    }

    fn names(listing: &Listing, look: &LookAt) -> Vec<String> {
        let rows = listing.rows(look, 0, 500).rows;
        rows.into_iter().map(|r| r.name).collect()
    }

    #[test]
    fn listing_again_replaces_the_rows_and_an_older_round_never_does() {
        let shown = listing("");
        shown.adds(&page(&[], &[("old", 1)]));
        shown.finish(None);
        let before = shown.view().generation;
        let (first, second) = (shown.next_round(), shown.next_round());
        let again = |key| {
            let fresh = listing("");
            fresh.adds(&page(&[], &[(key, 2)]));
            fresh.finish(None);
            fresh
        };
        shown.replace(again("newest"), second);
        shown.replace(again("overtaken"), first);
        let rows = shown.rows(&LookAt::default(), 0, 10);
        assert_eq!(
            rows.rows
                .iter()
                .map(|r| r.name.as_str())
                .collect::<Vec<_>>(),
            ["newest"]
        );
        assert!(rows.generation > before && shown.view().complete);
    }

    #[test]
    fn a_listing_that_still_grows_is_not_doubled_by_a_newer_one() {
        let growing = listing("");
        growing.adds(&page(&["x/"], &[("a", 1)]));
        let round = growing.next_round();
        let fresh = listing("");
        fresh.adds(&page(&["x/"], &[("a", 1), ("b", 2), ("c", 3)]));
        fresh.finish(None);
        growing.replace(fresh, round);
        let look = LookAt::default();
        assert_eq!(names(&growing, &look), ["x", "a", "b", "c"]);

        // The page that was on its way, and the end or the failure of the slower listing.
        assert!(!growing.add(&page(&[], &[("b", 2), ("c", 3)])));
        growing.finish(Some(Problem::stale("listing")));
        assert_eq!(names(&growing, &look), ["x", "a", "b", "c"]);
        let view = growing.view();
        assert_eq!((view.objects, view.bytes, view.complete), (3, 6, true));
        assert!(view.problem.is_none());
    }

    // Promise: Folders come first, and names are sorted as people sort them: capitals count as
    // small letters, and numbers by their value.
    #[test]
    fn names_sort_as_people_sort_them_with_folders_first() {
        let l = listing("d/");
        l.adds(&page(
            &["d/z/"],
            &[("d/file10", 1), ("d/File2", 1), ("d/file1", 1)],
        ));
        let look = LookAt::default();
        assert_eq!(names(&l, &look), ["z", "file1", "File2", "file10"]);
        let down = LookAt {
            descending: true,
            ..look
        };
        assert_eq!(names(&l, &down), ["z", "file10", "File2", "file1"]);
    }

    // Promise: A folder can be looked through while it is still being listed, and ends in the same
    // order.
    #[test]
    fn a_growing_listing_ends_in_the_same_order_as_a_whole_one() {
        let keys: Vec<String> = (0..997).map(|i| format!("k{}", (i * 7919) % 997)).collect();
        let objects: Vec<(&str, u64)> = keys.iter().map(|k| (k.as_str(), k.len() as u64)).collect();
        let (whole, grown) = (listing(""), listing(""));
        whole.adds(&page(&[], &objects));
        let look = LookAt {
            sort: SortBy::Size,
            filter: "K".into(),
            ..LookAt::default()
        };
        for part in objects.chunks(100) {
            grown.adds(&page(&[], part));
            grown.rows(&look, 0, 3);
        }
        assert_eq!(names(&grown, &look), names(&whole, &look));
        assert_eq!(whole.rows(&look, 0, 1).total, 997);
    }

    // Promise: An object `a` and a folder `a/` can both exist, and both are shown.
    #[test]
    fn an_object_and_a_folder_of_one_name_are_both_shown() {
        let l = listing("");
        l.adds(&page(&["a/"], &[("a", 3)]));
        let rows = l.rows(&LookAt::default(), 0, 10).rows;
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0].kind, rows[0].key.as_str()),
            (RowKind::Folder, "a/")
        );
        assert_eq!((rows[1].kind, rows[1].key.as_str()), (RowKind::Object, "a"));
    }

    #[test]
    fn the_folders_own_marker_is_not_a_row() {
        let l = listing("a/");
        l.adds(&page(&["a//"], &[("a/", 0), ("a/x", 1)]));
        let rows = l.rows(&LookAt::default(), 0, 10).rows;
        let keys: Vec<&str> = rows.iter().map(|r| r.key.as_str()).collect();
        assert_eq!(keys, ["a//", "a/x"]);
        assert_eq!(l.view().objects, 1);
    }

    #[test]
    fn ranges_and_searches_follow_the_look() {
        let l = listing("");
        l.adds(&page(&[], &[("beta", 1), ("alpha", 2), ("Bravo", 3)]));
        let look = LookAt::default();
        let keys: Vec<String> = l.range(&look, 1, 9).into_iter().map(|k| k.key).collect();
        assert_eq!(keys, ["beta", "Bravo"]);
        assert_eq!(l.starting_with(&look, "b", 2), Some(2));
        assert_eq!(l.starting_with(&look, "A", 1), Some(0));
        assert_eq!(l.starting_with(&look, "x", 0), None);
        assert_eq!(l.position(&look, "Bravo"), Some(2));
    }

    #[test]
    fn a_range_beyond_the_end_is_empty() {
        let l = listing("");
        assert!(l.rows(&LookAt::default(), 90, 10).rows.is_empty());
        assert!(l.range(&LookAt::default(), 5, 2).is_empty());
    }
}
