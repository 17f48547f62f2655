//! Portals that are signed in to on their own pages, in a window that holds no power over Wherry.

use url::Url;
use wherry_account::IssuerKind;

use crate::error::PortalError;

/// Where a hosted sign-in begins, and how one sees that it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedPages {
    pub start: Url,
    /// The page one comes to after signing in, on the host of `start`.
    arrived: &'static str,
}

impl HostedPages {
    pub fn is_signed_in(&self, url: &Url) -> bool {
        let home = url.origin() == self.start.origin();
        let path = url.path().trim_end_matches('/');
        home && (path == self.arrived || path.starts_with(&format!("{}/", self.arrived)))
    }
}

/// The pages of a portal of this kind.
///
/// # Errors
/// [`PortalError::Address`] for what is no address, [`PortalError::CannotDo`] for portals that are
/// signed in to in another way.
pub fn hosted_pages(kind: IssuerKind, typed: &str) -> Result<HostedPages, PortalError> {
    if kind != IssuerKind::JasminPortal {
        return Err(crate::session::wrong_proof());
    }
    let typed = typed.trim();
    let full = if typed.contains("://") {
        typed.to_owned()
    } else {
        format!("https://{typed}")
    };
    let no = |why| PortalError::Address {
        typed: typed.to_owned(),
        why,
    };
    let mut start = Url::parse(&full).map_err(|_| no("it is not a web address"))?;
    if !matches!(start.scheme(), "http" | "https") || start.host().is_none() {
        return Err(no("it is not a web address"));
    }
    start.set_query(None);
    start.set_fragment(None);
    // Straight to the sign-in; the portal's own first page has a button that leads here.
    start.set_path("/login/redirect");
    Ok(HostedPages {
        start,
        arrived: "/object-store",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_done_at_the_portal_itself_only() {
        let pages =
            hosted_pages(IssuerKind::JasminPortal, " s3-portal.example.org ").expect("an address");
        assert_eq!(
            pages.start.as_str(),
            "https://s3-portal.example.org/login/redirect"
        );
        for (url, done) in [
            ("https://s3-portal.example.org/object-store", true),
            ("https://s3-portal.example.org/object-store/", true),
            ("https://s3-portal.example.org/object-store/mine-o", true),
            ("https://s3-portal.example.org/object-stores", false),
            ("https://s3-portal.example.org/login", false),
            ("https://accounts.example.org/object-store", false),
            ("http://s3-portal.example.org/object-store", false),
        ] {
            assert_eq!(
                pages.is_signed_in(&url.parse().expect("a URL")),
                done,
                "{url}"
            );
        }
        for odd in ["", "ftp://x", "a b"] {
            assert_eq!(
                hosted_pages(IssuerKind::JasminPortal, odd)
                    .expect_err("is refused")
                    .code(),
                "address"
            );
        }
    }
}
