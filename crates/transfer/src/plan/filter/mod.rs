//! Which files of a folder are meant: by name, size and time.
//!
//! What an exclusion fits is left out, whatever else is said; where there are inclusions, only what
//! one of them fits is taken. There is no order to get wrong.

mod glob;
mod narrow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use glob::{Pattern, PatternError};
pub(crate) use narrow::keep;

/// As it is asked for and kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilterSpec {
    /// Patterns; empty for all.
    pub include: Vec<String>,
    /// Patterns; they win over `include`.
    pub exclude: Vec<String>,
    /// Bytes, itself included.
    pub min_size: Option<u64>,
    /// Bytes, itself included.
    pub max_size: Option<u64>,
    /// Changed then or later: a file by its own time, an object by when it was stored.
    pub since: Option<DateTime<Utc>>,
    /// Changed then or earlier.
    pub until: Option<DateTime<Utc>>,
}

impl FilterSpec {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    spec: FilterSpec,
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Filter {
    pub fn new(spec: FilterSpec) -> Result<Self, PatternError> {
        let patterns = |texts: &[String]| -> Result<Vec<Pattern>, PatternError> {
            texts.iter().map(|text| Pattern::new(text)).collect()
        };
        Ok(Self {
            include: patterns(&spec.include)?,
            exclude: patterns(&spec.exclude)?,
            spec,
        })
    }

    pub fn spec(&self) -> &FilterSpec {
        &self.spec
    }

    pub fn include(&self) -> &[Pattern] {
        &self.include
    }

    pub fn exclude(&self) -> &[Pattern] {
        &self.exclude
    }

    /// By its name: relative, with `/`.
    pub fn takes_name(&self, name: &str) -> bool {
        !self.exclude.iter().any(|p| p.fits(name))
            && (self.include.is_empty() || self.include.iter().any(|p| p.fits(name)))
    }

    /// By size (bytes) and time (milliseconds since 1970). Where no time is known, it does not count.
    pub fn takes_facts(&self, size: u64, modified: Option<i64>) -> bool {
        let spec = &self.spec;
        spec.min_size.is_none_or(|min| size >= min)
            && spec.max_size.is_none_or(|max| size <= max)
            && modified.is_none_or(|at| {
                spec.since.is_none_or(|t| at >= t.timestamp_millis())
                    && spec.until.is_none_or(|t| at <= t.timestamp_millis())
            })
    }

    pub fn takes(&self, name: &str, size: u64, modified: Option<i64>) -> bool {
        self.takes_facts(size, modified) && self.takes_name(name)
    }

    /// Whether nothing in this folder can be meant, so that it need not be looked into.
    pub fn leaves_out_folder(&self, folder: &str) -> bool {
        self.exclude.iter().any(|p| p.fits_folder(folder))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let owned = |list: &[&str]| list.iter().map(|p| (*p).to_owned()).collect();
        Filter::new(FilterSpec {
            include: owned(include),
            exclude: owned(exclude),
            ..FilterSpec::default()
        })
        .unwrap()
    }

    // Promise: What `--exclude` fits is left out, whatever `--include` says; where there is an
    // `--include`, only what one of them fits is taken.
    #[test]
    fn exclusions_win_and_inclusions_limit() {
        let all = filter(&[], &[]);
        assert!(all.takes_name("anything") && !all.leaves_out_folder("anything"));
        let some = filter(&["*.nc", "/docs"], &["old"]);
        assert!(some.takes_name("a/b.nc") && some.takes_name("docs/readme"));
        assert!(!some.takes_name("a/b.txt") && !some.takes_name("old/b.nc"));
        assert!(some.leaves_out_folder("a/old") && !some.leaves_out_folder("a"));
    }

    #[test]
    fn sizes_and_times_are_limits_that_count_themselves() {
        let time = |seconds| DateTime::from_timestamp(seconds, 0);
        let limits = Filter::new(FilterSpec {
            min_size: Some(10),
            max_size: Some(20),
            since: time(100),
            until: time(200),
            ..FilterSpec::default()
        })
        .unwrap();
        for (size, at, taken) in [
            (10, 100_000, true),
            (20, 200_000, true),
            (9, 150_000, false),
            (21, 150_000, false),
            (15, 99_999, false),
            (15, 200_001, false),
        ] {
            assert_eq!(limits.takes("x", size, Some(at)), taken, "{size} {at}");
        }
        assert!(limits.takes("x", 15, None));
    }

    proptest! {
        #[test]
        fn a_folder_left_out_has_nothing_that_is_taken(
            exclude in prop::collection::vec("[ab/*?]{1,5}", 0..4),
            folder in "[ab]{1,2}(/[ab]{1,2}){0,2}", below in "[ab/]{1,4}",
        ) {
            let exclude = exclude.into_iter().filter(|p| Pattern::new(p).is_ok()).collect();
            let filter = Filter::new(FilterSpec { exclude, ..FilterSpec::default() }).unwrap();
            if filter.leaves_out_folder(&folder) {
                let inside = format!("{folder}/{below}");
                prop_assert!(!filter.takes_name(&inside));
            }
        }
    }
}
