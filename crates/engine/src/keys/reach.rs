//! Which of a portal's store addresses can be used from here.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use wherry_account::IssuerKind;
use wherry_portal::PortalSession;
use wherry_store::HttpSettings;

use crate::contract::PortalEndpoint;

/// An address behind a firewall swallows packets, so a silence this long counts as no.
const PATIENCE: Duration = Duration::from_secs(4);

/// The endpoints, those that answer first. Tried only where several addresses lead to the same data
/// and which one works depends on where one is; elsewhere each is a region of its own.
pub(super) async fn places(
    session: &Arc<dyn PortalSession>,
    http: &HttpSettings,
) -> Vec<PortalEndpoint> {
    let endpoints = session.endpoints();
    let same_data = matches!(session.kind(), IssuerKind::JasminPortal | IssuerKind::Swarm);
    if !same_data || endpoints.len() < 2 {
        return endpoints.into_iter().map(PortalEndpoint::from).collect();
    }
    let client = wherry_store::http::client(http).ok();
    let tries = endpoints.into_iter().map(|endpoint| {
        let client = client.clone();
        async move {
            let unreachable = match client {
                Some(client) => {
                    let asked = client.head(endpoint.url.clone()).timeout(PATIENCE).send();
                    // Any answer will do: without a key it is a refusal.
                    asked.await.err().map(|error| {
                        if error.is_timeout() {
                            "It does not answer from here.".to_owned()
                        } else {
                            let (_, words) = wherry_store::http::explain(&error);
                            crate::problem::sentence(&words)
                        }
                    })
                }
                None => None,
            };
            PortalEndpoint {
                unreachable,
                ..PortalEndpoint::from(endpoint)
            }
        }
    });
    let mut found = join_all(tries).await;
    // Stable: of two that answer, the portal's order holds.
    found.sort_by_key(|endpoint| endpoint.unreachable.is_some());
    found
}
