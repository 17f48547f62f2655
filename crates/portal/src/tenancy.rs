//! What the two portals in front of a DataCore Swarm store share: a group's *tenancy*, whose keys carry a name and
//! a date on which they end.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use url::Url;

use crate::error::PortalError;
use crate::issuer::{
    Ability, Capabilities, DescriptionLimit, Expiry, KeyRow, KeyWish, SecretShown, SignInMethod,
};
use crate::session::S3Endpoint;

/// As the portal's form has it. Its server and the store do not check, and a name that is longer breaks lists.
const LONGEST_NAME: usize = 25;
/// A date further away is a slip of the keyboard: a key that nobody will look after.
const MOST_DAYS: u64 = 3660;
pub const NO_RESET: &str =
    "This portal cannot change a key's secret: make a new key and delete this one.";
/// JASMIN's stores under their two addresses (cedadev/jasmin-help-hugo-hinode, jasmin-object-store.md @4a88dd0).
/// The labels are the preset's.
const INSIDE: &str = ".s3.jc.rl.ac.uk";
const OUTSIDE: &str = ".s3-ext.jc.rl.ac.uk";
/// What the JASMIN portal calls the two keys of a week that it makes for itself. Deleting one throws its
/// visitors out. Nobody's own key is called so: the names are too long.
const HELPERS: [&str; 2] = [
    "JASMIN account auth access key",
    "JASMIN account auth access key S3",
];

pub fn capabilities(sign_in: &'static [SignInMethod]) -> Capabilities {
    Capabilities {
        list: Ability::Yes,
        create: Ability::Yes,
        delete: Ability::Yes,
        reset: Ability::No(NO_RESET.into()),
        // Without a date the store lets a key live for a day, and the portal's form asks for one.
        expiry: Expiry::Required,
        secret_shown: SecretShown::Once,
        new_key_revokes_old: false,
        description: Some(DescriptionLimit {
            most: LONGEST_NAME,
            required: true,
        }),
        lent: false,
        renewed_alone: false,
        takes_effect_within: None,
        honoured_after_delete: None,
        sign_in,
    }
}

/// A wish that was found to be possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    /// The key ends when this day begins, by Greenwich.
    pub last: NaiveDate,
}

