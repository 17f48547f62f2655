//! Where in the order of keys something may begin.

use std::collections::BTreeMap;
use std::ops::Bound as End;

use crate::api::ListPage;

/// Each character of a name is a guess; names that go on after this are much alike in front.
const LONGEST_NAME: usize = 64;

/// Of the folders of one level, so many are enough to begin at.
const FOLDERS: usize = 64;

/// What keys may begin with, where a listing could be cut.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<String, Certainty>);

/// Whether there is something at a place. The first is tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// A store has named it.
    Known,
    /// There is something at a place beside it.
    Likely,
    /// Nobody knows; the lower the number, the sooner it is worth a request.
    Guessed(u8),
}

/// How much a cut is worth: the shorter a place, the more begins with it.
pub type Worth = (bool, usize, Certainty);

/// A part of the keys that a store can be asked for, with an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub prefix: String,
    /// Nothing can be between its end and that of the stretch.
    pub exact: bool,
}

impl Bound {
    pub fn of(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            exact: false,
        }
    }

    /// The least that has all keys from `last` to `until`, and more.
    pub fn around(prefix: &str, last: &str, until: Option<&str>) -> Self {
        let same = until.map_or(0, |until| same(last, until));
        Self::of(last.get(..same.max(prefix.len())).unwrap_or(prefix))
    }

    /// The same for a place of which only the neighbours are known: what is like them.
    pub fn beside(prefix: &str, place: &str, until: Option<&str>) -> Self {
        let around = Self::around(prefix, place, until);
        let last = place.char_indices().next_back().map_or(0, |(at, _)| at);
        match place.get(..last) {
            Some(beside) if last > around.prefix.len() => Self::of(beside),
            _ => around,
        }
    }

    /// What begins with as much of `last` as tells it from `until`, when it is likely that nothing
    /// else lies between.
    pub fn between(prefix: &str, last: &str, until: Option<&str>, places: &Places) -> Option<Self> {
        let until = until?;
        let same = same(last, until);
        let (here, there) = (last[same..].chars().next()?, until[same..].chars().next()?);
        let end = same + here.len_utf8();
        if end <= prefix.len() {
            return None;
        }
        let prefix = last[..end].to_owned();
        if after(here) == Some(there) {
            let exact = until.len() == same + there.len_utf8();
            return Some(Self { prefix, exact });
        }
        let hexadecimal = is_hexadecimal(&last[same..]) || is_hexadecimal(&until[same..]);
        let more = match (digit(here, hexadecimal), digit(there, hexadecimal)) {
            (Some(here), Some(there)) => here + 1 < there,
            _ => places
                .between(last, Some(until))
                .any(|(place, how)| *how == Certainty::Known && !place.starts_with(&prefix)),
        };
        (!more).then_some(Self {
            prefix,
            exact: false,
        })
    }
}

fn digit(c: char, hexadecimal: bool) -> Option<u32> {
    c.to_digit(if hexadecimal { 16 } else { 10 })
}

/// Bytes that two keys have in common, by whole characters.
fn same(a: &str, b: &str) -> usize {
    let differs = a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b);
    differs.map_or(a.len().min(b.len()), |((at, _), _)| at)
}

/// What sorts right before all that begins with `place`.
pub fn just_before(place: &str) -> String {
    let mut characters = place.chars();
    let Some(last) = characters.next_back() else {
        return String::new();
    };
    match before(last) {
        // Some stores do not take the very last characters; a tilde comes after all usual ones.
        Some(lower) => format!("{}{lower}~", characters.as_str()),
        None => characters.as_str().to_owned(),
    }
}

/// Control characters are not what one sends to a store.
fn before(c: char) -> Option<char> {
    char::from_u32(u32::from(c).checked_sub(1)?).filter(|c| *c >= ' ')
}

fn after(c: char) -> Option<char> {
    char::from_u32(u32::from(c) + 1)
}

/// Without what sorts before the place.
pub fn skip_before(mut page: ListPage, place: &str) -> ListPage {
    let first = page.objects.partition_point(|row| row.key.as_str() < place);
    page.objects.drain(..first);
    page
}

