//! Portals: signing in to them, and the life of the keys they make.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AccountView, KeySource, KeyView, Millis, Problem, SigningView, Typed};

/// What a portal must be told beside its address. Empty words count as absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct PortalOptions {
    /// The OpenID Connect issuer where the user signs in, when that is not the portal itself.
    pub oidc_issuer: String,
    pub client_id: String,
    /// Separated by spaces.
    pub scopes: String,
    /// Keystone federation.
    pub identity_provider: String,
    pub protocol: String,
    /// STS.
    pub role_arn: String,
    pub session_name: String,
    /// How long a lent key shall last, in seconds.
    pub duration: Option<u32>,
}

/// How to sign in to a portal.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(
    rename_all = "kebab-case",
    tag = "kind",
    rename_all_fields = "camelCase"
)]
pub enum PortalSignIn {
    Password {
        user: String,
        /// Keystone only.
        domain: String,
        password: Typed,
        totp: Option<String>,
    },
    ApplicationCredential {
        id: String,
        secret: Typed,
    },
    /// A cloud of a file read by `import_clouds`. Its secret stays where it is; where the file
    /// has none, `password` is what the user typed.
    Imported {
        import: String,
        cloud: String,
        password: Option<Typed>,
    },
    /// What `oidc_begin` began and `oidc_wait` saw finished.
    Oidc {
        ticket: String,
    },
    /// What the window that `hosted_sign_in` opened brought back.
    Hosted {
        ticket: String,
    },
    /// An S3 key that may take on a role.
    AccessKey {
        access_key_id: String,
        secret: Typed,
        session_token: Option<Typed>,
    },
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PortalRequest {
    pub issuer: KeySource,
    /// `keystone.example.org:5000` is enough. Ignored for imported clouds, which name their own.
    pub url: String,
    pub sign_in: PortalSignIn,
    #[serde(default)]
    pub options: PortalOptions,
    /// Of a confidential OpenID Connect client.
    #[serde(default)]
    pub client_secret: Option<Typed>,
    pub ca_file: Option<String>,
    pub proxy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum OidcWay {
    /// In the user's own browser, which comes back by itself.
    Browser,
    /// On any device, with a code to type.
    DeviceCode,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OidcRequest {
    pub way: OidcWay,
    /// Which portal this is for, and its address: from them follows where one signs in, if the options do
    /// not say it.
    pub issuer: KeySource,
    pub url: String,
    /// Its `oidc_issuer`, `client_id` and `scopes` count.
    pub options: PortalOptions,
    pub client_secret: Option<Typed>,
    pub ca_file: Option<String>,
    pub proxy: Option<String>,
}

/// A sign-in that goes on in a browser.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OidcPrompt {
    pub ticket: String,
    /// To open in a browser.
    pub address: String,
    /// To type there; absent when the browser comes back by itself.
    pub code: Option<String>,
    pub expires: Option<Millis>,
}

/// What a `clouds.yaml` or an openrc file holds, without its secrets.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImportView {
    /// For [`PortalSignIn::Imported`].
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
    /// What keys can be for: projects, tenancies. One with an empty id where they are for everything.
    pub scopes: Vec<ScopeView>,
    /// The only or default one: start with this.
    pub scope: Option<String>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ScopeView {
    pub id: String,
    pub name: String,
    pub description: String,
    /// The portal wants the password once more before it opens this one.
    pub asks_password: bool,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ScopeRequest {
    pub session: String,
    pub scope: String,
    /// Where [`ScopeView::asks_password`] says so.
    #[serde(default)]
    pub password: Option<Typed>,
}

/// A scope one has chosen: where its objects are, the keys one has for it, and what can be done.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ScopePlaces {
    /// The one that answers from here comes first.
    pub endpoints: Vec<PortalEndpoint>,
    pub keys: Vec<PortalKey>,
    pub rules: KeyRules,
    /// Why the keys are not listed.
    pub cannot_list: Option<Problem>,
    /// Why a key cannot be made with this sign-in: greyed out with this reason.
    pub cannot_create: Option<Problem>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PortalEndpoint {
    /// A region's name, or words such as "From anywhere".
    pub region: String,
    pub url: String,
    /// Why it cannot be used from here, as far as a try told; absent when it answers or was not tried.
    pub unreachable: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryRule {
    /// Keys never stop working by themselves.
    None,
    Optional,
    Required,
    /// Always after [`KeyRules::lifetime`].
    Fixed,
}

/// What new keys of a portal can be like.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeyRules {
    pub expiry: ExpiryRule,
    /// With a fixed expiry, in seconds.
    pub lifetime: Option<u64>,
    /// The most characters of a description; absent when keys carry none.
    pub description_most: Option<usize>,
    pub description_required: bool,
    /// Making a key stops the one before from working.
    pub new_key_revokes_old: bool,
    /// Lent for a while and lent anew by Wherry; nothing to list or delete.
    pub lent: bool,
    /// Seconds until a new key may work everywhere; absent when at once.
    pub takes_effect_within: Option<u64>,
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
    pub scope_id: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PortalAccount {
    pub session: String,
    pub scope: String,
    pub region: String,
    /// From the portal, or as the user corrected it.
    pub endpoint: String,
    pub name: String,
    pub provider: String,
    pub signing: Option<SigningView>,
    /// Store's own certificate authority; the one used for signing in when absent.
    pub ca_file: Option<String>,
    #[serde(default)]
    pub wish: KeyWishForm,
}

/// What a new key shall be like, as far as [`KeyRules`] allow a wish.
#[derive(Debug, Clone, Default, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyWishForm {
    pub description: Option<String>,
    pub expires: Option<Millis>,
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
    /// What else is to be said: "It can take some minutes until the key works."
    pub note: Option<String>,
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
    /// Absent for keys that were typed in.
    pub rules: Option<KeyRules>,
    /// Absent when the portal can be asked now; else why not, with the remedy (sign in).
    pub cannot_list: Option<Problem>,
    pub cannot_create: Option<Problem>,
    pub cannot_delete: Option<Problem>,
    /// A new secret for the same access key id.
    pub cannot_reset: Option<Problem>,
    /// A new key in the place of this account's, the old one deleted.
    pub cannot_rotate: Option<Problem>,
    /// Where this account's secret is kept, in words.
    pub kept: String,
    /// Where there is one key per region: all of the place's regions.
    pub regions: Vec<RegionKey>,
}

/// A region of a place that has one key for each.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RegionKey {
    pub region: String,
    pub endpoint: String,
    /// The account here that has this region's key; absent when it is not configured.
    pub account: Option<String>,
    pub account_name: Option<String>,
    pub access_key_id: Option<String>,
    pub created: Option<Millis>,
    /// Signs in elsewhere: another sign-in is needed before a key can be made.
    pub other_sign_in: bool,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RegionRef {
    /// Any account of the place, signed in.
    pub account: String,
    pub region: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeyDeleted {
    /// In words: gone from the portal, and that the store may honour it for some minutes yet.
    pub words: String,
    pub was_already_gone: bool,
}

/// Signing in again to the portal of an account that is there already.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AccountSignIn {
    pub account: String,
    pub sign_in: PortalSignIn,
    /// For the scope, where the portal asks for it once more and `sign_in` has none.
    #[serde(default)]
    pub password: Option<Typed>,
    #[serde(default)]
    pub client_secret: Option<Typed>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    pub account: String,
    pub access_key_id: String,
}

/// A key that was made, whose secret was lost on the way.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OrphanRef {
    pub session: String,
    pub access_key_id: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NewKeyRequest {
    pub account: String,
    #[serde(default)]
    pub wish: KeyWishForm,
}

/// How a rotation went. The account works in every case.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    pub new_key: NewKey,
    pub old_access_key_id: String,
    /// Why the old key is still there, when it could not be deleted.
    pub old_key_left: Option<Problem>,
    /// What was done, in words.
    pub words: String,
}
