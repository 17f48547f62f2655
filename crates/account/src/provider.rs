//! Provider presets: what differs from store to store, as data.
//!
//! One file per provider in `providers/`, compiled in. Adding a provider is adding a file; see
//! `docs/ADDING-A-PROVIDER.md`. Nothing else in Wherry asks *who* a store is, only what it can do.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::account::IssuerOptions;

/// How the bucket's name reaches the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// `https://host/bucket/key`: works everywhere but on new AWS regions.
    #[default]
    Path,
    /// `https://bucket.host/key`.
    VirtualHost,
}

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Signing {
    #[default]
    V4,
    /// Signature Version 2, still asked for by some OpenStack sites.
    V2,
    /// No signature: public buckets.
    Anonymous,
}

/// When the SDK adds its own flexible checksums (CRC trailers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum ChecksumMode {
    /// Only where the operation demands one. Ceph, Swarm and others reject the trailers.
    #[default]
    WhenRequired,
    WhenSupported,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum ListVersion {
    V1,
    #[default]
    V2,
}

/// How several objects are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum DeleteMode {
    /// `POST ?delete` with up to 1,000 keys; falls back to single when the store refuses it.
    #[default]
    Many,
    /// One `DELETE` per object: stores that block the bulk request, as Swarm does over quota.
    Single,
}

/// Whether a multipart upload's ETag can be computed from the parts' MD5s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum MultipartEtag {
    /// `md5(md5(part1) md5(part2) …)-n`, as AWS and Ceph do.
    #[default]
    Md5OfParts,
    /// Anything else; the size and the parts' own checks stand in for it.
    Opaque,
}

/// Limits for multipart uploads, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PartLimits {
    /// The smallest part but the last.
    pub min_size: u64,
    pub max_size: u64,
    pub max_parts: u32,
    /// The largest object, however many parts it has.
    pub max_object: u64,
    /// Part size wanted for objects too small to need more, at least `min_size`.
    pub preferred_size: u64,
    /// Part size the site advises for objects of at least `large_from` bytes.
    pub large_size: Option<u64>,
    pub large_from: Option<u64>,
}

impl Default for PartLimits {
    fn default() -> Self {
        Self {
            min_size: 5 << 20,
            max_size: 5 << 30,
            max_parts: 10_000,
            max_object: 5 << 40,
            preferred_size: 8 << 20,
            large_size: None,
            large_from: None,
        }
    }
}

/// Everything about a store's behaviour that requests depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    pub addressing: Addressing,
    pub signing: Signing,
    pub checksums: ChecksumMode,
    pub list_version: ListVersion,
    /// Ask for `encoding-type=url` in listings; off where the store mishandles it.
    pub list_url_encoding: Option<bool>,
    pub delete: DeleteMode,
    pub multipart_etag: MultipartEtag,
    pub parts: PartLimits,
}

/// Which protocol makes keys for this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerKind {
    /// Keys are made elsewhere and typed in.
    #[default]
    None,
    Keystone,
    Practice,
    JasminPortal,
    Swarm,
    S3KeysManager,
    CraySts,
    StsWebIdentity,
    StsLdap,
    StsAssumeRole,
}

/// One address a provider's stores can be reached at; `{name}` is replaced by the field of that name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointTemplate {
    /// What the user reads: "From anywhere", "Inside JASMIN", "WAW4-1".
    pub label: String,
    /// `https://{tenancy}.s3-ext.jc.rl.ac.uk`; empty when the user must type the whole address.
    pub url: String,
    #[serde(default = "default_region")]
    pub region: String,
    /// The issuer that serves this endpoint, where it is known: Keystone's `…/v3` address.
    #[serde(default)]
    pub issuer_url: Option<String>,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

/// A word the user must supply to make the endpoint, such as the tenancy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: String,
    pub label: String,
    #[serde(default)]
    pub placeholder: String,
    #[serde(default)]
    pub hint: String,
}

