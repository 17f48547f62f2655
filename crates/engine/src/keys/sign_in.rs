//! Signing in to portals. Passwords are used and forgotten; tokens stay in memory.

use std::sync::Arc;

use secrecy::SecretString;
use wherry_account::import::ImportedCloud;
use wherry_account::{Account, IssuerKind, IssuerOptions};
use wherry_portal::{PortalError, PortalSession, Proof, SignInRequest};
use wherry_store::HttpSettings;
use wherry_vault::Secret;

use super::sessions::Signed;
use super::{cannot, issuer, rules, ticket};
use crate::contract::{
    AccountSignIn, Event, KeySource, KeysView, PortalEndpoint, PortalOptions, PortalRequest,
    PortalSignIn, Problem, Remedy, ScopePlaces, ScopeRequest, ScopeView, SignedIn, Typed,
};
use crate::engine::{Engine, host};
use crate::problem::from_portal;

impl Engine {
    pub(crate) async fn sign_in(&self, request: PortalRequest) -> Result<SignedIn, Problem> {
        let mut http = http_settings(request.ca_file.as_deref(), request.proxy.as_deref())?;
        let mut url = request.url;
        let mut wanted = None;
        if let PortalSignIn::Imported { import, cloud, .. } = &request.sign_in {
            let cloud = self.imported(import, cloud)?;
            url = cloud.auth_url.clone().unwrap_or_default();
            wanted = cloud.project_id.clone().or_else(|| cloud.project.clone());
            if http.ca_file.is_none() {
                http.ca_file.clone_from(&cloud.ca_file);
            }
        }
        let kind = IssuerKind::from(request.issuer);
        let options = issuer_options(&request.options)?;
        let password = typed_password(&request.sign_in);
        let proof = self.proof(request.sign_in, kind)?;
        let failed = |e| from_portal(&e, None);
        let session = wherry_portal::sign_in(SignInRequest {
            kind,
            url,
            http: http.clone(),
            options: options.clone(),
            client_secret: request.client_secret.map(Typed::into_secret),
            proof,
        })
        .await
        .map_err(failed)?;
        let scopes = session.scopes().await.map_err(failed)?;
        let named = |wanted: &String| scopes.iter().find(|s| s.id == *wanted || s.name == *wanted);
        let scope = wanted
            .as_ref()
            .and_then(named)
            .or_else(|| {
                session
                    .scope()
                    .and_then(|own| scopes.iter().find(|s| s.id == own.id))
            })
            .or_else(|| (scopes.len() == 1).then(|| &scopes[0]))
            .map(|s| s.id.clone());
        let user = session.user().to_owned();
        let id = ticket();
        let signed = Signed {
            session,
            http,
            options,
            account: None,
            password,
        };
        self.inner.sessions.put(&id, signed);
        Ok(SignedIn {
            session: id,
            user,
            scopes: scopes
                .into_iter()
                .map(|s| ScopeView {
                    id: s.id,
                    name: s.name,
                    description: s.description,
                    asks_password: s.asks_password,
                })
                .collect(),
            scope,
        })
    }

    pub(crate) async fn choose_scope(&self, request: ScopeRequest) -> Result<ScopePlaces, Problem> {
        let mut signed = self.inner.sessions.get(&request.session)?;
        let password = given(request.password).or_else(|| signed.password.clone());
        signed.session = signed
            .session
            .open(&request.scope, password)
            .await
            .map_err(|e| from_portal(&e, None))?;
        let session = Arc::clone(&signed.session);
        let can = session.capabilities();
        let mut cannot_list = cannot(&can.list, None);
        let mut keys = Vec::new();
        if cannot_list.is_none() {
            match session.list_keys().await {
                Ok(rows) => keys = self.portal_keys(rows, Some(&request.scope))?,
                // Making a key may go on without the list.
                Err(error @ PortalError::RestrictedCredential { .. }) => {
                    cannot_list = Some(from_portal(&error, None));
                }
                Err(error) => return Err(from_portal(&error, None)),
            }
        }
        let endpoints = super::reach::places(&session, &signed.http).await;
        self.inner.sessions.put(&request.session, signed);
        Ok(ScopePlaces {
            endpoints,
            keys,
            rules: rules(&can),
            cannot_list,
            cannot_create: cannot(&can.create, None),
        })
    }

