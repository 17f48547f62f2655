//! The portal's pages, read by their structure. Their HTML has end tags out of place, as a browser forgives.
//!
//! Everything here is synchronous: a parsed page holds on to the thread it was parsed on.

use chrono::{DateTime, NaiveDate, Utc};
use scraper::{ElementRef, Html, Selector};
use secrecy::SecretString;

use crate::issuer::KeyRow;
use crate::tenancy;

/// A tenancy as its card shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    pub name: String,
    /// The store's host.
    pub location: String,
}

/// The page with the tenancies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// As the bar at the top has it; empty where it does not.
    pub user: String,
    pub cards: Vec<Card>,
}

/// A key as the page after its creation shows it, once.
pub struct Created {
    pub access_key_id: String,
    pub secret: SecretString,
}

/// The page for everything that went wrong.
pub fn is_oops(html: &str) -> bool {
    // Other answers need no parsing.
    if !html.contains("Oops") {
        return false;
    }
    let page = Html::parse_document(html);
    let heads = select(page.root_element(), "h1");
    heads.iter().any(|head| text(*head).starts_with("Oops"))
}

/// `None` when it is another page.
pub fn overview(html: &str) -> Option<Overview> {
    let page = Html::parse_document(html);
    let root = page.root_element();
    // Whoever may sign out is signed in.
    select(root, "a[href*='/account/logout']").first()?;
    let cards = select(root, "div.card")
        .into_iter()
        .filter_map(card)
        .collect();
    let user = select(root, ".navbar a.dropdown-toggle")
        .first()
        .map(|name| text(*name))
        .unwrap_or_default();
    Some(Overview { user, cards })
}

fn card(card: ElementRef<'_>) -> Option<Card> {
    let title = text(*select(card, ".card-title").first()?);
    let name = title.rsplit(':').next()?.trim().to_owned();
    let location = select(card, "p")
        .first()
        .map(|p| text(*p))
        .unwrap_or_default();
    (!name.is_empty()).then_some(Card { name, location })
}

/// What the page that asks for the password says about the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordPage {
    Asks,
    Refused,
}

/// `None` when it is another page.
pub fn password_page(html: &str) -> Option<PasswordPage> {
    let page = Html::parse_document(html);
    let fields = select(
        page.root_element(),
        "input[type='password'][name='password']",
    );
    let field = fields.first()?;
    Some(
        match field.value().classes().any(|class| class == "is-invalid") {
            true => PasswordPage::Refused,
            false => PasswordPage::Asks,
        },
    )
}

/// The table of keys, without the portal's own. `None` when it is another page.
pub fn keys(html: &str, tenancy: &str) -> Option<Vec<KeyRow>> {
    let page = Html::parse_document(html);
    let tables = select(page.root_element(), "table");
    let (table, columns) = tables
        .iter()
        .find_map(|table| Some((*table, Columns::of(*table)?)))?;
    let rows = select(table, "tbody tr").into_iter();
    let keys = rows.filter_map(|row| columns.key(row, tenancy));
    let own = |key: &KeyRow| !key.description.as_deref().is_some_and(tenancy::is_helper);
    Some(keys.filter(own).collect())
}

/// Which column is what, by the words at their heads.
struct Columns {
    key: usize,
    description: Option<usize>,
    created: Option<usize>,
    expires: Option<usize>,
}

impl Columns {
    fn of(table: ElementRef<'_>) -> Option<Self> {
        let heads: Vec<String> = select(table, "thead th")
            .into_iter()
            .map(|head| text(head).to_lowercase())
            .collect();
        let at = |word: &str| heads.iter().position(|head| head == word);
        Some(Self {
            key: at("access key")?,
            description: at("description"),
            created: at("created"),
            expires: at("expires"),
        })
    }

    fn key(&self, row: ElementRef<'_>, tenancy: &str) -> Option<KeyRow> {
        let cells = select(row, "td");
        let cell = |column: Option<usize>| {
            let words = text(*cells.get(column?)?);
            (!words.is_empty()).then_some(words)
        };
        Some(KeyRow {
            access_key_id: cell(Some(self.key))?,
            description: cell(self.description),
            created: cell(self.created).as_deref().and_then(day),
            // The page shows the day only. A key ends when it begins, unless something other than the portal made it.
            expires: cell(self.expires).as_deref().and_then(day),
            scope: Some(tenancy.to_owned()),
        })
    }
}

fn day(text: &str) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(tenancy::start_of(day))
}

/// The new key. `None` when the page shows none.
pub fn created(html: &str) -> Option<Created> {
    let page = Html::parse_document(html);
    let codes = select(page.root_element(), "#key-creation-content code");
    // A third one is part of a warning's words.
    let [access, secret, ..] = codes.as_slice() else {
        return None;
    };
    let (access_key_id, secret) = (text(*access), text(*secret));
    let plain = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
    (plain(&access_key_id) && plain(&secret)).then(|| Created {
        access_key_id,
        secret: secret.into(),
    })
}

/// All of them, in order. The selectors are those above, each of which a test goes through.
fn select<'a>(within: ElementRef<'a>, css: &str) -> Vec<ElementRef<'a>> {
    Selector::parse(css).map_or_else(|_| Vec::new(), |css| within.select(&css).collect())
}