impl Wanted {
    /// # Errors
    /// [`PortalError::Wish`], in words, for what the portals would take and then break on.
    pub fn check(wish: &KeyWish, now: DateTime<Utc>) -> Result<Self, PortalError> {
        let refuse = |why: String| PortalError::Wish { why: why.into() };
        let name = wish.description.as_deref().unwrap_or_default().trim();
        if name.is_empty() {
            return Err(refuse("A key needs a name here.".to_owned()));
        }
        let length = name.chars().count();
        if length > LONGEST_NAME {
            return Err(refuse(format!(
                "The name has {length} characters; {LONGEST_NAME} are as many as this portal takes."
            )));
        }
        // It travels as a header, which is Latin-1.
        let odd = |c: &char| c.is_control() || u32::from(*c) > 0xff;
        if let Some(odd) = name.chars().find(odd) {
            let odd = if odd.is_control() {
                "a line break or tab".to_owned()
            } else {
                format!("“{odd}”")
            };
            return Err(refuse(format!(
                "The name holds {odd}, which this portal cannot take: use Western European letters."
            )));
        }
        let Some(last) = wish.expires.map(|time| time.date_naive()) else {
            return Err(refuse(
                "A key needs a date on which it ends here.".to_owned(),
            ));
        };
        let today = now.date_naive();
        if last <= today {
            return Err(refuse(format!(
                "A key that ends on {last} would have ended already: choose a date after today, {today}."
            )));
        }
        if today
            .checked_add_days(Days::new(MOST_DAYS))
            .is_some_and(|latest| last > latest)
        {
            return Err(refuse(format!(
                "{last} is more than ten years away: choose an earlier date."
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            last,
        })
    }

    pub fn expires(&self) -> DateTime<Utc> {
        start_of(self.last)
    }

    /// As the portals take it.
    pub fn date(&self) -> String {
        self.last.format("%Y-%m-%d").to_string()
    }

    /// Whether this row may be the key that was wished for.
    pub fn fits(&self, row: &KeyRow) -> bool {
        // A page shows several spaces as one.
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        row.description.as_deref().map(words) == Some(words(&self.name))
            && row
                .expires
                .is_none_or(|expires| expires.date_naive() == self.last)
    }
}

pub fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Whether a key of this name is the portal's own, which users are not shown.
pub fn is_helper(name: &str) -> bool {
    HELPERS.contains(&name.trim())
}

/// The name of the tenancy at this host: its first label, or the whole of an address without a name.
pub fn of_host(host: &str) -> &str {
    let name = host.split(':').next().unwrap_or_default();
    let is_address = name.starts_with('[') || name.parse::<std::net::IpAddr>().is_ok();
    if is_address {
        host
    } else {
        name.split('.').next().unwrap_or(name)
    }
}

/// Where the objects of the tenancy at this host are. `host` may have a port.
pub fn endpoints(host: &str) -> Vec<S3Endpoint> {
    let host = host.trim().trim_end_matches('/').to_ascii_lowercase();
    let (outside, inside) = [INSIDE, OUTSIDE]
        .iter()
        .find_map(|end| host.strip_suffix(end))
        .map_or((host.clone(), host.clone()), |tenancy| {
            (format!("{tenancy}{OUTSIDE}"), format!("{tenancy}{INSIDE}"))
        });
    [
        ("From anywhere", format!("https://{outside}")),
        ("Inside JASMIN", format!("http://{inside}")),
    ]
    .into_iter()
    .filter_map(|(label, url)| {
        Some(S3Endpoint {
            region: label.to_owned(),
            url: Url::parse(&url)
                .ok()
                .filter(|url| url.path() == "/" && url.username().is_empty())?,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn check(name: &str, expires: &str) -> Result<Wanted, String> {
        let wish = KeyWish {
            description: Some(name.to_owned()),
            expires: Some(at(expires)),
        };
        Wanted::check(&wish, at("2026-03-01T12:00:00Z")).map_err(|error| {
            assert_eq!(error.code(), "wish");
            error.to_string()
        })
    }

    #[test]
    fn wishes_that_would_break_the_portal_are_refused_in_words() {
        let fine = "2026-03-02T00:00:00Z";
        let wanted = check(" Jané's laptop ", fine).unwrap();
        assert_eq!(
            (wanted.name.as_str(), wanted.date().as_str()),
            ("Jané's laptop", "2026-03-02")
        );
        assert_eq!(wanted.expires(), at(fine));

        for (name, expires, words) in [
            ("  ", fine, "A key needs a name here."),
            (
                "a name of twenty-six chars",
                fine,
                "The name has 26 characters; 25 are as many as this portal takes.",
            ),
            (
                "żaba",
                fine,
                "The name holds “ż”, which this portal cannot take: use Western European letters.",
            ),
            (
                "two\nlines",
                fine,
                "The name holds a line break or tab, which this portal cannot take: use Western European letters.",
            ),
            (
                "laptop",
                "2026-03-01T23:59:59Z",
                "A key that ends on 2026-03-01 would have ended already: choose a date after today, 2026-03-01.",
            ),
            (
                "laptop",
                "2025-12-31T00:00:00Z",
                "A key that ends on 2025-12-31 would have ended already: choose a date after today, 2026-03-01.",
            ),
            (
                "laptop",
                "2206-03-02T00:00:00Z",
                "2206-03-02 is more than ten years away: choose an earlier date.",
            ),
        ] {
            assert_eq!(check(name, expires).unwrap_err(), words);
        }
        let dateless = KeyWish {
            description: Some("laptop".into()),
            expires: None,
        };
        let error = Wanted::check(&dateless, Utc::now()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "A key needs a date on which it ends here."
        );
    }

    #[test]
    fn a_key_that_may_be_the_wanted_one() {
        let wanted = check("laptop", "2026-05-01T00:00:00Z").unwrap();
        let row = |name: &str, expires| KeyRow {
            access_key_id: "K".into(),
            description: Some(name.into()),
            created: None,
            expires,
            scope: None,
        };
        assert!(wanted.fits(&row("laptop", Some(wanted.expires()))));
        assert!(wanted.fits(&row("laptop", None)));
        assert!(!wanted.fits(&row("laptop 2", Some(wanted.expires()))));
        assert!(!wanted.fits(&row("laptop", Some(wanted.expires() + TimeDelta::days(1)))));
    }

    #[test]
    fn both_addresses_of_a_tenancy_are_known() {
        let found = |host: &str| {
            endpoints(host)
                .into_iter()
                .map(|e| format!("{}: {}", e.region, e.url))
                .collect::<Vec<_>>()
        };
        let both = [
            "From anywhere: https://cedadev-o.s3-ext.jc.rl.ac.uk/",
            "Inside JASMIN: http://cedadev-o.s3.jc.rl.ac.uk/",
        ];
        assert_eq!(found("cedadev-o.s3.jc.rl.ac.uk"), both);
        assert_eq!(found(" CEDADEV-o.s3-ext.jc.rl.ac.uk "), both);
        let elsewhere = [
            "From anywhere: https://127.0.0.1:8080/",
            "Inside JASMIN: http://127.0.0.1:8080/",
        ];
        assert_eq!(found("127.0.0.1:8080"), elsewhere);
        for odd in ["", "a b", "x/../y", "user@host", "http://x"] {
            assert_eq!(found(odd), Vec::<String>::new(), "{odd}");
        }
    }

    #[test]
    fn a_tenancy_is_the_first_part_of_its_host() {
        assert_eq!(of_host("cedadev-o.s3.jc.rl.ac.uk"), "cedadev-o");
        assert_eq!(of_host("127.0.0.1"), "127.0.0.1");
        assert_eq!(of_host("[::1]"), "[::1]");
        assert_eq!(of_host("localhost"), "localhost");
    }
}
