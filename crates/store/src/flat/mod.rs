//! Everything below a prefix, quicker than page by page.
//!
//! A listing is a chain: where a page begins is known when the one before has come. Over a line of
//! 40 ms, a hundred thousand keys are a hundred round trips. But stores list in the order of keys
//! and can begin anywhere, so the chain can be cut: somebody begins in the middle, and the first
//! goes on to there. Where the middle is has to be found out, see [`places`]; a wrong guess costs a
//! request and shows at least where no keys are. There are only as many guesses under way as
//! there are chains, so that a short listing is never paid for twice.
//!
//! A page cannot be told where to end, and what it has of somebody else's keys is paid for twice on
//! a narrow line. But a prefix has an end: a chain near its own is listed by a prefix that ends
//! there. Where that is not quite the same end, a request for a few keys shows what is between.
//!
//! Rows are handed out in the store's order whatever came first. A store that lists in an order of
//! its own, or does not know how to begin in the middle, is noticed, and listed page by page.

mod places;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet, VecDeque};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use self::places::{Bound, Certainty, Places};
use crate::api::{ListPage, ListRequest, ObjectInfo};

/// Requests under way at once.
pub const AT_ONCE: usize = 12;

/// Rows that have come before their turn. With more of them only the first chain goes on.
const ROWS_AHEAD: usize = 200_000;

/// A chain this long is worth guessing where it leads.
const WORTH_GUESSING: u32 = 2;

/// Asked for where perhaps nothing is left.
const FEW: u32 = 10;

/// So many answers keep a line busy while the next ones are asked for, or nothing does.
const FILLS_A_LINE: usize = 4;

/// The most that a store hands out.
const PAGE: u32 = 1000;

/// What keys begin with, and how it is listed.
#[derive(Debug, Clone, Default)]
pub struct Below {
    pub bucket: String,
    pub prefix: String,
    /// At least 1, which is page by page.
    pub at_once: usize,
}

/// Lists all objects below a prefix, in the store's order, with several requests at once where that
/// is of use. `page` asks the store, as patiently as it likes; `take` gets rows as they come.
///
/// # Errors
/// The first one of `page` that stands in the way of a row.
pub async fn list<'a, E, F>(
    below: Below,
    page: impl Fn(ListRequest) -> F,
    mut take: impl FnMut(Vec<ObjectInfo>),
) -> Result<(), E>
where
    F: Future<Output = Result<ListPage, E>> + 'a,
    E: 'a,
{
    let mut listing = Listing::new(below);
    let mut under_way = FuturesUnordered::new();
    loop {
        listing.hand_out(&mut take);
        if listing.chains.is_empty() {
            return Ok(());
        }
        while under_way.len() < listing.below.at_once.max(1)
            && let Some((errand, request)) = listing.next_errand()
        {
            let asked = page(request);
            under_way.push(async move { (errand, asked.await) });
        }
        // Something is under way as long as there is a chain.
        let Some((errand, answer)) = under_way.next().await else {
            return Ok(());
        };
        match (errand, answer) {
            (Errand::Page(chain), answer) => listing.take_page(chain, answer?),
            (Errand::Probe(place, bound), answer) => {
                listing.take_probe(&place, bound, answer.ok());
            }
            (Errand::Level(chain), answer) => listing.take_level(chain, answer.ok()),
        }
    }
}

/// Why a request was sent.
enum Errand {
    /// The next page of a chain.
    Page(u64),
    /// Whether there is something from a place on; asked for so far.
    Probe(String, Bound),
    /// What folders there are, around where a chain is.
    Level(u64),
}

/// A stretch of keys, listed page by page.
struct Chain {
    id: u64,
    /// Keys from here on are another chain's, or are not there.
    until: Option<String>,
    /// The first key of the last page.
    first: Option<String>,
    /// The last key that has come, or what the first one comes after.
    last: Option<String>,
    /// What is being listed of it, and the page to come.
    bound: Bound,
    continuation: Option<String>,
    /// What was listed has come to its end before the stretch has: is there something between?
    gap: bool,
    /// Pages since the last gap.
    since_gap: u32,
    /// Has gaps that are not worth looking into one by one.
    wide: bool,
    /// Not handed out yet.
    rows: VecDeque<Vec<ObjectInfo>>,
    pages: u32,
    asked: bool,
    /// Pages that make it worth guessing what is before it.
    guess_after: u32,
    done: bool,
}

