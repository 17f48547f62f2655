//! The manager's JSON, as much of it as is used. Unknown members are ignored, missing ones tolerated.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct ListBody {
    pub credentials: Vec<Listed>,
    /// Of all credentials, not of those in this answer.
    #[serde(default)]
    pub count: Option<usize>,
}

#[derive(Deserialize)]
pub struct Listed {
    pub access_id: String,
    #[serde(default)]
    expiration_date: Option<String>,
}

impl Listed {
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        when(self.expiration_date.as_deref())
    }
}

/// What the making of a key answers, and perhaps, under one of these names, the reset of its secret.
#[derive(Deserialize)]
pub struct Made {
    #[serde(default)]
    pub access_id: Option<String>,
    #[serde(
        default,
        alias = "secret_key",
        alias = "secret_access_key",
        alias = "new_secret"
    )]
    pub secret: Option<SecretString>,
    #[serde(default)]
    expiration_date: Option<String>,
}

impl Made {
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        when(self.expiration_date.as_deref())
    }
}

/// The answer to a reset: the credential, or with a cover around it.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum ResetBody {
    Covered { credential: Made },
    Plain(Made),
}

impl ResetBody {
    pub fn credential(self) -> Made {
        match self {
            Self::Covered { credential } | Self::Plain(credential) => credential,
        }
    }
}

/// `{"detail": "…"}`, or a list of what was wrong with the request.
#[derive(Deserialize)]
pub struct ErrorBody {
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Detail {
    Words(String),
    Faults(Vec<Fault>),
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    msg: String,
}

impl ErrorBody {
    pub fn words(self) -> String {
        let words = match self.detail {
            Detail::Words(words) => words,
            Detail::Faults(faults) => {
                let words: Vec<String> = faults.into_iter().map(|fault| fault.msg).collect();
                words.join("; ")
            }
        };
        crate::excerpt::excerpt(words.trim_end_matches('.').as_bytes())
    }
}

/// A time, with an offset or, as some of the answers have it, without: then it is UTC.
fn when(text: Option<&str>) -> Option<DateTime<Utc>> {
    let text = text?.trim();
    let zoned = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let naive = || {
        let text = text.replacen(' ', "T", 1);
        NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(|at| at.and_utc())
    };
    let day = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(day.and_hms_opt(0, 0, 0)?.and_utc())
    };
    let read = zoned.or_else(|_| naive()).ok().or_else(day);
    if read.is_none() {
        let shown = crate::excerpt::excerpt(text.as_bytes());
        tracing::warn!(shown, "a date that Wherry cannot read");
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_an_offset() {
        let midnight = "2027-07-08T00:00:00+00:00".parse::<DateTime<Utc>>().ok();
        for written in [
            "2027-07-08T00:00:00Z",
            "2027-07-08T02:00:00+02:00",
            "2027-07-08T00:00:00",
            "2027-07-08T00:00:00.000000",
            "2027-07-08 00:00:00",
            "2027-07-08",
        ] {
            assert_eq!(when(Some(written)), midnight, "{written}");
        }
        assert_eq!(when(None), None);
        assert_eq!(when(Some("next year")), None);
    }
}
