//! Everything below a prefix, quicker than page by page.
//!
//! A listing is a chain: where a page begins is known when the one before has come. Over a line of
//! 40 ms, a hundred thousand keys are a hundred round trips. But stores list in the order of keys
//! and can begin anywhere, so the chain can be cut: somebody begins in the middle, and the first
//! goes on to there. Where the middle is has to be guessed, see [`places`]; a wrong guess costs a
//! request and shows at least where no keys are. There are only as many guesses under way as
//! there are chains, so that a short listing is never paid for twice.
//!
//! Rows are handed out in the store's order whatever came first. A store that lists in an order of
//! its own, or does not know how to begin in the middle, is noticed, and listed page by page.

mod places;

use std::collections::{HashSet, VecDeque};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use self::places::Places;
use crate::api::{ListPage, ListRequest, ObjectInfo};

/// Requests under way at once.
pub const AT_ONCE: usize = 12;

/// Rows that have come before their turn. With more of them only the first chain goes on.
const ROWS_AHEAD: usize = 200_000;

/// A chain this long is worth guessing where it leads.
const WORTH_GUESSING: u32 = 2;

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
            (Errand::Probe(place), answer) => listing.take_probe(&place, answer.ok()),
            (Errand::Level(chain), answer) => listing.take_level(chain, answer.ok()),
        }
    }
}

/// Why a request was sent.
enum Errand {
    /// The next page of a chain.
    Page(u64),
    /// Whether there is something from a place on.
    Probe(String),
    /// What folders there are, around where a chain is.
    Level(u64),
}

/// A stretch of keys, listed page by page.
struct Chain {
    id: u64,
    /// Of the page to come.
    request: ListRequest,
    /// Keys from here on are another chain's, or are not there.
    until: Option<String>,
    /// The last key that has come.
    last: Option<String>,
    /// Not handed out yet.
    rows: VecDeque<Vec<ObjectInfo>>,
    pages: u32,
    asked: bool,
    guessed: bool,
    done: bool,
    /// A place in it is being tried.
    probed: bool,
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
    probing: usize,
    /// As far as has been seen, keys come in order and one can begin anywhere.
    in_order: bool,
}

impl Listing {
    fn new(below: Below) -> Self {
        let mut listing = Self {
            chains: Vec::new(),
            next_id: 0,
            places: Places::default(),
            levels: HashSet::new(),
            rows_ahead: 0,
            probing: 0,
            in_order: true,
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
            request: self.request(&self.below.prefix),
            until,
            last: None,
            rows: VecDeque::new(),
            pages: 0,
            asked: false,
            guessed: false,
            done: false,
            probed: false,
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
            chain.asked = true;
            return Some((Errand::Page(chain.id), chain.request.clone()));
        }
        let live = self.chains.iter().filter(|chain| !chain.done).count();
        if self.below.at_once <= 1 || !self.in_order || full || self.probing >= live {
            return None;
        }
        let errand = self.probe().or_else(|| self.look_around());
        self.probing += usize::from(errand.is_some());
        errand
    }

    /// Begins in the middle of the chain that has the most places to begin at.
    fn probe(&mut self) -> Option<(Errand, ListRequest)> {
        let places = &self.places;
        let (count, at) = self
            .chains
            .iter()
            .enumerate()
            .filter(|(_, chain)| !chain.done && !chain.probed)
            .filter_map(|(at, chain)| {
                let last = chain.last.as_deref()?;
                Some((places.count(last, chain.until.as_deref()), at))
            })
            .max_by_key(|(count, at)| (*count, std::cmp::Reverse(*at)))?;
        if count == 0 {
            return None;
        }
        let chain = &mut self.chains[at];
        let place = self
            .places
            .take_middle(chain.last.as_deref()?, chain.until.as_deref())?;
        chain.probed = true;
        let mut request = self.request(&self.below.prefix);
        request.start_after = Some(places::just_before(&place));
        Some((Errand::Probe(place), request))
    }

    /// Finds places for a chain that has none: folders, or from how its keys look.
    fn look_around(&mut self) -> Option<(Errand, ListRequest)> {
        let live = self.chains.iter().filter(|chain| !chain.done).count();
        if live * 2 > self.below.at_once {
            return None;
        }
        // The one that is alone has everything before it.
        let worth = if live == 1 { 1 } else { WORTH_GUESSING };
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
                    return Some((Errand::Level(self.chains[at].id), request));
                }
            }
            let chain = &mut self.chains[at];
            if !chain.guessed && chain.pages >= WORTH_GUESSING {
                chain.guessed = true;
                self.places.guess(&self.below.prefix, &last);
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
        self.rows_ahead += chain.take(page, self.in_order);
    }

    /// No order to rely on: what is listed is what the first chain still has before it.
    fn one_by_one(&mut self) {
        self.in_order = false;
        self.chains.truncate(1);
        if let Some(first) = self.chains.first_mut() {
            first.until = None;
            self.rows_ahead = first.rows.iter().map(Vec::len).sum();
        }
    }

    fn take_probe(&mut self, place: &str, page: Option<ListPage>) {
        self.probing -= 1;
        let holds = |chain: &Chain| {
            chain.last.as_deref().is_some_and(|last| last < place)
                && chain.until.as_deref().is_none_or(|until| place < until)
        };
        for chain in &mut self.chains {
            // Also one that has passed the place meanwhile.
            if chain.until.as_deref().is_none_or(|until| place < until) {
                chain.probed = false;
                break;
            }
        }
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
            .position(|chain| holds(chain) && !chain.done)
        else {
            return;
        };
        let until = self.chains[at].until.take();
        let mut found = self.chain(until);
        let from = places::skip_before(page, place);
        self.rows_ahead += found.take(from, true);
        let begins = found
            .rows
            .front()
            .and_then(|rows| rows.first())
            .map(|row| row.key.clone());
        match begins {
            Some(first) => {
                if let Some(last) = self.chains[at].last.as_deref() {
                    self.places.learn(&self.below.prefix, last, &first);
                }
                self.chains[at].until = Some(first);
                self.chains.insert(at + 1, found);
            }
            // Nothing from here to where the next one begins.
            None if found.done => self.chains[at].until = Some(place.to_owned()),
            None => self.chains[at].until = found.until,
        }
    }

    fn take_level(&mut self, id: u64, page: Option<ListPage>) {
        self.probing -= 1;
        let (Some(page), Some(chain)) = (page, self.chains.iter().find(|chain| chain.id == id))
        else {
            return;
        };
        let (last, until) = (chain.last.as_deref(), chain.until.as_deref());
        let inside = |key: &str| {
            last.is_some_and(|last| last < key) && until.is_none_or(|until| key < until)
        };
        let folders = page.prefixes.into_iter().filter(|folder| inside(folder));
        self.places.add(folders);
    }
}

impl Chain {
    /// Takes in a page, as far as it belongs here. Says how many rows that were.
    fn take(&mut self, page: ListPage, in_order: bool) -> usize {
        self.asked = false;
        self.pages += 1;
        let mut rows = page.objects;
        let again = page.next.is_some() && page.next == self.request.continuation;
        // A store that hands out the same page again would keep us here for ever.
        self.done = page.next.is_none() || again;
        self.request.continuation = page.next;
        if let Some(until) = self.until.as_ref().filter(|_| in_order)
            && rows.last().is_some_and(|row| row.key >= *until)
        {
            rows.truncate(rows.partition_point(|row| row.key < *until));
            self.done = true;
        }
        if let Some(last) = rows.last() {
            self.last = Some(last.key.clone());
        }
        let count = rows.len();
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
