//! What the token service is sent, and how its listing is read.

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use url::Url;

use crate::error::PortalError;
use crate::issuer::KeyRow;

/// A listed token. Only its name is sure to be there.
#[derive(Debug, Deserialize)]
pub struct Row {
    name: String,
    x_custom_meta_source: Option<String>,
    last_modified: Option<String>,
    lifepoint: Option<String>,
}

impl Row {
    pub fn key(self, tenancy: &str) -> KeyRow {
        KeyRow {
            access_key_id: self.name,
            description: self.x_custom_meta_source,
            created: self
                .last_modified
                .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
                .map(Into::into),
            expires: self.lifepoint.as_deref().and_then(end_of_life),
            scope: Some(tenancy.to_owned()),
        }
    }
}

/// Of `[Wed, 03 May 2023 14:39:45 GMT] reps=2, [] delete` the time; some versions write UTC.
fn end_of_life(lifepoint: &str) -> Option<DateTime<Utc>> {
    let time = lifepoint.strip_prefix('[')?.split(']').next()?;
    let time = time.split_once(',').map_or(time, |(_weekday, time)| time);
    let time = time.trim();
    let time = time
        .strip_suffix("GMT")
        .or_else(|| time.strip_suffix("UTC"))?;
    let time = NaiveDateTime::parse_from_str(time.trim(), "%d %b %Y %H:%M:%S").ok()?;
    Some(time.and_utc())
}

/// The access key id in `Token 8b89… issued for jdoe in cedadev-o.s3.jc.rl.ac.uk`.
pub fn made(words: &str) -> Option<String> {
    let mut words = words.split_whitespace();
    let (first, id) = (words.next()?, words.next()?);
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric());
    (first.eq_ignore_ascii_case("token") && plain).then(|| id.to_owned())
}

/// Where tokens are listed and made.
pub fn tokens(gateway: &Url) -> Url {
    let mut url = below(gateway, &[".TOKEN", ""]);
    url.set_query(Some("format=json"));
    url
}

/// Without the cookie that a token would otherwise become.
pub fn new_token(gateway: &Url) -> Url {
    let mut url = below(gateway, &[".TOKEN", ""]);
    url.set_query(Some("setcookie=false"));
    url
}

/// One token. The id is escaped, so that one from outside stays one segment.
pub fn token(gateway: &Url, id: &str) -> Url {
    below(gateway, &[".TOKEN", id])
}

fn below(gateway: &Url, segments: &[&str]) -> Url {
    let mut url = gateway.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// A name as a header carries it: in Latin-1, which the portal writes too.
pub fn latin1(name: &str) -> Result<HeaderValue, PortalError> {
    let bytes: Option<Vec<u8>> = name
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    bytes
        .and_then(|bytes| HeaderValue::from_bytes(&bytes).ok())
        .ok_or(PortalError::Wish {
            why: "The name holds characters this portal cannot take.".into(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifepoints_are_read_in_either_form() {
        let read = |text| end_of_life(text).map(|time| time.to_rfc3339());
        let may = Some("2023-05-03T14:39:45+00:00".to_owned());
        assert_eq!(
            read("[Wed, 03 May 2023 14:39:45 GMT] reps=2, [] delete"),
            may
        );
        assert_eq!(
            read("[Wed, 03 May 2023 14:39:45 UTC] reps=2, [] delete"),
            may
        );
        // A weekday that does not fit is nobody's problem.
        assert_eq!(read("[Mon, 03 May 2023 14:39:45 GMT] reps=16:4"), may);
        for odd in [
            "",
            "[] delete",
            "[Wed, 03 May 2023 14:39:45 CEST] reps=2",
            "[soon]",
            "[, GMT]",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_listed_token_needs_only_its_name() {
        let rows: Vec<Row> = serde_json::from_str(
            r#"[{"name":"8b89","x_owner_meta":"jdoe","x_custom_meta_source":"my laptop",
                "x_token_domain_meta":"cedadev-o.s3.jc.rl.ac.uk","last_modified":"2023-04-12T14:39:45.500000Z",
                "lifepoint":"[Wed, 03 May 2023 14:39:45 GMT] reps=2, [] delete"}, {"name":"bare"}]"#,
        )
        .unwrap();
        let keys: Vec<KeyRow> = rows.into_iter().map(|row| row.key("cedadev-o")).collect();
        assert_eq!(keys[0].description.as_deref(), Some("my laptop"));
        assert_eq!(
            keys[0].created.map(|t| t.to_rfc3339()).as_deref(),
            Some("2023-04-12T14:39:45.500+00:00")
        );
        assert!(keys[0].expires.is_some());
        assert_eq!(
            keys[1],
            KeyRow {
                access_key_id: "bare".into(),
                description: None,
                created: None,
                expires: None,
                scope: Some("cedadev-o".into()),
            }
        );
    }

    #[test]
    fn the_new_tokens_name_is_the_second_word() {
        assert_eq!(
            made("Token 8b89 issued for jdoe in cedadev-o.s3.jc.rl.ac.uk\n").as_deref(),
            Some("8b89")
        );
        for odd in [
            "",
            "Token",
            "<html> <body>",
            "Error 500 of",
            "Token <b>8b89</b> issued",
        ] {
            assert_eq!(made(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_id_stays_one_segment() {
        let gateway = "http://t.example.org:81/".parse().unwrap();
        assert_eq!(
            token(&gateway, "../x?y").as_str(),
            "http://t.example.org:81/.TOKEN/..%2Fx%3Fy"
        );
        assert_eq!(
            tokens(&gateway).as_str(),
            "http://t.example.org:81/.TOKEN/?format=json"
        );
    }
}