struct Listing {
    below: Below,
    /// In the order of their keys.
    chains: Vec<Chain>,
    next_id: u64,
    places: Places,
    /// Prefixes whose folders have been asked for.
    levels: HashSet<String>,
    rows_ahead: usize,
    /// Places that are being tried.
    tried: BTreeSet<String>,
    /// Levels that are being asked for.
    looking: usize,
    /// As far as has been seen, keys come in order and one can begin anywhere.
    in_order: bool,
    /// The store has shown that one can: it began later than where it would have by itself.
    anywhere: bool,
}

impl Listing {
    fn new(below: Below) -> Self {
        let mut listing = Self {
            chains: Vec::new(),
            next_id: 0,
            places: Places::default(),
            levels: HashSet::new(),
            rows_ahead: 0,
            tried: BTreeSet::new(),
            looking: 0,
            in_order: true,
            anywhere: false,
            below,
        };
        let first = listing.chain(None);
        listing.chains.push(first);
        listing
    }

    fn chain(&mut self, until: Option<String>) -> Chain {
        self.next_id += 1;
        Chain {
            id: self.next_id,
            until,
            first: None,
            last: None,
            bound: Bound::of(&self.below.prefix),
            continuation: None,
            gap: false,
            since_gap: 0,
            wide: false,
            rows: VecDeque::new(),
            pages: 0,
            asked: false,
            guess_after: WORTH_GUESSING,
            done: false,
        }
    }

    fn request(&self, prefix: &str) -> ListRequest {
        ListRequest {
            bucket: self.below.bucket.clone(),
            prefix: prefix.to_owned(),
            ..ListRequest::default()
        }
    }

    fn hand_out(&mut self, take: &mut impl FnMut(Vec<ObjectInfo>)) {
        while let Some(first) = self.chains.first_mut() {
            while let Some(rows) = first.rows.pop_front() {
                self.rows_ahead -= rows.len();
                take(rows);
            }
            if !first.done {
                return;
            }
            self.chains.remove(0);
        }
    }

    fn next_errand(&mut self) -> Option<(Errand, ListRequest)> {
        let full = self.rows_ahead >= ROWS_AHEAD;
        let waiting =
            |(at, chain): &(usize, &mut Chain)| !chain.asked && !chain.done && (*at == 0 || !full);
        if let Some((_, chain)) = self.chains.iter_mut().enumerate().find(waiting) {
            let places = Some(&self.places).filter(|_| self.anywhere);
            let request = chain.ask(&self.below, places);
            return Some((Errand::Page(chain.id), request));
        }
        if self.below.at_once <= 1 || !self.in_order || full {
            return None;
        }
        self.probe().or_else(|| self.look_around())
    }

    /// Begins in the middle of the stretch that can be cut best.
    fn probe(&mut self) -> Option<(Errand, ListRequest)> {
        let (how, from, until) = self.widest()?;
        let most = match how {
            // What is certainly there is worth more courage.
            Certainty::Known => self.below.at_once,
            Certainty::Likely => self.live() * 3,
            Certainty::Guessed(_) => self.live().max(2),
        };
        if self.tried.len() + self.looking >= most {
            return None;
        }
        let (place, how) = self.places.take(&from, until.as_deref())?;
        let holder = self.chains.iter().find(|chain| chain.holds(&place))?;
        let until = holder.until.as_deref();
        let prefix = &self.below.prefix;
        let exact = Bound::between(prefix, &place, until, &self.places);
        let bound = match exact.filter(|bound| bound.exact && self.anywhere) {
            Some(exact) => exact,
            None if how == Certainty::Known => Bound::around(prefix, &place, until),
            None => Bound::beside(prefix, &place, until),
        };
        let mut request = self.request(&bound.prefix);
        // Some stores find nothing after what does not begin with the prefix.
        request.start_after =
            Some(places::just_before(&place)).filter(|before| before.starts_with(&bound.prefix));
        // Answers of one size, asked for together, would come to their ends together, and the line
        // would be idle until the next ones come.
        let (share, all) = (self.tried.len(), self.below.at_once);
        if share >= FILLS_A_LINE {
            request.max_keys = Some(PAGE - PAGE * share.min(all - 1) as u32 / all as u32);
        }
        self.tried.insert(place.clone());
        Some((Errand::Probe(place, bound), request))
    }

    fn live(&self) -> usize {
        self.chains.iter().filter(|chain| !chain.done).count()
    }

