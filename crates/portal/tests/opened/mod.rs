//! Whether a key that a portal gave out opens a real store.

use url::Url;
use wherry_portal::IssuedKey;
use wherry_store::{Credentials, ObjectStore as _, S3Config, S3Store, StoreError};

/// A store as the JASMIN preset has it: Swarm's ways.
pub fn store(endpoint: &Url, key: &IssuedKey) -> S3Store {
    let credentials = Credentials {
        access_key_id: key.access_key_id.clone(),
        secret: key.secret.access_key().clone(),
        session_token: key.secret.session_token().cloned(),
    };
    let preset = wherry_account::provider("jasmin").expect("is a preset");
    S3Store::new(S3Config {
        quirks: preset.quirks.clone(),
        ..S3Config::new(endpoint.clone(), Some(credentials))
    })
    .expect("a store")
}

/// Lists the buckets.
pub async fn at(endpoint: &Url, key: &IssuedKey) -> Result<usize, StoreError> {
    store(endpoint, key)
        .list_buckets()
        .await
        .map(|buckets| buckets.len())
}
