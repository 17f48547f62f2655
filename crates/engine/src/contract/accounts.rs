//! Accounts, the places they can be at, and the life of their keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Millis, Problem, Typed};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SigningView {
    V4,
    V2,
    Anonymous,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum AddressingView {
    Path,
    VirtualHost,
}

/// How keys for a place are got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// Typed in by the user.
    Typed,
    /// Wherry signs in to OpenStack Keystone and makes one.
    Keystone,
    /// Made by the practice store.
    Practice,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProviderView {
    pub id: String,
    pub name: String,
    pub description: String,
    pub fields: Vec<FieldView>,
    pub endpoints: Vec<EndpointView>,
    pub signing: SigningView,
    pub addressing: AddressingView,
    /// The first is the best; a key can always be typed in.
    pub key_sources: Vec<KeySource>,
    pub help_url: String,
    pub key_hint: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FieldView {
    pub name: String,
    pub label: String,
    pub placeholder: String,
    pub hint: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EndpointView {
    pub label: String,
    /// With `{field}` slots; empty when the user types the whole address.
    pub url: String,
    pub region: String,
    /// Keystone's address for this endpoint, where it is known.
    pub issuer_url: Option<String>,
}

/// Where an account's store is, as the form has it.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AccountForm {
    pub name: String,
    pub provider: String,
    /// Index into the provider's endpoints, for its template; ignored when `endpoint` is given.
    pub endpoint_index: Option<usize>,
    pub fields: BTreeMap<String, String>,
    /// A whole address: `https://s3.example.org`; a bare host means https.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub signing: Option<SigningView>,
    pub addressing: Option<AddressingView>,
    /// Empty for anonymous.
    pub access_key_id: String,
    /// Absent when editing an account whose secret stays as it is.
    pub secret: Option<Typed>,
    pub session_token: Option<Typed>,
    pub ca_file: Option<String>,
    pub proxy: Option<String>,
    /// When the key stops working, as its maker said.
    pub expires: Option<Millis>,
    /// The account being edited, when one is tried: its kept secret is used when none is typed.
    #[serde(default)]
    #[ts(optional)]
    pub editing: Option<String>,
}

/// What a store said to an account that is not saved yet.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AccountTest {
    /// Whether it can be saved with good hope.
    pub ok: bool,
    /// Why not; or, with `ok`, what was odd (buckets may not be listed, the clock is off).
    pub problem: Option<Problem>,
    /// The address in full, as Wherry understood it.
    pub endpoint: String,
    /// Absent when this key may not list them.
    pub buckets: Option<Vec<String>>,
    /// Store's clock minus this computer's, in seconds, when it matters.
    pub clock_offset: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Nothing is known against it.
    Fine,
    /// 14 days or less.
    Expiring,
    Expired,
    /// Its portal no longer has it; the store may honour it for some minutes yet.
    DeletedAtPortal,
    /// The store refuses it.
    Refused,
    /// The secret is not in the vault: the user is asked ("ask me each time"), or it was lost.
    SecretMissing,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    pub access_key_id: Option<String>,
    pub created: Option<Millis>,
    pub expires: Option<Millis>,
    pub days_left: Option<i64>,
    pub state: KeyState,
    /// The state in words, for people: "expires in 3 days".
    pub words: String,
    /// Can Wherry make another one?
    pub source: KeySource,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    pub id: String,
    pub name: String,
    pub provider: String,
    pub provider_name: String,
    pub endpoint: String,
    pub region: String,
    pub signing: SigningView,
    pub addressing: AddressingView,
    pub ca_file: Option<String>,
    pub proxy: Option<String>,
    pub key: KeyView,
    /// "alice in demo at keystone.example.org", for accounts whose key was made here.
    pub issuer: Option<IssuerView>,
    pub opened_buckets: Vec<String>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct IssuerView {
    pub url: String,
    pub user: String,
    pub domain: String,
    pub project_id: String,
    pub project_name: String,
    pub region: String,
    /// A sign-in is still good: keys can be listed without the password.
    pub signed_in: bool,
}

/// How to sign in to Keystone.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(
    rename_all = "kebab-case",
    tag = "kind",
    rename_all_fields = "camelCase"
)]
pub enum KeystoneSignIn {
    Password {
        user: String,
        domain: String,
        password: Typed,
        totp: Option<String>,
    },
    ApplicationCredential {
        id: String,
        secret: Typed,
    },
    /// A cloud of a file read by `keystone_import`. Its secret stays where it is; where the file
    /// has none, `password` is what the user typed.
    Imported {
        import: String,
        cloud: String,
        password: Option<Typed>,
    },
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeystoneRequest {
    /// `keystone.example.org:5000` is enough. Ignored for imported clouds, which name their own.
    pub url: String,
    pub sign_in: KeystoneSignIn,
    pub ca_file: Option<String>,
    pub proxy: Option<String>,
}

/// What a `clouds.yaml` or an openrc file holds, without its secrets.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImportView {
    /// For [`KeystoneSignIn::Imported`].
    pub import: String,
    pub file: String,
    pub clouds: Vec<CloudView>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CloudView {
    pub name: String,
    pub url: String,
    pub user: String,
    pub domain: String,
    pub project: String,
    pub region: String,
    /// "password", "application credential", …
    pub method: String,
    pub has_secret: bool,
    /// What Wherry did not take from the file, in words.
    pub notes: Vec<String>,
    /// Set when this cloud cannot be used here, with the reason.
    pub unusable: Option<String>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Names this sign-in in later calls; the token stays in Rust.
    pub session: String,
    pub user: String,
    pub projects: Vec<ProjectView>,
    /// The only or default project: start with this one.
    pub project: Option<String>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProjectView {
    pub id: String,
    pub name: String,
    pub description: String,
}

/// A project one has chosen: where its objects are, and the keys one has for it.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProjectPlaces {
    pub endpoints: Vec<CatalogEndpoint>,
    pub keys: Vec<PortalKey>,
    /// Why a key cannot be made with this sign-in: greyed out with this reason.
    pub cannot_create: Option<Problem>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CatalogEndpoint {
    pub region: String,
    pub url: String,
}

/// A key as its portal lists it.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PortalKey {
    pub access_key_id: String,
    pub description: Option<String>,
    pub created: Option<Millis>,
    pub expires: Option<Millis>,
    /// The account here that uses it.
    pub used_by: Option<String>,
    pub project_id: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeystoneAccount {
    pub session: String,
    pub project: String,
    pub region: String,
    /// From the catalog, or as the user corrected it.
    pub endpoint: String,
    pub name: String,
    pub provider: String,
    pub signing: Option<SigningView>,
    /// Store's own certificate authority; the one used for signing in when absent.
    pub ca_file: Option<String>,
}

/// A key was born. Its secret is in the vault; `reveal` buys one look at it.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    pub account: AccountView,
    pub access_key_id: String,
    pub reveal: String,
    /// "in your keychain (GNOME Keyring)", "in memory until you quit".
    pub kept: String,
}

/// The one look. Asking again with the same ticket is refused.
#[derive(Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Revealed {
    pub access_key_id: String,
    pub secret: String,
}

/// What one can do about the keys of an account, and the keys themselves.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeysView {
    pub key: KeyView,
    /// Empty until signed in.
    pub keys: Vec<PortalKey>,
    /// Absent when the portal can be asked now; else why not, with the remedy (sign in).
    pub cannot_list: Option<Problem>,
    pub cannot_create: Option<Problem>,
    pub cannot_delete: Option<Problem>,
    /// Where this account's secret is kept, in words.
    pub kept: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeyDeleted {
    /// In words: gone from the portal, and that the store may honour it for some minutes yet.
    pub words: String,
    pub was_already_gone: bool,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AccountEdit {
    pub account: String,
    pub form: AccountForm,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct GivenSecret {
    pub account: String,
    pub secret: Typed,
    pub session_token: Option<Typed>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProjectRequest {
    pub session: String,
    pub project: String,
}

/// Signing in again to the portal of an account that is there already.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AccountSignIn {
    pub account: String,
    pub sign_in: KeystoneSignIn,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    pub account: String,
    pub access_key_id: String,
}
