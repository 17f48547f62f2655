//! Filters as they are typed: patterns, sizes and times.

use chrono::{DateTime, Duration, Local, NaiveDate, NaiveDateTime, TimeZone, Utc};
use wherry_transfer::{Filter, FilterSpec};

use crate::args::FilterArgs;
use crate::failure::Failure;

pub fn spec(args: &FilterArgs, now: DateTime<Utc>) -> Result<FilterSpec, Failure> {
    let size = |text: &Option<String>| text.as_deref().map(size).transpose();
    let time = |text: &Option<String>| text.as_deref().map(|t| time(t, now)).transpose();
    Ok(FilterSpec {
        include: args.include.clone(),
        exclude: args.exclude.clone(),
        min_size: size(&args.min_size)?,
        max_size: size(&args.max_size)?,
        since: time(&args.since)?,
        until: time(&args.until)?,
    })
}

pub fn filter(args: &FilterArgs, now: DateTime<Utc>) -> Result<Filter, Failure> {
    Filter::new(spec(args, now)?).map_err(|e| {
        Failure::usage(
            format!("{}.", capital(&e.to_string())),
            "`wherry-cli sync --help` shows what patterns look like.",
        )
    })
}

fn capital(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// `500`, `10k`, `1.5M`, `2GiB`.
pub fn size(text: &str) -> Result<u64, Failure> {
    let wrong = || {
        Failure::usage(
            format!("“{text}” is no size."),
            "Write bytes, or a number with k, M, G or T, for example 1.5M.",
        )
    };
    let lower = text.trim().to_ascii_lowercase();
    let bare = lower
        .strip_suffix("ib")
        .or_else(|| lower.strip_suffix('b'))
        .unwrap_or(&lower);
    let (number, unit) = match bare.char_indices().next_back() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => (&bare[..at], unit),
        _ => (bare, 'b'),
    };
    let power = "bkmgtp".find(unit).ok_or_else(wrong)?;
    let factor = 1_u64 << (10 * power);
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(wrong);
    }
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let bytes = number * factor as f64;
    if !(0.0..9e18).contains(&bytes) {
        return Err(wrong());
    }
    Ok(bytes as u64)
}

/// A day, a moment, or how long ago.
pub fn time(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
    let wrong = || {
        Failure::usage(
            format!("“{text}” is no time."),
            "Write a day such as 2024-05-31, a moment such as 2024-05-31T12:00Z, or how long ago, such as 30d or 12h.",
        )
    };
    let here = |naive: NaiveDateTime| {
        let local = Local.from_local_datetime(&naive).earliest();
        local.map(|t| t.with_timezone(&Utc)).ok_or_else(wrong)
    };
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.with_timezone(&Utc));
    }
    if let Some(naive) = text
        .strip_suffix('Z')
        .and_then(|t| NaiveDateTime::parse_from_str(t, "%Y-%m-%dT%H:%M").ok())
    {
        return Ok(naive.and_utc());
    }
    for form in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(naive) = NaiveDateTime::parse_from_str(text, form) {
            return here(naive);
        }
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return here(day.and_hms_opt(0, 0, 0).ok_or_else(wrong)?);
    }
    let (at, unit) = text.char_indices().next_back().ok_or_else(wrong)?;
    let number: u32 = text[..at].parse().map_err(|_| wrong())?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let ago = Duration::try_seconds(i64::from(number) * seconds).ok_or_else(wrong)?;
    now.checked_sub_signed(ago).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("500", 500),
            ("10k", 10_240),
            ("1.5M", 1_572_864),
            ("2GiB", 2 << 30),
            ("1 mb", 0),
            ("3B", 3),
        ] {
            match size(text) {
                Ok(found) => assert_eq!(found, bytes, "{text}"),
                Err(_) => assert_eq!(text, "1 mb"),
            }
        }
        for text in ["", "k", "-1", "1x", "nan", "1e99T", "99999999999P"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_days_moments_or_ago() {
        let now = Utc.with_ymd_and_hms(2024, 6, 15, 12, 0, 0).unwrap();
        let read = |text| time(text, now).unwrap();
        assert_eq!(read("2h"), now - Duration::hours(2));
        assert_eq!(read("30d"), now - Duration::days(30));
        assert_eq!(
            read("2024-05-31T12:00Z"),
            Utc.with_ymd_and_hms(2024, 5, 31, 12, 0, 0).unwrap()
        );
        assert_eq!(
            read("2024-05-31T12:00:00+02:00"),
            Utc.with_ymd_and_hms(2024, 5, 31, 10, 0, 0).unwrap()
        );
        assert_eq!(
            read("2024-05-31").with_timezone(&Local).to_rfc3339()[..19],
            *"2024-05-31T00:00:00"
        );
        for text in ["", "yesterday", "d", "-3d", "31.5.2024", "é"] {
            assert!(time(text, now).is_err(), "{text}");
        }
    }
}