impl Places {
    /// Folders of one level, in order.
    pub fn add(&mut self, last: &str, folders: impl IntoIterator<Item = String>) {
        let folders: Vec<String> = folders.into_iter().collect();
        let step = folders.len().div_ceil(FOLDERS).max(1);
        let befores = std::iter::once(last).chain(folders.iter().map(String::as_str));
        let places = befores.zip(&folders).step_by(step);
        // Where it begins to differ from the one before: there is nothing between.
        let places = places.map(|(before, folder)| {
            let differs = folder[same(before, folder)..].chars().next();
            folder[..same(before, folder) + differs.map_or(0, char::len_utf8)].to_owned()
        });
        self.extend(places, Certainty::Known);
    }

    fn extend(&mut self, places: impl IntoIterator<Item = String>, how: Certainty) {
        for place in places {
            let known = self.0.entry(place).or_insert(how);
            *known = how.min(*known);
        }
    }

    /// What keys after a page from `first` to `last` may begin with: as far as `last`, and then a later
    /// character, no deeper than where names differ within a page. The digits in front of that come
    /// first: counted up, it is they that change next. In turns with them, from the front, what tells
    /// whether there is anything else at all.
    pub fn guess(&mut self, prefix: &str, first: &str, last: &str) {
        let (name, differs) = (name_at(prefix, last), same(first, last));
        let characters: Vec<(usize, char)> = last
            .char_indices()
            .skip_while(|(at, _)| *at < name)
            .take_while(|(at, _)| *at <= differs)
            .take(LONGEST_NAME)
            .collect();
        let hexadecimal = is_hexadecimal(last.get(name..).unwrap_or_default());
        let counted = |(_, c): &&(usize, char)| digit(*c, hexadecimal).is_some();
        let (here, before) = match characters.split_last() {
            Some((here, before)) if here.0 == differs => (Some(here), before),
            _ => (None, &characters[..]),
        };
        let digits = before.iter().rev().take_while(counted).count();
        let (rest, digits) = before.split_at(before.len() - digits);
        let (digits, rest): (Vec<_>, Vec<_>) = (
            digits.iter().rev().chain(here).collect(),
            rest.iter().collect(),
        );
        let longer = digits.len().max(rest.len());
        let order = (0..longer).flat_map(|at| [digits.get(at), rest.get(at)]);
        for (rank, (at, c)) in (0..).zip(order.flatten()) {
            let later = match after(*c) {
                Some(':') if hexadecimal => Some('a'),
                later => later.filter(|later| later.is_alphanumeric() || !c.is_alphanumeric()),
            };
            let place = later.map(|later| format!("{}{later}", &last[..*at]));
            self.extend(place, Certainty::Guessed(rank));
        }
    }

    /// Two keys with others between them show where names differ; the rest of the alphabet may
    /// follow there.
    pub fn learn(&mut self, prefix: &str, last: &str, later: &str) {
        let differs = last
            .char_indices()
            .zip(later.chars())
            .find(|((_, a), b)| a != b);
        let Some(((at, _), found)) = differs else {
            return;
        };
        if at < name_at(prefix, last) || later[at..].contains('/') {
            return;
        }
        let hexadecimal = is_hexadecimal(&later[at..]);
        let (step, end) = match found {
            '0'..='9' => (1, '9'),
            'a'..='f' if hexadecimal => (1, 'f'),
            'a'..='z' => (3, 'z'),
            'A'..='Z' => (3, 'Z'),
            _ => return,
        };
        let letters = (hexadecimal && found.is_ascii_digit()).then_some('a'..='f');
        let following = (found..=end).step_by(step).skip(1);
        let following = following.chain(letters.into_iter().flatten());
        let following = following.map(|c| format!("{}{c}", &later[..at]));
        self.extend(following, Certainty::Likely);
    }

    fn between<'p>(
        &'p self,
        last: &str,
        until: Option<&str>,
    ) -> impl Iterator<Item = (&'p String, &'p Certainty)> {
        let end = match until {
            // Not a range at all, which the set would not take.
            Some(until) if until <= last => End::Excluded(last),
            Some(until) => End::Excluded(until),
            None => End::Unbounded,
        };
        let begin = match end {
            End::Excluded(end) if end == last => End::Included(last),
            _ => End::Excluded(last),
        };
        self.0.range::<str, _>((begin, end))
    }

    /// Nothing is to be found from a place on, as far as `prefix` goes.
    pub fn forget(&mut self, place: &str, prefix: &str) {
        self.0
            .retain(|other, _| other.as_str() < place || !other.starts_with(prefix));
    }

    /// Of the best places after `last` and before `until`: what they are worth, and how many there are.
    pub fn best(&self, last: &str, until: Option<&str>) -> Option<(Worth, usize)> {
        let mut best: Option<(Worth, usize)> = None;
        for (place, how) in self.between(last, until) {
            let worth = worth(place, *how);
            match &mut best {
                Some((most, count)) if *most == worth => *count += 1,
                Some((most, _)) if *most < worth => {}
                best => *best = Some((worth, 1)),
            }
        }
        best
    }

    /// The middle one of the best between two keys, which is not tried again.
    pub fn take(&mut self, last: &str, until: Option<&str>) -> Option<(String, Certainty)> {
        let (most, count) = self.best(last, until)?;
        let mut best = self
            .between(last, until)
            .filter(|(place, how)| worth(place, **how) == most);
        let (place, how) = best
            .nth(count / 2)
            .map(|(place, how)| (place.clone(), *how))?;
        drop(best);
        self.0.remove(&place);
        Some((place, how))
    }
}

