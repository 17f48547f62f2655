//! From what somebody typed to a portal's address.

use url::{Host, Url};
use wherry_store::ErrorKind;

use crate::error::PortalError;

/// Tries what was typed; without a scheme over HTTPS first. `look` says what is at an address, or at one
/// beside it that it prefers.
pub async fn discover<T, F>(
    typed: &str,
    parse: impl Fn(&str) -> Result<Url, PortalError>,
    look: impl Fn(Url) -> F,
) -> Result<(Url, T), PortalError>
where
    F: Future<Output = Result<(Url, T), PortalError>>,
{
    let typed = typed.trim();
    if typed.contains("://") {
        return look(parse(typed)?).await;
    }
    let refused = match look(parse(&format!("https://{typed}"))?).await {
        Err(refused) => refused,
        found => return found,
    };
    // Without encryption only where nobody can listen, or because the user wrote http:// themselves.
    let plain_may_do = matches!(
        refused,
        PortalError::Connection {
            kind: ErrorKind::Tls | ErrorKind::Unreachable | ErrorKind::Interrupted,
            ..
        }
    );
    if !plain_may_do {
        return Err(refused);
    }
    match look(parse(&format!("http://{typed}"))?).await {
        Ok((url, found)) if is_loopback(&url) => Ok((url, found)),
        Ok((url, _)) => Err(PortalError::OnlyUnencrypted { url }),
        Err(_) => Err(refused),
    }
}

/// An address without what does not belong into one; `text` is what was typed, with a scheme.
pub fn parse(typed: &str, text: &str) -> Result<Url, PortalError> {
    let odd = |why| PortalError::Address {
        typed: typed.to_owned(),
        why,
    };
    if typed.trim().is_empty() {
        return Err(odd("it is empty"));
    }
    let mut url = Url::parse(text.trim()).map_err(|_| odd("it is not a web address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(odd("it must begin with http:// or https://"));
    }
    if url.host_str().unwrap_or_default().is_empty() {
        return Err(odd("it names no server"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(odd(
            "a user name and password do not belong into an address",
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// As [`parse`], over HTTPS unless a scheme was typed.
pub fn secure(typed: &str) -> Result<Url, PortalError> {
    let typed = typed.trim();
    if typed.contains("://") {
        parse(typed, typed)
    } else {
        parse(typed, &format!("https://{typed}"))
    }
}

/// An address below another. Segments are escaped, so that an id from outside stays one segment.
pub fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_computer_counts_as_safe_without_encryption() {
        for (url, safe) in [
            ("http://127.0.0.1:5000", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:5000", true),
            ("http://localhost:5000", true),
            ("http://keystone.localhost", true),
            ("http://192.168.1.1", false),
            ("http://localhost.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("http://notlocalhost", false),
        ] {
            assert_eq!(is_loopback(&url.parse().expect("a URL")), safe, "{url}");
        }
    }

    #[test]
    fn an_address_is_taken_as_people_write_it() {
        for (typed, url) in [
            (
                " portal.example.org/api/ ",
                "https://portal.example.org/api",
            ),
            ("http://127.0.0.1:80/", "http://127.0.0.1/"),
            ("HTTPS://P.Example.org/a?x=1#y", "https://p.example.org/a"),
        ] {
            assert_eq!(secure(typed).expect("is fine").as_str(), url, "{typed}");
        }
        for odd in [
            "",
            "  ",
            "ftp://x",
            "https://",
            "https://user:pw@host",
            "a b",
        ] {
            assert!(secure(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_comes_from_outside_stays_one_segment() {
        let base = secure("https://p.example/api/").expect("is fine");
        assert_eq!(
            below(&base, &["keys", "../a?b/c"]).as_str(),
            "https://p.example/api/keys/..%2Fa%3Fb%2Fc"
        );
    }
}
