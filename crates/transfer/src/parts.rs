//! Into how many parts an object is cut.

use wherry_account::PartLimits;

const MIB: u64 = 1 << 20;

/// Objects up to here go in one request, as long as the store does not ask for smaller parts.
const ONE_REQUEST: u64 = 16 * MIB;

/// The most that S3 takes in one PUT.
const LARGEST_PUT: u64 = 5 << 30;

/// How an object is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// One PUT.
    Whole,
    /// A multipart upload with parts of `size` bytes, the last one shorter.
    Parts { size: u64, count: u32 },
    /// More than the store's parts can hold.
    TooLarge { limit: u64 },
}

/// Part size grows with the object: as the place advises it, but large enough for its number of
/// parts, rounded up to whole MiB.
pub fn cut(size: u64, limits: &PartLimits) -> Cut {
    let in_parts = limits
        .max_size
        .saturating_mul(u64::from(limits.max_parts.max(1)));
    let limit = in_parts.min(limits.max_object);
    if size > limit {
        return Cut::TooLarge { limit };
    }
    let at_once = limits.preferred_size.max(ONE_REQUEST);
    if size <= at_once.min(limits.max_size).min(LARGEST_PUT) {
        return Cut::Whole;
    }
    let advised = match (limits.large_size, limits.large_from) {
        (Some(large), Some(from)) if size >= from => large,
        _ => limits.preferred_size,
    };
    let needed = size.div_ceil(u64::from(limits.max_parts.max(1)));
    let part = advised.max(needed).max(limits.min_size).div_ceil(MIB) * MIB;
    // Rounding up may pass a limit that is not whole itself.
    let part = if part > limits.max_size {
        limits.max_size
    } else {
        part
    };
    Cut::Parts {
        size: part,
        count: size.div_ceil(part) as u32,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn limits() -> PartLimits {
        PartLimits::default()
    }

    #[test]
    fn small_objects_go_whole() {
        for size in [0, 1, ONE_REQUEST] {
            assert_eq!(cut(size, &limits()), Cut::Whole);
        }
        assert_eq!(
            cut(ONE_REQUEST + 1, &limits()),
            Cut::Parts {
                size: 8 * MIB,
                count: 3
            }
        );
    }

    // Promise: Files up to 16 MiB are sent in one request, larger ones in parts of 8 MiB, or larger
    // parts where 10,000 of them would not do.
    #[test]
    fn ten_thousand_parts_are_enough() {
        assert_eq!(
            cut(10_000 * 8 * MIB, &limits()),
            Cut::Parts {
                size: 8 * MIB,
                count: 10_000
            }
        );
        assert_eq!(
            cut(10_000 * 8 * MIB + 1, &limits()),
            Cut::Parts {
                size: 9 * MIB,
                count: 8_889
            }
        );
        assert_eq!(
            cut(5 << 40, &limits()),
            Cut::Parts {
                size: 525 * MIB,
                count: 9_987
            }
        );
    }

    #[test]
    fn five_tebibytes_are_the_most_unless_the_place_says_otherwise() {
        let limit = 5 << 40;
        assert_eq!(cut(limit + 1, &limits()), Cut::TooLarge { limit });
        let more = PartLimits {
            max_object: 40 << 40,
            ..limits()
        };
        assert!(matches!(cut(limit + 1, &more), Cut::Parts { .. }));
    }

    #[test]
    fn a_place_may_ask_for_larger_parts() {
        let jasmin = PartLimits {
            large_size: Some(200 * MIB),
            large_from: Some(20 * GIB),
            ..limits()
        };
        assert_eq!(
            cut(19 * GIB, &jasmin),
            Cut::Parts {
                size: 8 * MIB,
                count: 2432
            }
        );
        assert_eq!(
            cut(20 * GIB, &jasmin),
            Cut::Parts {
                size: 200 * MIB,
                count: 103
            }
        );
    }

    #[test]
    fn a_store_of_small_parts_gets_no_larger_requests() {
        let small = PartLimits {
            min_size: 1,
            max_size: MIB,
            ..limits()
        };
        assert_eq!(cut(MIB, &small), Cut::Whole);
        assert_eq!(
            cut(MIB + 1, &small),
            Cut::Parts {
                size: MIB,
                count: 2
            }
        );
    }

    #[test]
    fn what_fits_in_no_number_of_parts_is_said() {
        let few = PartLimits {
            max_parts: 10,
            max_size: 100 * MIB,
            ..limits()
        };
        assert_eq!(cut(1001 * MIB, &few), Cut::TooLarge { limit: 1000 * MIB });
    }

    proptest! {
        #[test]
        fn parts_cover_the_object_within_the_limits(size in 1u64..(6 << 40), parts in 1u32..10_001) {
            let limits = PartLimits { max_parts: parts, ..limits() };
            match cut(size, &limits) {
                Cut::Whole => prop_assert!(size <= LARGEST_PUT),
                Cut::TooLarge { limit } => prop_assert!(size > limit),
                Cut::Parts { size: part, count } => {
                    prop_assert!(count <= parts && part >= limits.min_size && part <= limits.max_size);
                    prop_assert!(part * u64::from(count) >= size && part * u64::from(count - 1) < size);
                }
            }
        }
    }
}