    /// Between which two keys a cut is worth most, and how certain it is that something is there.
    fn widest(&self) -> Option<(Certainty, String, Option<String>)> {
        let mut found = Vec::new();
        for chain in self.chains.iter().filter(|chain| !chain.done) {
            let Some(mut from) = chain.last.as_deref() else {
                continue;
            };
            let until = chain.until.as_deref();
            let tried = self.tried.iter().map(String::as_str);
            let tried = tried.filter(|place| chain.holds(place)).map(Some);
            for end in tried.chain(std::iter::once(until)) {
                if let Some((worth, count)) = self.places.best(from, end) {
                    found.push(((worth, Reverse(count)), from, end));
                }
                from = end.unwrap_or(from);
            }
        }
        let best = found.into_iter().min_by_key(|(worth, ..)| *worth);
        best.map(|((worth, _), from, end)| (worth.2, from.to_owned(), end.map(str::to_owned)))
    }

    /// Finds places for a chain that has none: folders, or from how its keys look.
    fn look_around(&mut self) -> Option<(Errand, ListRequest)> {
        let live = self.live();
        if live * 2 > self.below.at_once {
            return None;
        }
        // The one that is alone has everything before it.
        let (worth, most) = if live == 1 {
            (1, 2)
        } else {
            (WORTH_GUESSING, live)
        };
        if self.tried.len() + self.looking >= most {
            return None;
        }
        for at in 0..self.chains.len() {
            let chain = &mut self.chains[at];
            let Some(last) = chain
                .last
                .clone()
                .filter(|_| !chain.done && chain.pages >= worth)
            else {
                continue;
            };
            for level in places::levels(&self.below.prefix, &last) {
                if self.levels.insert(level.to_owned()) {
                    let mut request = self.request(level);
                    request.delimiter = Some("/".to_owned());
                    request.start_after = Some(last.clone());
                    self.looking += 1;
                    return Some((Errand::Level(self.chains[at].id), request));
                }
            }
            let chain = &mut self.chains[at];
            if chain.pages >= chain.guess_after
                && let Some(first) = chain.first.as_deref()
            {
                chain.guess_after = chain.pages * 2;
                self.places.guess(&self.below.prefix, first, &last);
                if let Some(errand) = self.probe() {
                    return Some(errand);
                }
            }
        }
        None
    }

    fn take_page(&mut self, id: u64, page: ListPage) {
        let Some(at) = self.chains.iter().position(|chain| chain.id == id) else {
            return;
        };
        if self.in_order && !is_in_order(&page, self.chains[at].last.as_deref()) {
            self.one_by_one();
        }
        let Some(chain) = self.chains.iter_mut().find(|chain| chain.id == id) else {
            return;
        };
        self.rows_ahead += chain.take(&self.below, page, self.in_order);
    }

    /// No order to rely on: what is listed is what the first chain still has before it.
    fn one_by_one(&mut self) {
        self.in_order = false;
        self.chains.truncate(1);
        if let Some(first) = self.chains.first_mut() {
            first.until = None;
            if first.bound.prefix != self.below.prefix {
                // It has been listed in pieces, and goes on from where it is. What is under way for it is
                // such a piece, and is not waited for.
                self.next_id += 1;
                (first.id, first.asked, first.gap) = (self.next_id, false, false);
                (first.bound, first.continuation) = (Bound::of(&self.below.prefix), None);
            }
            self.rows_ahead = first.rows.iter().map(Vec::len).sum();
        }
    }

    fn take_probe(&mut self, place: &str, bound: Bound, page: Option<ListPage>) {
        self.tried.remove(place);
        let Some(page) = page else {
            // Page by page will show what is wrong.
            self.in_order = false;
            return;
        };
        let before = places::just_before(place);
        if !is_in_order(&page, Some(&before)) {
            // It does not know how to begin in the middle. Nothing has been cut yet that it listed wrongly.
            tracing::debug!("this store lists in an order of its own");
            self.in_order = false;
            return;
        }
        let Some(at) = self
            .chains
            .iter()
            .position(|chain| chain.holds(place) && !chain.done)
        else {
            return;
        };
        let last = self.chains[at].last.clone().unwrap_or_default();
        // Else it would have begun with that one, or one before it.
        self.anywhere |= before.starts_with(&bound.prefix)
            && last.starts_with(&bound.prefix)
            && page.objects.first().is_none_or(|first| first.key > last);
        let until = self.chains[at].until.clone();
        let mut found = self.chain(until);
        (found.bound, found.last) = (bound, Some(before));
        self.rows_ahead += found.take(&self.below, places::skip_before(page, place), true);
        match found.rows.front().and_then(|rows| rows.first()) {
            Some(first) => {
                self.places.learn(&self.below.prefix, &last, &first.key);
                self.chains[at].until = Some(place.to_owned());
                self.chains.insert(at + 1, found);
            }
            // Nothing from here to where the next one begins.
            None if found.done => self.chains[at].until = Some(place.to_owned()),
            None if found.gap => self.places.forget(place, &found.bound.prefix),
            None => {}
        }
    }

