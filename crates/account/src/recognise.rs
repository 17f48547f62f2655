//! Which preset a store's address belongs to, for accounts that come with an address only.

use url::Url;

use crate::provider::{IssuerKind, Provider, providers};

/// The preset one of whose addresses has this host, with any words in the places of its fields.
pub fn provider_at(endpoint: &Url) -> Option<&'static Provider> {
    let host = endpoint.host_str()?;
    providers()
        .iter()
        .filter(|provider| provider.issuer != IssuerKind::Practice)
        .find(|provider| {
            let templates = provider.endpoints.iter();
            templates
                .filter_map(|template| host_of(&template.url))
                .any(|pattern| fits(pattern, host))
        })
}

/// A template with `{fields}` is no address yet.
fn host_of(template: &str) -> Option<&str> {
    let (_, rest) = template.split_once("://")?;
    let host = rest.split(['/', ':']).next()?;
    // A template that is nothing but fields would fit everything.
    host.contains('.').then_some(host)
}

fn fits(pattern: &str, host: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('{') else {
        return pattern.eq_ignore_ascii_case(host);
    };
    let Some((_, after)) = rest.split_once('}') else {
        return false;
    };
    let Some(tail) = host.strip_prefix(before) else {
        return false;
    };
    // The field may be anything but nothing.
    (1..=tail.len())
        .filter(|&end| tail.is_char_boundary(end))
        .any(|end| fits(after, &tail[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_its_preset() {
        for (address, preset) in [
            ("https://cedadev-o.s3-ext.jc.rl.ac.uk", Some("jasmin")),
            ("http://cedadev-o.s3.jc.rl.ac.uk", Some("jasmin")),
            ("https://eodata.dataspace.copernicus.eu", Some("copernicus")),
            ("https://s3.eu-west-2.amazonaws.com", Some("aws")),
            ("https://s3.example.org:9000", None),
            ("https://s3-ext.jc.rl.ac.uk", None),
            ("http://127.0.0.1:9", None),
        ] {
            let url = Url::parse(address).expect("a URL");
            let found = provider_at(&url).map(|p| p.id.as_str());
            assert_eq!(found, preset, "{address}");
        }
    }
}
