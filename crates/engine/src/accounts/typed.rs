//! What people type into the form of an account: addresses, a certificate file, a proxy.

use std::path::PathBuf;

use url::Url;
use wherry_account::Provider;

use crate::contract::{AccountForm, Problem};

pub(super) fn endpoint(preset: &Provider, form: &AccountForm) -> Result<(Url, String), Problem> {
    let template = form
        .endpoint_index
        .and_then(|i| preset.endpoints.get(i))
        .or_else(|| preset.endpoints.first());
    let typed = form
        .endpoint
        .as_deref()
        .map(str::trim)
        .filter(|t| !t.is_empty());
    let url = match (typed, template) {
        (Some(text), _) => parse_endpoint(text)?,
        (None, Some(template)) if !template.url.is_empty() => {
            preset.endpoint(template, &form.fields)?
        }
        _ => {
            return Err(Problem::new(
                "accounts.endpoint",
                "The store's address is missing.",
                "An endpoint looks like https://s3.example.org, with a port if there is one.",
            )
            .context("field", "endpoint"));
        }
    };
    let region = form
        .region
        .as_deref()
        .map(str::trim)
        .filter(|r| !r.is_empty());
    let region = region.map_or_else(
        || template.map_or_else(|| "us-east-1".to_owned(), |t| t.region.clone()),
        str::to_owned,
    );
    Ok((url, region))
}

/// A bare host means https. What people paste beside the host is told apart rather than dropped.
pub(crate) fn parse_endpoint(text: &str) -> Result<Url, Problem> {
    let wrong = |what: String, todo: &str| {
        Err(Problem::new("accounts.endpoint", what, todo).context("field", "endpoint"))
    };
    let shape = "An endpoint looks like https://s3.example.org, with a port if there is one.";
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let shown = crate::names::visible(text);
    let Ok(mut url) = Url::parse(&full) else {
        return wrong(format!("“{shown}” is not an address."), shape);
    };
    if url.scheme() == "s3" {
        return wrong(
            "That is the path of a bucket, not the address of a store.".into(),
            shape,
        );
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return wrong(
            format!("“{shown}” is not an address Wherry can use."),
            shape,
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(
            "The address has a user name or password in it.".into(),
            "Leave them out; the access key id and the secret have fields of their own.",
        );
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return wrong(
            "The address has something after the host name.".into(),
            "Enter only the store's own address; buckets are opened afterwards.",
        );
    }
    url.set_path("/");
    Ok(url)
}

pub(crate) fn ca_file(text: Option<&str>) -> Result<Option<PathBuf>, Problem> {
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(text);
    let wrong = |why: String| {
        Problem::new(
            "accounts.ca-file",
            why,
            "Choose a PEM file: it begins with -----BEGIN CERTIFICATE-----.",
        )
        .context("file", text)
        .context("field", "caFile")
    };
    let content = std::fs::read(&path)
        .map_err(|e| wrong(format!("The certificate file cannot be read: {e}.")))?;
    if !String::from_utf8_lossy(&content).contains("-----BEGIN CERTIFICATE-----") {
        return Err(wrong("The certificate file holds no certificate.".into()));
    }
    Ok(Some(path))
}

pub(crate) fn proxy(text: Option<&str>) -> Result<Option<Url>, Problem> {
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    Url::parse(text)
        .ok()
        .filter(|u| {
            matches!(
                u.scheme(),
                "http" | "https" | "socks5" | "socks5h" | "socks4" | "socks4a"
            ) && u.host().is_some()
        })
        .map(Some)
        .ok_or_else(|| {
            Problem::new(
                "accounts.proxy",
                "That is not the address of a proxy.",
                "It looks like http://proxy.example.org:3128 or socks5://127.0.0.1:1080.",
            )
            .context("field", "proxy")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_as_people_type_them() {
        let ok = |text| {
            parse_endpoint(text)
                .map(|u| u.to_string())
                .map_err(|p| p.what)
        };
        assert_eq!(ok("s3.example.org"), Ok("https://s3.example.org/".into()));
        assert_eq!(
            ok("http://127.0.0.1:9000/"),
            Ok("http://127.0.0.1:9000/".into())
        );
        for bad in [
            "https://s3.example.org/bucket",
            "s3://bucket",
            "ftp://x",
            "https://a:b@host",
            "https://",
            "not an address",
        ] {
            assert!(ok(bad).is_err(), "{bad}");
        }
    }
}