    pub(crate) async fn sign_out(&self, session: &str) {
        // A lent key is renewed with what signing out would end.
        if let Some(signed) = self.inner.sessions.take(session)
            && (signed.account.is_none() || !signed.session.capabilities().lent)
        {
            signed.session.sign_out().await;
        }
    }

    pub(crate) async fn sign_in_again(&self, request: AccountSignIn) -> Result<KeysView, Problem> {
        let account = self.account(&request.account)?;
        let issuer = issuer(&account)?;
        let http = http_of(&account);
        let password = given(request.password).or_else(|| typed_password(&request.sign_in));
        let proof = self.proof(request.sign_in, issuer.kind)?;
        let failed = |e| from_portal(&e, Some(&request.account));
        let session = wherry_portal::sign_in(SignInRequest {
            kind: issuer.kind,
            url: issuer.url.to_string(),
            http: http.clone(),
            options: issuer.options.clone(),
            client_secret: given(request.client_secret),
            proof,
        })
        .await
        .map_err(failed)?;
        let session = session
            .open(&issuer.scope_id, password)
            .await
            .map_err(failed)?;
        self.adopt(&account, session, http).await?;
        self.keys(&request.account).await
    }

    /// The user has signed in to the account's portal: what lasts of that goes to the vault.
    async fn adopt(
        &self,
        account: &Account,
        session: Arc<dyn PortalSession>,
        http: HttpSettings,
    ) -> Result<(), Problem> {
        if self.is_lent(account) {
            self.lend_anew(account, &session).await?;
        } else if let Some(renewal) = session.lasting() {
            let vault = self.vault_in_use();
            if let Some(secret) = vault.load(account.secret_name()).await? {
                vault
                    .store(account, &secret.with_renewal(Some(renewal)))
                    .await?;
            }
        }
        self.attach(account, session, http)?;
        self.inner.events.tell(Event::Accounts {});
        Ok(())
    }

    /// The account's portal session, gone on with where the portal allows that, or the request to sign in.
    pub(super) async fn session_of(
        &self,
        account: &Account,
    ) -> Result<Arc<dyn PortalSession>, Problem> {
        if let Some(session) = self.inner.sessions.of_account(&account.id) {
            return Ok(session);
        }
        let link = issuer(account)?;
        let vault = self.vault_in_use();
        let kept = vault.load(account.secret_name()).await.ok().flatten();
        let Some((secret, renewal)) = kept.and_then(|s| s.renewal().cloned().map(|r| (s, r)))
        else {
            return Err(sign_in_first(account));
        };
        let http = http_of(account);
        let session = match wherry_portal::resume(link, renewal, &http).await {
            Ok(session) => session,
            Err(PortalError::SignInAgain) => return Err(sign_in_first(account)),
            Err(error) => return Err(from_portal(&error, Some(account.id.as_str()))),
        };
        // A refresh token may be good for one use.
        if session.lasting().is_some() {
            vault
                .store(account, &secret.with_renewal(session.lasting()))
                .await?;
        }
        let session = session
            .open(&link.scope_id, None)
            .await
            .map_err(|e| from_portal(&e, Some(account.id.as_str())))?;
        self.attach(account, Arc::clone(&session), http)?;
        Ok(session)
    }

    /// The account's portal is this session from now on.
    fn attach(
        &self,
        account: &Account,
        session: Arc<dyn PortalSession>,
        http: HttpSettings,
    ) -> Result<(), Problem> {
        let options = issuer(account)?.options.clone();
        self.inner.sessions.forget_account(&account.id);
        let signed = Signed {
            session,
            http,
            options,
            account: Some(account.id.clone()),
            password: None,
        };
        self.inner.sessions.put(&ticket(), signed);
        Ok(())
    }