fn worth(place: &str, how: Certainty) -> Worth {
    match how {
        Certainty::Known | Certainty::Likely => (false, place.len(), how),
        Certainty::Guessed(_) => (true, 0, how),
    }
}

/// Whether a name looks like a hash or a UUID from here on.
fn is_hexadecimal(name: &str) -> bool {
    let front: Vec<char> = name
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    front.len() >= 4
        && front.iter().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        && front.iter().any(char::is_ascii_lowercase)
        && front.iter().any(char::is_ascii_digit)
}

/// The prefixes whose folders may be beside a key: the prefix itself, and the folders it is in, as
/// far as there is something below them.
pub fn levels<'k>(prefix: &'k str, key: &'k str) -> impl Iterator<Item = &'k str> {
    let slashes = key
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at >= prefix.len());
    std::iter::once(prefix.len())
        .chain(slashes.clone().map(|at| at + 1))
        .take(slashes.count())
        .filter_map(|end| key.get(..end))
}

/// Where a key's last name begins.
fn name_at(prefix: &str, key: &str) -> usize {
    key.rfind('/')
        .map_or(0, |slash| slash + 1)
        .max(prefix.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn just_before_is_before(place in "[ -~é]{1,8}", rest in "[ -~é]{0,8}") {
            let before = just_before(&place);
            prop_assert!(before < place);
            let longer = place + &rest;
            prop_assert!(before < longer);
        }

        #[test]
        fn what_is_taken_is_between(places in prop::collection::vec("[a-d]{1,4}", 0..20), last in "[a-d]{0,4}", until in "[a-d]{0,4}") {
            let mut all = Places::default();
            all.extend(places.clone(), Certainty::Likely);
            let inside = |p: &String| last < *p && *p < until;
            let taken = all.take(&last, Some(&until));
            prop_assert_eq!(taken.is_some(), places.iter().any(inside));
            if let Some((place, _)) = taken {
                let shortest = places.iter().filter(|p| inside(p)).map(String::len).min();
                prop_assert!(inside(&place) && places.contains(&place));
                prop_assert_eq!(shortest, Some(place.len()));
                prop_assert!(!all.0.contains_key(&place));
            }
        }

        #[test]
        fn guesses_come_after(first in "[a-c0-9é/-]{1,12}", last in "[a-c0-9é/-]{1,12}") {
            let mut places = Places::default();
            places.guess("", &first, &last);
            prop_assert!(places.0.keys().all(|place| *place > last));
        }

        #[test]
        fn nothing_is_between_a_bound_and_its_end(keys in prop::collection::btree_set("[ab01é]{1,4}", 2..6), key in "[ab01é]{1,5}") {
            let keys: Vec<&String> = keys.iter().collect();
            let (last, until) = (keys[0], keys[1]);
            let bound = Bound::between("", last, Some(until), &Places::default());
            if let Some(bound) = bound.filter(|bound| bound.exact)
                && key > *last && key < *until {
                prop_assert!(key.starts_with(&bound.prefix), "{bound:?}");
            }
            let around = Bound::around("", last, Some(until)).prefix;
            prop_assert!(!(key > *last && key < *until) || key.starts_with(&around));
        }
    }

    #[test]
    fn where_numbers_differ_the_higher_ones_are_learnt() {
        let mut places = Places::default();
        places.learn("", "run/file-00099", "run/file-00700");
        let learnt: Vec<_> = places.0.keys().map(String::as_str).collect();
        assert_eq!(learnt, ["run/file-008", "run/file-009"]);
        // Folders are asked for by name.
        let mut places = Places::default();
        places.learn("", "run-1/a", "run-2/a");
        assert!(places.0.is_empty());
    }
}