/// An element's words, spaces folded.
fn text(element: ElementRef<'_>) -> String {
    let words: String = element.text().collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const BAR: &str = r##"<!DOCTYPE html><html><body><main id="root"><div id="content-main">
        <div class="navbar"><div class="container"><ul><li><a href="#" class="nav-link dropdown-toggle">
        <i class="fas fa-user"></i>&nbsp; jdoe
        <span class="caret"></span></a><ul><li><a href="/account/logout/">Sign out</a></li></ul></li></ul></div></div>"##;

    #[test]
    fn the_overview_has_cards_or_none() {
        let page = format!(
            r#"{BAR}<div class="card my-3"><div class="card-header"><h3 class="card-title">
            <code>Object-Store: cedadev-o</code></h3></div><div class="card-body"><p>cedadev-o.s3.jc.rl.ac.uk</p>
            <a href="object-store/cedadev-o/">Manage</a></div></div></div></div><footer>"#
        );
        let card = Card {
            name: "cedadev-o".into(),
            location: "cedadev-o.s3.jc.rl.ac.uk".into(),
        };
        assert_eq!(
            overview(&page),
            Some(Overview {
                user: "jdoe".into(),
                cards: vec![card]
            })
        );
        let none = format!("{BAR}<p>You are in no tenancy.</p>");
        assert_eq!(overview(&none).map(|o| o.cards.len()), Some(0));
        assert_eq!(overview("<html><body><h1>502 Bad Gateway</h1>"), None);
        assert_eq!(overview(r#"{"detail":"Not Found"}"#), None);
    }

    #[test]
    fn the_table_is_read_through_stray_end_tags_and_entities() {
        let page = r#"<table><thead><tr><th>Access Key</th><th>Description</th><th>Created</th><th>Status</th>
            <th>Expires</th><th></th></tr></thead><tbody>
            </tr>
            <tr class="table-warning"><td><code>AAA</code></td><td>R&amp;D &lt;b&gt; &#39;x&#39;</td><td>2026-01-02</td>
              <td><i></i> <code>EXPIRING</code></td><td>2026-03-04</td><td><form></form></td></tr>
            </tr>
            <tr><td><code>BBB</code></td><td>JASMIN account auth access key S3</td><td>2026-01-02</td>
              <td><code>ACTIVE</code></td><td>2026-03-04</td></tr>
            <tr><td><code>CCC</code></td><td></td><td>yesterday</td><td><code>ACTIVE</code></td></tr>
            </tbody></table>"#;
        let keys = keys(page, "cedadev-o").unwrap();
        let ids: Vec<&str> = keys.iter().map(|key| key.access_key_id.as_str()).collect();
        assert_eq!(ids, ["AAA", "CCC"]);
        assert_eq!(keys[0].description.as_deref(), Some("R&D <b> 'x'"));
        assert_eq!(
            keys[0].expires.map(|t| t.to_rfc3339()).as_deref(),
            Some("2026-03-04T00:00:00+00:00")
        );
        assert_eq!(
            (&keys[1].description, keys[1].created, keys[1].expires),
            (&None, None, None)
        );
    }

    #[test]
    fn an_empty_table_is_not_another_page() {
        let empty =
            "<table><thead><tr><th>Access Key</th><th>Description</th></tr></thead></table>";
        assert_eq!(keys(empty, "t"), Some(Vec::new()));
        assert_eq!(
            keys("<table><thead><tr><th>Name</th></tr></thead></table>", "t"),
            None
        );
        assert_eq!(keys("", "t"), None);
    }

    #[test]
    fn of_three_codes_the_first_two_are_the_key() {
        let page = r#"<div id="key-creation-content"><p>Access Key: <code>AAA</code></p><p><code>SSS</code></p>
            <p>Keep your <code>S3 Secret Key</code></p></div>"#;
        let key = created(page).unwrap();
        assert_eq!(
            (key.access_key_id.as_str(), key.secret.expose_secret()),
            ("AAA", "SSS")
        );
        for odd in [
            r#"<div id="key-creation-content"><code>AAA</code></div>"#,
            r#"<div id="key-creation-content"><code>AAA</code><code>S3 Secret Key</code></div>"#,
            "<code>AAA</code><code>SSS</code>",
            "",
        ] {
            assert!(created(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn pages_are_told_apart() {
        assert!(is_oops("<h1>Oops! Something went wrong</h1>"));
        assert!(!is_oops("<td>Oops</td>") && !is_oops("{\"detail\":\"Oops\"}"));
        let asks = r#"<input type="password" class="form-control" id="password" name="password">"#;
        assert_eq!(password_page(asks), Some(PasswordPage::Asks));
        let refused = r#"<input type="password" class="form-control is-invalid" name="password"/>
            <div class="invalid-feedback">This password is incorrect</label>"#;
        assert_eq!(password_page(refused), Some(PasswordPage::Refused));
        assert_eq!(
            password_page("<input type='text' name='description'>"),
            None
        );
    }

    mod hostile {
        use proptest::prelude::*;

        use super::super::*;

        proptest! {
            /// Whatever a portal sends, it is read or not, and nobody panics.
            #[test]
            fn no_page_is_too_odd(page in "(<(table|thead|tbody|tr|th|td|code|h1|div)( id=\"key-creation-content\")?>|</(tr|td|table)>|Access Key|Oops|.){0,60}") {
                let _ = (is_oops(&page), overview(&page), password_page(&page), keys(&page, "t"), created(&page).is_some());
            }
        }
    }
}