    /// What the window sent, as what a portal wants to see.
    fn proof(&self, sign_in: PortalSignIn, kind: IssuerKind) -> Result<Proof, Problem> {
        match sign_in {
            PortalSignIn::Password {
                user,
                domain,
                password,
                totp,
            } => {
                let (user, domain) = (user.trim(), domain.trim());
                if user.is_empty() {
                    return Err(missing("user name", "user"));
                }
                if password.is_empty() {
                    return Err(missing("password", "password"));
                }
                let domain = match domain {
                    "" if kind == IssuerKind::Keystone => "Default",
                    other => other,
                };
                Ok(Proof::Password {
                    user: user.to_owned(),
                    domain: domain.to_owned(),
                    password: password.into_secret(),
                    code: totp
                        .map(|c| c.trim().to_owned())
                        .filter(|c| !c.is_empty())
                        .map(Into::into),
                })
            }
            PortalSignIn::ApplicationCredential { id, secret } => {
                let id = id.trim();
                if id.is_empty() {
                    return Err(missing("application credential's id", "id"));
                }
                if secret.is_empty() {
                    return Err(missing("application credential's secret", "secret"));
                }
                Ok(Proof::ApplicationCredential {
                    id: id.to_owned(),
                    secret: secret.into_secret(),
                })
            }
            PortalSignIn::Imported {
                import,
                cloud,
                password,
            } => imported_proof(self.imported(&import, &cloud)?, password),
            PortalSignIn::Oidc { ticket } => Ok(Proof::Tokens(self.inner.oidc.take(&ticket)?)),
            PortalSignIn::Hosted { ticket } => Ok(Proof::Cookie(self.inner.hosted.take(&ticket)?)),
            PortalSignIn::AccessKey {
                access_key_id,
                secret,
                session_token,
            } => {
                let id = access_key_id.trim();
                if id.is_empty() {
                    return Err(missing("access key id", "accessKeyId"));
                }
                if secret.is_empty() {
                    return Err(missing("secret access key", "secret"));
                }
                Ok(Proof::AccessKey {
                    access_key_id: id.to_owned(),
                    secret: Secret::new(secret.into_secret())
                        .with_session_token(given(session_token)),
                })
            }
        }
    }
}

pub(super) fn sign_in_first(account: &Account) -> Problem {
    let portal = account
        .issuer
        .as_ref()
        .map(|i| host(&i.url))
        .unwrap_or_default();
    Problem::new(
        "portal.sign-in",
        format!("You are not signed in to {portal}."),
        "Sign in to see and change your keys there. Wherry does not keep your password.",
    )
    .remedy(Remedy::SignIn {
        account: account.id.to_string(),
    })
}

pub(crate) fn http_of(account: &Account) -> HttpSettings {
    HttpSettings {
        ca_file: account.ca_file.clone(),
        proxy: account.proxy.clone(),
    }
}

pub(super) fn http_settings(
    ca_file: Option<&str>,
    proxy: Option<&str>,
) -> Result<HttpSettings, Problem> {
    Ok(HttpSettings {
        ca_file: crate::accounts::ca_file(ca_file)?,
        proxy: crate::accounts::proxy(proxy)?,
    })
}

fn given(typed: Option<Typed>) -> Option<SecretString> {
    typed.filter(|t| !t.is_empty()).map(Typed::into_secret)
}

fn typed_password(sign_in: &PortalSignIn) -> Option<SecretString> {
    match sign_in {
        PortalSignIn::Password { password, .. } => Some(password.clone().into_secret()),
        _ => None,
    }
}

fn missing(what: &str, field: &str) -> Problem {
    Problem::new(
        "portal.missing",
        format!("The {what} is missing."),
        "Please fill it in.",
    )
    .context("field", field)
}

