//! One run of the program: its options, the engine, and the stores it has opened.

use std::env;
use std::sync::Arc;

use secrecy::SecretString;
use wherry_account::{Addressing, Home, provider};
use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{GivenSecret, Problem, VaultChoice, VaultState, VaultView};
use wherry_engine::problem::{About, from_store};
use wherry_store::{Credentials, HttpSettings, ObjectStore, S3Config, S3Store, StoreError};

use crate::address::{Address, Remote, Whose};
use crate::outcome::{Answer, usage};
use crate::{Options, Signing, secrets};

pub struct Session {
    pub options: Options,
    pub engine: Engine,
}

impl Session {
    pub fn new(options: Options) -> Answer<Self> {
        let home = Home::from_env().ok_or_else(|| {
            Problem::new(
                "cli.home",
                "Your home folder is not known.",
                "Set HOME or WHERRY_HOME.",
            )
        })?;
        let vault = match env::var("WHERRY_VAULT") {
            Ok(kind) => Some(kind.parse().map_err(|e| {
                Problem::new(
                    "cli.usage",
                    format!("WHERRY_VAULT: {e}."),
                    "See wherry-cli --help.",
                )
            })?),
            Err(_) => None,
        };
        Ok(Self {
            options,
            engine: Engine::new(home, vault),
        })
    }

    pub fn address(&self, text: &str) -> Address {
        Address::parse(text, |name| {
            self.engine.accounts_file().by_name(name).is_ok()
        })
    }

    pub fn remote(&self, text: &str) -> Answer<Remote> {
        match self.address(text) {
            Address::Remote(remote) if remote.bucket.is_empty() => {
                Err(usage("The address names no bucket.", text))
            }
            Address::Remote(remote) => Ok(remote),
            Address::Local(_) => Err(self.not_an_address(text)),
        }
    }

    pub fn not_an_address(&self, text: &str) -> Problem {
        match text.split_once(':') {
            Some((name, _)) if !name.contains(['/', '\\']) => {
                wherry_account::AccountsError::Unknown(name.into()).into()
            }
            _ => usage(
                "That is no address in a store: write ACCOUNT:bucket/key or s3://bucket/key.",
                text,
            ),
        }
    }

    pub fn account_id(&self, name: &str) -> Answer<String> {
        Ok(self.engine.accounts_file().by_name(name)?.id.to_string())
    }

    pub async fn open(&self, place: &Remote) -> Answer<Arc<dyn ObjectStore>> {
        match &place.whose {
            Whose::Account(name) => self.open_account(name).await,
            Whose::Environment => {
                let store = self.environment().and_then(S3Store::new);
                Ok(Arc::new(store.map_err(|e| self.refused(place, &e))?))
            }
        }
    }

    pub async fn open_account(&self, name: &str) -> Answer<Arc<dyn ObjectStore>> {
        self.unlock().await?;
        let id = self.account_id(name)?;
        match self.engine.store(&id).await {
            Ok(store) => Ok(Arc::new(store)),
            // "Ask me each time": a person can answer, a script cannot.
            Err(problem) if problem.code == "account.secret-missing" && secrets::can_ask() => {
                let secret = secrets::ask(&format!("Secret of “{name}”: "))?;
                let given = GivenSecret {
                    account: id.clone(),
                    secret: secret.into(),
                    session_token: None,
                };
                self.engine.give_secret(given).await?;
                Ok(Arc::new(self.engine.store(&id).await?))
            }
            Err(problem) => Err(problem),
        }
    }

    /// The encrypted file wants its passphrase before anything can be read from it.
    pub async fn unlock(&self) -> Answer<()> {
        let VaultView { choice, state, .. } = self.engine.vault().await?;
        let passphrase = match (choice, state) {
            (VaultChoice::File, VaultState::Locked) => secrets::passphrase(false)?,
            (VaultChoice::File, VaultState::New) => secrets::passphrase(true)?,
            _ => return Ok(()),
        };
        self.engine.unlock_vault(passphrase).await
    }

    /// The store that `s3://` means.
    fn environment(&self) -> Result<S3Config, StoreError> {
        let options = &self.options;
        let text = |name: &str| env::var(name).ok().filter(|v| !v.is_empty());
        let region = options
            .region
            .clone()
            .or_else(|| text("AWS_REGION"))
            .or_else(|| text("AWS_DEFAULT_REGION"));
        let region = region.unwrap_or_else(|| "us-east-1".into());
        let typed = text("AWS_ENDPOINT_URL_S3")
            .filter(|_| options.endpoint.is_none())
            .or_else(|| options.endpoint.clone());
        let credentials = text("AWS_ACCESS_KEY_ID")
            .zip(text("AWS_SECRET_ACCESS_KEY"))
            .map(|(id, secret)| Credentials {
                access_key_id: id,
                secret: secret.into(),
                session_token: text("AWS_SESSION_TOKEN").map(SecretString::from),
            });
        let unusable =
            |why: &str| StoreError::new(wherry_store::ErrorKind::Other, "find the store", why);
        let amazon = format!("https://s3.{region}.amazonaws.com");
        let address = typed.clone().unwrap_or(amazon);
        let endpoint = crate::endpoint(&address).map_err(|p| unusable(&p.what))?;
        let mut config = S3Config::new(endpoint, credentials);
        if typed.is_none() {
            config.quirks = provider("aws")
                .map(|p| p.quirks.clone())
                .unwrap_or_default();
            config.addressing = Addressing::VirtualHost;
        }
        config.region = region;
        if let Some(signing) = options.signing {
            config.signing = signing.into();
        }
        config.http = HttpSettings {
            ca_file: options.ca_file.clone(),
            proxy: None,
        };
        Ok(config)
    }

    /// A store's refusal in words.
    pub fn refused(&self, place: &Remote, error: &StoreError) -> Problem {
        let key = Some(place.key.as_str()).filter(|k| !k.is_empty());
        match &place.whose {
            Whose::Account(name) => match self.account_id(name) {
                Ok(id) => self
                    .engine
                    .store_problem(&id, Some(&place.bucket), key, error),
                Err(problem) => problem,
            },
            Whose::Environment => from_store(error, &self.about_environment(place)),
        }
    }

    pub fn about(&self, place: &Remote) -> About {
        match &place.whose {
            Whose::Account(name) => match self.engine.accounts_file().by_name(name) {
                Ok(account) => About {
                    bucket: Some(place.bucket.clone()),
                    ..self.engine.about(&account)
                },
                Err(_) => About::default(),
            },
            Whose::Environment => self.about_environment(place),
        }
    }

    fn about_environment(&self, place: &Remote) -> About {
        let endpoint = self
            .options
            .endpoint
            .clone()
            .unwrap_or_else(|| "amazonaws.com".into());
        About {
            https: !endpoint.starts_with("http://"),
            host: endpoint
                .split("://")
                .last()
                .unwrap_or_default()
                .trim_end_matches('/')
                .to_owned(),
            bucket: Some(place.bucket.clone()).filter(|b| !b.is_empty()),
            key: Some(place.key.clone()).filter(|k| !k.is_empty()),
            ..About::default()
        }
    }
}

impl From<Signing> for wherry_account::Signing {
    fn from(signing: Signing) -> Self {
        match signing {
            Signing::V4 => Self::V4,
            Signing::V2 => Self::V2,
            Signing::Anonymous => Self::Anonymous,
        }
    }
}
