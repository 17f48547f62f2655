//! Accounts and the places they can be at.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Millis, PortalOptions, Problem, Typed};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// Typed in by the user.
    Typed,
    /// Made by the practice store.
    Practice,
    /// The others: Wherry signs in to a portal, which makes or lends one.
    Keystone,
    JasminPortal,
    Swarm,
    S3KeysManager,
    CraySts,
    StsWebIdentity,
    StsLdap,
    StsAssumeRole,
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
    /// What the portal must be told beside its address, where the place says it.
    pub issuer_options: PortalOptions,
    /// There is one key for each of the place's regions, which is reset and never deleted.
    pub key_per_region: bool,
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
    /// The portal's address for this endpoint, where it is known.
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
    /// When this computer's Wherry last opened the store with it.
    pub last_used: Option<Millis>,
    /// It is lent for a while, and lent anew before it runs out.
    pub lent: bool,
    /// Wherry does that by itself; else the user is asked to sign in.
    pub renewed_alone: bool,
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
    pub kind: KeySource,
    pub url: String,
    pub user: String,
    pub domain: String,
    /// Keystone's project, JASMIN's tenancy; empty where keys are for everything.
    pub scope_id: String,
    pub scope_name: String,
    pub region: String,
    pub options: PortalOptions,
    /// A sign-in is still good: keys can be listed without the password.
    pub signed_in: bool,
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
