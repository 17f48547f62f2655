//! One alias in mc's `config.json`, and everything else in it byte for byte as it was.
//!
//! A JSON writer would keep the meaning and lose the user's layout, so that the text is cut at the
//! places where a real parser says the values are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ini::Malformed;

const NO_ALIASES: &str = "is no configuration of mc";

#[derive(Deserialize)]
struct Config<'a> {
    /// Go's reader takes a missing or null map for an empty one.
    #[serde(borrow, default)]
    aliases: Option<&'a RawValue>,
}

type Aliases<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// A whole file with this alias only.
pub(super) fn alone(name: &str, alias: &str) -> Zeroizing<String> {
    let alias = indent(alias, "    ", "  ", "\n");
    Zeroizing::new(format!(
        "{{\n  \"version\": \"10\",\n  \"aliases\": {{\n    \"{name}\": {}\n  }}\n}}\n",
        alias.as_str()
    ))
}

/// The alias of this name, as text.
pub(super) fn find<'a>(text: &'a str, name: &str) -> Result<Option<&'a str>, Malformed> {
    let Some((_, aliases)) = aliases(text)? else {
        return Ok(None);
    };
    Ok(aliases.get(name).map(|raw| raw.get()))
}

/// The file with the alias put in, in place of the one of this name or at the end.
pub(super) fn put(text: &str, name: &str, alias: &str) -> Result<Zeroizing<String>, Malformed> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    // mc writes tabs.
    let step = if text.contains("\n\t") { "\t" } else { "  " };
    let outer = step.repeat(2);
    let alias = indent(alias, &outer, step, newline);
    let member = Zeroizing::new(format!("\"{name}\": {}", alias.as_str()));
    let around = |at: std::ops::Range<usize>, new: &str| {
        Zeroizing::new(format!("{}{new}{}", &text[..at.start], &text[at.end..]))
    };
    let Some((whole, aliases)) = aliases(text)? else {
        let map = Zeroizing::new(format!(
            "{{{newline}{outer}{}{newline}{step}}}",
            member.as_str()
        ));
        return without_aliases(text, &map, step, newline);
    };
    if let Some(old) = aliases.get(name) {
        return Ok(around(span(text, old.get()), &alias));
    }
    let map = &text[whole.clone()];
    // Before the white space that stands before the closing brace.
    let inside = map.trim_end_matches('}').trim_end().len();
    let comma = if aliases.is_empty() { "" } else { "," };
    let tail = if aliases.is_empty() {
        format!("{newline}{step}")
    } else {
        map[inside..map.len() - 1].to_owned()
    };
    let at = whole.start + inside..whole.end - 1;
    let new = Zeroizing::new(format!("{comma}{newline}{outer}{}{tail}", member.as_str()));
    Ok(around(at, &new))
}

/// `aliases` is missing or null.
fn without_aliases(
    text: &str,
    map: &str,
    step: &str,
    newline: &str,
) -> Result<Zeroizing<String>, Malformed> {
    let members: BTreeMap<Cow<'_, str>, &RawValue> = parse(text)?;
    if let Some(null) = members.get("aliases") {
        let at = span(text, null.get());
        return Ok(Zeroizing::new(format!(
            "{}{map}{}",
            &text[..at.start],
            &text[at.end..]
        )));
    }
    let end = text.rfind('}').unwrap_or(text.len());
    let before = text[..end].trim_end();
    let comma = if members.is_empty() { "" } else { "," };
    Ok(Zeroizing::new(format!(
        "{before}{comma}{newline}{step}\"aliases\": {map}{newline}{}",
        &text[end..]
    )))
}

type Found<'a> = (std::ops::Range<usize>, Aliases<'a>);