/// A cluster beside the store, where much data is better moved from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    pub name: String,
    /// The label of the endpoint that reaches the same store from there.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Slurm's words, as the site documents them.
    #[serde(default)]
    pub partition: Option<String>,
    #[serde(default)]
    pub qos: Option<String>,
    /// The longest a job may take: `24:00:00`.
    #[serde(default)]
    pub time: Option<String>,
    #[serde(default)]
    pub cpus: Option<u32>,
    /// What to put for the project that time is booked on.
    #[serde(default)]
    pub account_hint: Option<String>,
    /// Computers made for transfers, without a queue.
    #[serde(default)]
    pub transfer_hosts: Vec<String>,
    /// Whole sentences for somebody who runs something there.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A preset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The file's name without `.toml`: stable, stored in account files.
    #[serde(skip)]
    pub id: String,
    pub name: String,
    /// One sentence for somebody who is choosing.
    pub description: String,
    /// Smaller comes first in the list of places.
    #[serde(default)]
    pub order: u32,
    #[serde(default)]
    pub fields: Vec<Field>,
    pub endpoints: Vec<EndpointTemplate>,
    #[serde(default)]
    pub quirks: Quirks,
    #[serde(default)]
    pub cluster: Option<Cluster>,
    #[serde(default)]
    pub issuer: IssuerKind,
    /// Other ways to a key there, after that one: an older portal, a token service some sites turn on.
    #[serde(default)]
    pub other_issuers: Vec<IssuerKind>,
    /// What that issuer must be told beside its address, where the place's documentation says it.
    #[serde(default)]
    pub issuer_options: IssuerOptions,
    /// One key for each region, which is reset and never deleted, as the place's own dashboard has it.
    #[serde(default)]
    pub key_per_region: bool,
    /// Where the place itself explains keys and endpoints.
    pub help_url: String,
    /// Shown beside the key form: where a user of this place finds a key by hand.
    #[serde(default)]
    pub key_hint: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("the provider preset {id} cannot be read: {source}")]
    Malformed {
        id: String,
        source: Box<toml::de::Error>,
    },
    #[error("the provider preset {id} is not valid: {why}")]
    Invalid { id: String, why: String },
    #[error("please fill in {label}")]
    FieldMissing { name: String, label: String },
    #[error("{label} may only have letters, digits, dots and hyphens")]
    FieldOdd { name: String, label: String },
    #[error("{url} is not an address Wherry can use")]
    Address { url: String },
}

impl Provider {
    /// Parses one preset and checks that it makes sense.
    pub fn parse(id: &str, text: &str) -> Result<Self, ProviderError> {
        let mut provider: Self =
            toml::from_str(text).map_err(|source| ProviderError::Malformed {
                id: id.to_owned(),
                source: Box::new(source),
            })?;
        id.clone_into(&mut provider.id);
        provider.check().map_err(|why| ProviderError::Invalid {
            id: id.to_owned(),
            why,
        })?;
        Ok(provider)
    }

    fn check(&self) -> Result<(), String> {
        if self.endpoints.is_empty() {
            return Err("it names no endpoint".into());
        }
        let samples: BTreeMap<String, String> = self
            .fields
            .iter()
            .map(|f| (f.name.clone(), "sample".to_owned()))
            .collect();
        for endpoint in &self.endpoints {
            if endpoint.url.is_empty() {
                continue;
            }
            self.endpoint(endpoint, &samples)
                .map_err(|e| format!("endpoint {}: {e}", endpoint.label))?;
        }
        if let Some(label) = self.cluster.as_ref().and_then(|c| c.endpoint.as_ref())
            && !self.endpoints.iter().any(|e| e.label == *label)
        {
            return Err(format!(
                "its cluster names an endpoint {label} that is not there"
            ));
        }
        let parts = self.quirks.parts;
        if parts.min_size > parts.preferred_size
            || parts.preferred_size > parts.max_size
            || parts.max_parts == 0
        {
            return Err("its part limits contradict each other".into());
        }
        let help = Url::parse(&self.help_url).map_err(|e| format!("help_url: {e}"))?;
        if help.scheme() != "https" {
            return Err("help_url is not https".into());
        }
        Ok(())
    }

