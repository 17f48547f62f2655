//! The places an account can be at, as the window offers them.

use wherry_account::{IssuerKind, providers};

use crate::contract::{EndpointView, FieldView, KeySource, ProviderView};

pub(crate) fn provider_views() -> Vec<ProviderView> {
    providers()
        .iter()
        .filter(|p| p.issuer != IssuerKind::Practice)
        .map(|p| ProviderView {
            id: p.id.clone(),
            name: p.name.clone(),
            description: p.description.clone(),
            fields: p
                .fields
                .iter()
                .map(|f| FieldView {
                    name: f.name.clone(),
                    label: f.label.clone(),
                    placeholder: f.placeholder.clone(),
                    hint: f.hint.clone(),
                })
                .collect(),
            endpoints: p
                .endpoints
                .iter()
                .map(|e| EndpointView {
                    label: e.label.clone(),
                    url: e.url.clone(),
                    region: e.region.clone(),
                    issuer_url: e.issuer_url.clone(),
                })
                .collect(),
            signing: p.quirks.signing.into(),
            addressing: p.quirks.addressing.into(),
            key_sources: std::iter::once(p.issuer)
                .filter(|issuer| *issuer != IssuerKind::None)
                .chain(p.other_issuers.iter().copied())
                .map(KeySource::from)
                .chain([KeySource::Typed])
                .collect(),
            issuer_options: (&p.issuer_options).into(),
            key_per_region: p.key_per_region,
            help_url: p.help_url.clone(),
            key_hint: p.key_hint.clone(),
        })
        .collect()
}
