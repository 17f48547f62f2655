//! Where in the order of keys something may begin.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::api::ListPage;

/// Each character of a name is a guess; names that go on after this are much alike in front.
const LONGEST_NAME: usize = 64;

/// Of the folders of one level, so many are enough to begin at.
const FOLDERS: usize = 64;

/// What keys may begin with, where a listing could be cut.
#[derive(Debug, Default)]
pub struct Places(BTreeSet<String>);

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
    pub fn add(&mut self, folders: impl IntoIterator<Item = String>) {
        let folders: Vec<String> = folders.into_iter().collect();
        let step = folders.len().div_ceil(FOLDERS).max(1);
        self.0.extend(folders.into_iter().step_by(step));
    }

    /// What keys after `last` may begin with: as far as it, and then a later character. One of these
    /// is where the keys go on when they differ there for the first time.
    pub fn guess(&mut self, prefix: &str, last: &str) {
        let name = name_at(prefix, last);
        for (at, c) in last
            .char_indices()
            .skip_while(|(at, _)| *at < name)
            .take(LONGEST_NAME)
        {
            self.0
                .extend(after(c).map(|later| format!("{}{later}", &last[..at])));
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
        self.0
            .extend(following.map(|c| format!("{}{c}", &later[..at])));
    }

    fn between<'p>(&'p self, last: &str, until: Option<&str>) -> impl Iterator<Item = &'p String> {
        let end = match until {
            // Not a range at all, which the set would not take.
            Some(until) if until <= last => Bound::Excluded(last),
            Some(until) => Bound::Excluded(until),
            None => Bound::Unbounded,
        };
        let begin = match end {
            Bound::Excluded(end) if end == last => Bound::Included(last),
            _ => Bound::Excluded(last),
        };
        self.0.range::<str, _>((begin, end))
    }

    pub fn count(&self, last: &str, until: Option<&str>) -> usize {
        self.between(last, until).count()
    }

    /// The middle one of those after `last` and before `until`, which is not tried again.
    pub fn take_middle(&mut self, last: &str, until: Option<&str>) -> Option<String> {
        let count = self.count(last, until);
        let middle = self.between(last, until).nth(count / 2)?.clone();
        self.0.remove(&middle);
        Some(middle)
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
        fn the_middle_is_between(places in prop::collection::vec("[a-d]{1,4}", 0..20), last in "[a-d]{0,4}", until in "[a-d]{0,4}") {
            let mut all = Places::default();
            all.add(places.clone());
            let inside = |p: &String| last < *p && *p < until;
            let middle = all.take_middle(&last, Some(&until));
            prop_assert_eq!(middle.is_some(), places.iter().any(inside));
            if let Some(middle) = middle {
                prop_assert!(inside(&middle) && places.contains(&middle));
                prop_assert!(!all.0.contains(&middle));
            }
        }

        #[test]
        fn guesses_come_after(last in "[a-c0-9é/-]{1,12}") {
            let mut places = Places::default();
            places.guess("", &last);
            prop_assert!(places.0.iter().all(|place| *place > last));
        }
    }

    #[test]
    fn where_numbers_differ_the_higher_ones_are_learnt() {
        let mut places = Places::default();
        places.learn("", "run/file-00099", "run/file-00700");
        let learnt: Vec<_> = places.0.iter().map(String::as_str).collect();
        assert_eq!(learnt, ["run/file-008", "run/file-009"]);
        // Folders are asked for by name.
        let mut places = Places::default();
        places.learn("", "run-1/a", "run-2/a");
        assert!(places.0.is_empty());
    }
}