fn aliases(text: &str) -> Result<Option<Found<'_>>, Malformed> {
    let config: Config<'_> = parse(text)?;
    let Some(raw) = config.aliases.filter(|raw| raw.get() != "null") else {
        return Ok(None);
    };
    let at = span(text, raw.get());
    let line = text[..at.start].matches('\n').count() + 1;
    let map = serde_json::from_str(raw.get()).map_err(|_| Malformed {
        line,
        what: NO_ALIASES,
    })?;
    Ok(Some((at, map)))
}

/// The parser's own words may quote a secret, so only its line is told.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Malformed> {
    serde_json::from_str(text).map_err(|error| Malformed {
        line: error.line().max(1),
        what: if error.is_data() {
            NO_ALIASES
        } else {
            "is not valid JSON"
        },
    })
}

/// Where a borrowed piece is in the text it was borrowed from.
fn span(text: &str, piece: &str) -> std::ops::Range<usize> {
    let start = piece.as_ptr().addr() - text.as_ptr().addr();
    start..start + piece.len()
}

/// Pretty JSON of two spaces, as deep in a file as `outer` is.
fn indent(json: &str, outer: &str, step: &str, newline: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::new());
    for (index, line) in json.lines().enumerate() {
        if index > 0 {
            let depth = (line.len() - line.trim_start().len()) / 2;
            out.push_str(newline);
            out.push_str(outer);
            out.push_str(&step.repeat(depth));
        }
        out.push_str(line.trim_start());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIAS: &str = "{\n  \"url\": \"https://new\"\n}";

    #[test]
    fn an_alias_is_added_and_replaced_and_nothing_else_moves() {
        let text = "{\n\t\"version\": \"10\",\n\t\"odd\":   [1,2 ],\n\t\"aliases\": {\n\t\t\"a\": {\"url\":\"https://a\"},\n\t\t\"b\": {\n\t\t\t\"url\": \"https://b\"\n\t\t}\n\t}\n}\n";
        let added = put(text, "lab", ALIAS).expect("puts");
        let new = "{\n\t\t\t\"url\": \"https://new\"\n\t\t}";
        assert_eq!(
            added.as_str(),
            text.replace(
                "\"https://b\"\n\t\t}\n",
                &format!("\"https://b\"\n\t\t}},\n\t\t\"lab\": {new}\n")
            )
        );
        let replaced = put(text, "a", ALIAS).expect("puts");
        assert_eq!(
            replaced.as_str(),
            text.replace("{\"url\":\"https://a\"}", new)
        );
        assert_eq!(find(&added, "lab").expect("reads"), Some(new));
        assert_eq!(find(text, "lab").expect("reads"), None);
    }

    #[test]
    fn a_file_without_aliases_gets_them() {
        for text in [
            "{}",
            "{\"aliases\": {}}",
            "{\"version\":\"10\"}\n",
            "{\"aliases\":null,\"version\":\"10\"}",
            "{\r\n \"aliases\" : { } }",
        ] {
            let out = put(text, "lab", ALIAS).expect(text);
            let value: serde_json::Value = serde_json::from_str(&out).expect(&out);
            assert_eq!(value["aliases"]["lab"]["url"], "https://new", "{out:?}");
            assert_eq!(
                value.get("version").is_some(),
                text.contains("version"),
                "{out:?}"
            );
        }
    }

    #[test]
    fn what_is_no_configuration_is_left_alone() {
        for (text, line) in [
            ("", 1),
            (
                "{\"aliases\": {\"a\": {\n\"secretKey\": \"hunter2\n\"}}}",
                2,
            ),
            ("[1]", 1),
            ("{\n\n\"aliases\": \"hunter2\"}", 3),
            ("{\"aliases\": {}, \"aliases\": {}}", 1),
        ] {
            let error = put(text, "lab", ALIAS).map(|_| ()).expect_err(text);
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn alone_it_is_a_configuration() {
        let value: serde_json::Value = serde_json::from_str(&alone("lab", ALIAS)).expect("parses");
        assert_eq!(value["aliases"]["lab"]["url"], "https://new");
        assert_eq!(value["version"], "10");
    }
}