    fn take_level(&mut self, id: u64, page: Option<ListPage>) {
        self.looking -= 1;
        let (Some(page), Some(chain)) = (page, self.chains.iter().find(|chain| chain.id == id))
        else {
            return;
        };
        let (last, until) = (chain.last.as_deref(), chain.until.as_deref());
        let inside = |key: &str| {
            last.is_some_and(|last| last < key) && until.is_none_or(|until| key < until)
        };
        let folders = page.prefixes.into_iter().filter(|folder| inside(folder));
        self.places.add(last.unwrap_or_default(), folders);
    }
}

impl Chain {
    /// Whether a place lies in what is still to come.
    fn holds(&self, place: &str) -> bool {
        self.last.as_deref().is_some_and(|last| last < place)
            && self.until.as_deref().is_none_or(|until| place < until)
    }

    /// The next page, and no more of it than belongs here as far as a request can say so. Without
    /// `places` the store is not known to begin anywhere, and what was begun is gone on with.
    fn ask(&mut self, below: &Below, places: Option<&Places>) -> ListRequest {
        self.asked = true;
        let mut max_keys = None;
        if let Some(last) = self.last.as_deref() {
            let until = self.until.as_deref();
            let bound = if self.gap {
                max_keys = Some(FEW);
                Some(Bound::around(&below.prefix, last, until))
            } else {
                places
                    .and_then(|places| Bound::between(&below.prefix, last, until, places))
                    .filter(|narrow| narrow.exact || !self.wide)
            };
            if let Some(bound) = bound.filter(|bound| *bound != self.bound) {
                (self.bound, self.continuation) = (bound, None);
            }
        }
        let continued = self.continuation.is_some();
        ListRequest {
            bucket: below.bucket.clone(),
            prefix: self.bound.prefix.clone(),
            continuation: self.continuation.clone(),
            start_after: self.last.clone().filter(|_| !continued),
            max_keys,
            ..ListRequest::default()
        }
    }

    /// Takes in a page, as far as it belongs here. Says how many rows that were.
    fn take(&mut self, below: &Below, page: ListPage, in_order: bool) -> usize {
        self.asked = false;
        self.pages += u32::from(!self.gap);
        let mut rows = page.objects;
        let again = page.next.is_some() && page.next == self.continuation;
        // A store that hands out the same page again would keep us here for ever.
        let whole = page.next.is_none() || again;
        self.continuation = page.next.filter(|_| !again);
        let (until, bound) = (self.until.as_ref().filter(|_| in_order), &self.bound);
        let end = until.unwrap_or(&below.prefix);
        self.done = whole && (bound.exact || end.starts_with(&bound.prefix));
        if let Some(until) = until
            && rows.last().is_some_and(|row| row.key >= *until)
        {
            rows.truncate(rows.partition_point(|row| row.key < *until));
            self.done = true;
        }
        let count = rows.len();
        if self.gap && count > 0 {
            // Little was listed since the gap before: that would be a request for every few rows.
            self.wide |= self.since_gap < WORTH_GUESSING;
            self.since_gap = 0;
        }
        self.since_gap += u32::from(!self.gap);
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            self.first = Some(first.key.clone()).filter(|_| !self.gap);
            self.last = Some(last.key.clone());
        }
        self.gap = whole && !self.done;
        if count > 0 {
            self.rows.push_back(rows);
        }
        count
    }
}

fn is_in_order(page: &ListPage, after: Option<&str>) -> bool {
    page.objects.is_sorted_by(|a, b| a.key < b.key)
        && match (after, page.objects.first()) {
            (Some(after), Some(first)) => first.key.as_str() > after,
            _ => true,
        }
}

#[cfg(test)]
mod tests;
