//! A few words of an answer nobody expected, fit to be shown, logged and sent to a support desk.

/// Longer than this, a run of key-like characters may be a secret.
const LONGEST_WORD: usize = 20;
const MOST: usize = 300;

/// The readable part of a body: of HTML the text between the tags, spaces folded, and nothing that
/// may be a key, a secret, a token or a password reset link.
pub fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(64 << 10)]);
    let text = if is_html(&text) {
        without_tags(&text)
    } else {
        text.into_owned()
    };
    let mut short = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
    {
        if short.chars().count() + word.chars().count() > MOST {
            short.push_str(" …");
            break;
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(&hide_secrets(word));
    }
    short
}

fn is_html(text: &str) -> bool {
    let start: String = text
        .trim_start()
        .chars()
        .take(200)
        .collect::<String>()
        .to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.contains("<head")
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        text.push(' ');
        let tag = &rest[open..];
        // What scripts, styles and comments hold is not for people.
        let end = ["<script", "<style", "<!--"]
            .iter()
            .zip(["</script", "</style", "-->"])
            .find(|(start, _)| {
                tag.get(..start.len())
                    .is_some_and(|t| t.eq_ignore_ascii_case(start))
            })
            .map_or_else(
                || tag.find('>'),
                |(_, end)| {
                    let at = tag.to_ascii_lowercase().find(end)?;
                    tag[at..].find('>').map(|more| at + more)
                },
            );
        rest = end.map_or("", |end| &tag[end + 1..]);
    }
    text.push_str(rest);
    text
}

fn hide_secrets(word: &str) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    for c in word.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_alphanumeric() || "+/=_-.~%".contains(c) => run.push(c),
            other => {
                shown.push_str(if run.len() > LONGEST_WORD {
                    "…"
                } else {
                    &run
                });
                run.clear();
                shown.extend(other);
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_their_words() {
        let page = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title><script>steal()</script></head>\n\
            <body><!-- trace --><h1>502 Bad\tGateway</h1><hr>nginx</body></html>";
        assert_eq!(excerpt(page), "502 Bad Gateway 502 Bad Gateway nginx");
        assert_eq!(excerpt(b"<html><script>never closed"), "");
        assert_eq!(excerpt("<html>é<SCRIPT>x</SCRIPT>".as_bytes()), "é");
    }

    #[test]
    fn what_may_be_a_secret_is_left_out() {
        let body = br#"{"access":"0123456789abcdef0123456789abcdef","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCY"}"#;
        assert_eq!(excerpt(body), r#"{"access":"…","secret":"…"}"#);
    }

    #[test]
    fn endless_answers_are_cut() {
        let long = "word ".repeat(100_000);
        assert!(excerpt(long.as_bytes()).chars().count() < MOST + 10);
        assert_eq!(excerpt(&[0xff; 40]).len(), 40 * '\u{fffd}'.len_utf8());
    }
}