fn imported_proof(cloud: ImportedCloud, typed: Option<Typed>) -> Result<Proof, Problem> {
    if let Some(why) = cloud.unusable() {
        return Err(Problem::new("import.unusable", why, "Sign in another way."));
    }
    let secret = given(typed)
        .or_else(|| cloud.secret.clone())
        .ok_or_else(|| missing("password", "password"))?;
    Ok(Proof::Imported {
        cloud: Box::new(cloud),
        secret,
    })
}

/// The form's words, checked as far as they can be.
pub(super) fn issuer_options(form: &PortalOptions) -> Result<IssuerOptions, Problem> {
    let text = |word: &str| Some(word.trim().to_owned()).filter(|w| !w.is_empty());
    let oidc_issuer = text(&form.oidc_issuer)
        .map(|issuer| {
            let full = if issuer.contains("://") {
                issuer.clone()
            } else {
                format!("https://{issuer}")
            };
            full.parse().map_err(|_| {
                Problem::new(
                    "portal.oidc-issuer",
                    format!(
                        "“{}” is not the address of a sign-in service.",
                        crate::names::visible(&issuer)
                    ),
                    "It looks like https://login.example.org/realms/science.",
                )
                .context("field", "oidcIssuer")
            })
        })
        .transpose()?;
    Ok(IssuerOptions {
        oidc_issuer,
        client_id: text(&form.client_id),
        scopes: text(&form.scopes),
        identity_provider: text(&form.identity_provider),
        protocol: text(&form.protocol),
        role_arn: text(&form.role_arn),
        session_name: text(&form.session_name),
        duration: form.duration,
    })
}

impl From<&IssuerOptions> for PortalOptions {
    fn from(options: &IssuerOptions) -> Self {
        let text = |word: &Option<String>| word.clone().unwrap_or_default();
        Self {
            oidc_issuer: options
                .oidc_issuer
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            client_id: text(&options.client_id),
            scopes: text(&options.scopes),
            identity_provider: text(&options.identity_provider),
            protocol: text(&options.protocol),
            role_arn: text(&options.role_arn),
            session_name: text(&options.session_name),
            duration: options.duration,
        }
    }
}

impl From<KeySource> for IssuerKind {
    fn from(source: KeySource) -> Self {
        match source {
            KeySource::Typed => Self::None,
            KeySource::Practice => Self::Practice,
            KeySource::Keystone => Self::Keystone,
            KeySource::JasminPortal => Self::JasminPortal,
            KeySource::Swarm => Self::Swarm,
            KeySource::S3KeysManager => Self::S3KeysManager,
            KeySource::CraySts => Self::CraySts,
            KeySource::StsWebIdentity => Self::StsWebIdentity,
            KeySource::StsLdap => Self::StsLdap,
            KeySource::StsAssumeRole => Self::StsAssumeRole,
        }
    }
}

impl From<IssuerKind> for KeySource {
    fn from(kind: IssuerKind) -> Self {
        match kind {
            IssuerKind::None => Self::Typed,
            IssuerKind::Practice => Self::Practice,
            IssuerKind::Keystone => Self::Keystone,
            IssuerKind::JasminPortal => Self::JasminPortal,
            IssuerKind::Swarm => Self::Swarm,
            IssuerKind::S3KeysManager => Self::S3KeysManager,
            IssuerKind::CraySts => Self::CraySts,
            IssuerKind::StsWebIdentity => Self::StsWebIdentity,
            IssuerKind::StsLdap => Self::StsLdap,
            IssuerKind::StsAssumeRole => Self::StsAssumeRole,
        }
    }
}

impl From<wherry_portal::S3Endpoint> for PortalEndpoint {
    fn from(endpoint: wherry_portal::S3Endpoint) -> Self {
        Self {
            region: endpoint.region,
            url: endpoint.url.to_string(),
            unreachable: None,
        }
    }
}