    /// The address by which the place's own cluster reaches the store that has this one elsewhere.
    pub fn address_inside(&self, endpoint: &Url) -> Option<Url> {
        let label = self.cluster.as_ref()?.endpoint.as_ref()?;
        let inside = self.endpoints.iter().find(|e| e.label == *label)?;
        self.endpoints.iter().find_map(|template| {
            let values = self.fields_of(template, endpoint)?;
            self.endpoint(inside, &values).ok()
        })
    }

    /// What was filled in to make this address of the template, if it is one of its.
    fn fields_of(
        &self,
        template: &EndpointTemplate,
        endpoint: &Url,
    ) -> Option<BTreeMap<String, String>> {
        let text = endpoint.as_str().trim_end_matches('/');
        let template = template.url.trim_end_matches('/');
        let Some((before, rest)) = template.split_once('{') else {
            return (text == template && !text.is_empty()).then(BTreeMap::new);
        };
        let (name, after) = rest.split_once('}')?;
        // None has two.
        let value = text.strip_prefix(before)?.strip_suffix(after)?;
        Some(BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    /// Fills a template's fields. They become part of a host name, so nothing else is allowed in.
    pub fn endpoint(
        &self,
        template: &EndpointTemplate,
        values: &BTreeMap<String, String>,
    ) -> Result<Url, ProviderError> {
        let mut text = template.url.clone();
        for field in &self.fields {
            let slot = format!("{{{}}}", field.name);
            if !text.contains(&slot) {
                continue;
            }
            let value = values
                .get(&field.name)
                .map(|v| v.trim())
                .unwrap_or_default();
            if value.is_empty() {
                return Err(ProviderError::FieldMissing {
                    name: field.name.clone(),
                    label: field.label.clone(),
                });
            }
            if !value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
            {
                return Err(ProviderError::FieldOdd {
                    name: field.name.clone(),
                    label: field.label.clone(),
                });
            }
            text = text.replace(&slot, value);
        }
        let url = Url::parse(&text).map_err(|_| ProviderError::Address { url: text.clone() })?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || text.contains('{') {
            return Err(ProviderError::Address { url: text });
        }
        Ok(url)
    }
}

/// The presets compiled in, by file name without `.toml`; the list is made by `build.rs`.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/presets.rs"));

static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    let mut all: Vec<Provider> = FILES
        .iter()
        .filter_map(|(id, text)| {
            Provider::parse(id, text)
                .inspect_err(|e| tracing::error!(%e))
                .ok()
        })
        .collect();
    all.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
    all
});

/// All presets, in the order a chooser shows them.
pub fn providers() -> &'static [Provider] {
    &PROVIDERS
}

