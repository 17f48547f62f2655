//! From the service catalog to the addresses of S3.
//!
//! A catalog rarely has an entry of type `s3`; what it has is Swift's, on the same gateway. Ceph RGW
//! serves Swift below `/swift/v1` and OpenStack Swift below `/v1/AUTH_…`, and both serve S3 at the
//! root, so what follows is cut off. Sites differ: the address is a proposal that the user may change.

use url::Url;

use super::wire::Service;
use crate::session::S3Endpoint;

pub fn s3_endpoints(catalog: &[Service]) -> Vec<S3Endpoint> {
    let of = |kind: &'static str| {
        let services = catalog.iter().filter(move |service| service.kind == kind);
        services
            .flat_map(|service| &service.endpoints)
            .filter(|endpoint| endpoint.interface == "public")
    };
    let mut found: Vec<S3Endpoint> = Vec::new();
    for (kind, cut) in [("s3", false), ("object-store", true)] {
        let settled: Vec<String> = found.iter().map(|known| known.region.clone()).collect();
        for endpoint in of(kind) {
            let region = endpoint
                .region_id
                .clone()
                .or_else(|| endpoint.region.clone())
                .unwrap_or_default();
            let Some(url) = s3_address(&endpoint.url, cut) else {
                continue;
            };
            let new = S3Endpoint { region, url };
            if !settled.contains(&new.region) && !found.contains(&new) {
                found.push(new);
            }
        }
    }
    found.sort_by(|a, b| (&a.region, a.url.as_str()).cmp(&(&b.region, b.url.as_str())));
    found
}

fn s3_address(text: &str, cut: bool) -> Option<Url> {
    let mut url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_query(None);
    url.set_fragment(None);
    url.host_str().filter(|host| !host.is_empty())?;
    let mut segments: Vec<&str> = url
        .path()
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    if cut {
        let version = segments
            .iter()
            .position(|segment| matches!(*segment, "v1" | "v1.0") || segment.starts_with("AUTH_"));
        segments.truncate(version.unwrap_or(segments.len()));
        if matches!(segments.last(), Some(&"swift")) {
            segments.pop();
        }
    }
    let path = segments.join("/");
    url.set_path(&path);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keystone::wire::Endpoint;

    #[test]
    fn swift_addresses_become_s3_addresses() {
        for (catalog, s3) in [
            (
                "https://s3.waw3-1.cloudferro.com/swift/v1",
                "https://s3.waw3-1.cloudferro.com/",
            ),
            (
                "https://s3.waw3-1.cloudferro.com:443/swift/v1/AUTH_abc/",
                "https://s3.waw3-1.cloudferro.com/",
            ),
            (
                "https://object.example.org:8080/v1/AUTH_0123",
                "https://object.example.org:8080/",
            ),
            (
                "https://example.org/object-store/v1/AUTH_0123",
                "https://example.org/object-store",
            ),
            (
                "http://[::1]:7480/swift/v1.0/AUTH_%28tenant%29s",
                "http://[::1]:7480/",
            ),
            ("https://swift.example.org", "https://swift.example.org/"),
        ] {
            assert_eq!(
                s3_address(catalog, true).map(String::from).as_deref(),
                Some(s3),
                "{catalog}"
            );
        }
        assert_eq!(
            s3_address("https://a.example/v1", false)
                .map(String::from)
                .as_deref(),
            Some("https://a.example/v1")
        );
        for odd in ["", "swift", "ftp://a.example/v1", "https://", "file:///etc"] {
            assert_eq!(s3_address(odd, true), None, "{odd}");
        }
    }

    fn service(kind: &str, endpoints: &[(&str, &str, &str)]) -> Service {
        let endpoints = endpoints.iter().map(|(interface, region, url)| Endpoint {
            interface: (*interface).to_owned(),
            region_id: Some((*region).to_owned()),
            region: None,
            url: (*url).to_owned(),
        });
        Service {
            kind: kind.to_owned(),
            endpoints: endpoints.collect(),
        }
    }

    #[test]
    fn an_s3_entry_goes_before_swifts_in_its_region_only() {
        let catalog = [
            service(
                "object-store",
                &[
                    ("public", "A", "https://swift.a/v1/AUTH_x"),
                    ("public", "B", "https://swift.b/v1/AUTH_x"),
                    ("internal", "B", "http://10.0.0.1/v1/AUTH_x"),
                    ("public", "B", "https://swift.b/swift/v1"),
                ],
            ),
            service("identity", &[("public", "A", "https://keystone.a/v3")]),
            service(
                "s3",
                &[
                    ("public", "A", "https://s3.a"),
                    ("public", "A", "not an address"),
                ],
            ),
        ];
        let found: Vec<_> = s3_endpoints(&catalog)
            .into_iter()
            .map(|e| (e.region, e.url.to_string()))
            .collect();
        let expected = [("A", "https://s3.a/"), ("B", "https://swift.b/")];
        assert_eq!(
            found,
            expected.map(|(region, url)| (region.to_owned(), url.to_owned()))
        );
    }
}