/// The preset with this id.
pub fn provider(id: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|p| p.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_in_the_folder_is_compiled_in_and_valid() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/providers");
        let entries = std::fs::read_dir(folder)
            .expect("lists")
            .map(|entry| entry.expect("reads").file_name());
        let mut here: Vec<String> = entries
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        here.sort();
        assert!(here.len() >= 12, "{here:?}");
        let compiled: Vec<String> = FILES.iter().map(|(id, _)| format!("{id}.toml")).collect();
        assert_eq!(compiled, here);
        for (id, text) in FILES {
            let preset = Provider::parse(id, text).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(provider(id), Some(&preset));
            assert!(
                !preset.description.is_empty() && preset.description.len() <= 110,
                "{id}: {}",
                preset.description
            );
        }
        let mut names: Vec<&str> = providers().iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FILES.len(), "two presets share a name");
    }

    #[test]
    fn every_issuer_address_is_one() {
        for preset in providers() {
            for url in preset
                .endpoints
                .iter()
                .filter_map(|endpoint| endpoint.issuer_url.as_deref())
            {
                let url = Url::parse(url).unwrap_or_else(|e| panic!("{}: {url}: {e}", preset.id));
                assert_eq!(url.scheme(), "https", "{}", preset.id);
                let v3 = preset.issuer != IssuerKind::Keystone || url.path() == "/v3";
                assert!(v3, "{}: {url}", preset.id);
            }
        }
    }

    #[test]
    fn a_cluster_has_its_own_address_of_the_same_store() {
        let jasmin = provider("jasmin").expect("is there");
        let inside = |url: &str| {
            let url = Url::parse(url).expect("is one");
            jasmin.address_inside(&url).map(String::from)
        };
        let expected = Some("http://cedadev-o.s3.jc.rl.ac.uk/".to_owned());
        assert_eq!(inside("https://cedadev-o.s3-ext.jc.rl.ac.uk"), expected);
        assert_eq!(inside("http://cedadev-o.s3.jc.rl.ac.uk/"), expected);
        assert_eq!(inside("https://s3.example.org"), None);
    }

    fn jasmin(tenancy: &str, at: usize) -> Result<String, ProviderError> {
        let jasmin = provider("jasmin").expect("is there");
        let values = BTreeMap::from([("tenancy".to_owned(), tenancy.to_owned())]);
        jasmin
            .endpoint(&jasmin.endpoints[at], &values)
            .map(String::from)
    }

    #[test]
    fn a_tenancy_makes_jasmins_two_addresses() {
        assert_eq!(
            jasmin("cedadev-o", 0).expect("is fine"),
            "https://cedadev-o.s3-ext.jc.rl.ac.uk/"
        );
        assert_eq!(
            jasmin(" cedadev-o ", 1).expect("is fine"),
            "http://cedadev-o.s3.jc.rl.ac.uk/"
        );
        assert!(matches!(
            jasmin("", 0),
            Err(ProviderError::FieldMissing { .. })
        ));
        for hostile in ["evil.example/", "a@evil.example#", "a b", "a:b", "ä"] {
            assert!(
                matches!(jasmin(hostile, 0), Err(ProviderError::FieldOdd { .. })),
                "{hostile}"
            );
        }
    }

    #[test]
    fn swarm_is_treated_as_swarm_from_the_start() {
        let quirks = &provider("jasmin").expect("is there").quirks;
        assert_eq!(quirks.list_version, ListVersion::V1);
        assert_eq!(quirks.list_url_encoding, Some(false));
        assert_eq!(quirks.delete, DeleteMode::Single);
        assert_eq!(quirks.multipart_etag, MultipartEtag::Opaque);
        assert!(quirks.parts.large_size >= Some(200_000_000));
    }

    #[test]
    fn only_amazon_gets_the_checksum_trailers() {
        for preset in providers() {
            let amazon = preset.id == "aws";
            assert_eq!(
                preset.quirks.checksums == ChecksumMode::WhenSupported,
                amazon,
                "{}",
                preset.id
            );
            assert_eq!(
                preset.quirks.addressing == Addressing::VirtualHost,
                amazon,
                "{}",
                preset.id
            );
        }
    }

    #[test]
    fn a_preset_with_a_mistake_is_refused_with_the_reason() {
        let good = FILES
            .iter()
            .find(|(id, _)| *id == "jasmin")
            .expect("is there")
            .1;
        for (from, to, reason) in [
            (
                "list_version = \"v1\"",
                "list_verison = \"v1\"",
                "list_verison",
            ),
            (
                "help_url = \"https:",
                "help_url = \"http:",
                "help_url is not https",
            ),
            ("https://{tenancy}", "https://{tenant}", "is not an address"),
            (
                "large_size = 209_715_200",
                "min_size = 0\nmax_size = 1",
                "contradict",
            ),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            let refused = Provider::parse("jasmin", &bad).expect_err(to).to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
