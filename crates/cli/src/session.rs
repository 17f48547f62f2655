//! One run of the command: the engine, and the stores it is asked about.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Utc;
use secrecy::SecretString;
use tokio::sync::OnceCell;
use wherry_account::{Addressing, Home, Signing};
use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{AddressingView, GivenSecret, Problem, SigningView};
use wherry_engine::problem::{About, from_file_error, from_plan_error, from_store};
use wherry_store::{
    Credentials, HttpSettings, ObjectStore, Rates, S3Config, S3Store, StoreError, Throttle,
};
use wherry_transfer::{FileError, Job, Journal, PlanError};
use wherry_vault::VaultKind;
use zeroize::Zeroizing;

use crate::args::{AddressingArg, Args, SigningArg};
use crate::failure::{Exit, Failure};
use crate::filtering::size;
use crate::output::Output;
use crate::place::StoreRef;
use crate::receipts::ReceiptFile;
use crate::secrets;

pub struct Session {
    pub engine: Engine,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub signing: Option<SigningArg>,
    pub addressing: Option<AddressingArg>,
    pub ca_file: Option<std::path::PathBuf>,
    pub proxy: Option<String>,
    pub secret_stdin: bool,
    /// Of all stores together, where a limit is wanted.
    throttle: Option<Throttle>,
    /// Where the receipts of this run are saved, if they are.
    receipts: tokio::sync::Mutex<Option<ReceiptFile>>,
    vault: Option<VaultKind>,
    unlocked: AtomicBool,
    journal: OnceCell<Option<Journal>>,
}

/// A store with the name its problems are about.
#[derive(Clone)]
pub struct Opened {
    pub store: S3Store,
    account: Option<String>,
    /// Scheme, host and port.
    pub endpoint: String,
    engine: Engine,
    about: Box<About>,
}

impl Session {
    pub fn new(args: &Args) -> Result<Self, Failure> {
        let home = Home::from_env().ok_or_else(|| {
            Failure::usage(
                "There is no home folder.",
                "Set HOME, or WHERRY_HOME to a folder of your choice.",
            )
        })?;
        let vault = match std::env::var("WHERRY_VAULT") {
            Ok(text) if !text.is_empty() => {
                let kind = text.parse::<VaultKind>();
                Some(kind.map_err(|e| {
                    Failure::usage(format!("WHERRY_VAULT: {e}."), "Set it to one of these.")
                })?)
            }
            _ => None,
        };
        Ok(Self {
            engine: Engine::new(home, vault),
            endpoint: args.endpoint.clone(),
            region: args.region.clone(),
            signing: args.signing,
            addressing: args.addressing,
            ca_file: args.ca_file.clone(),
            proxy: args.proxy.clone(),
            secret_stdin: args.secret_stdin,
            receipts: tokio::sync::Mutex::default(),
            throttle: args
                .bwlimit
                .as_deref()
                .map(rates)
                .transpose()?
                .map(Throttle::new),
            vault,
            unlocked: AtomicBool::new(false),
            journal: OnceCell::new(),
        })
    }

    /// Opened once, and then only when something is written down. Without it transfers work, and
    /// are not gone on with.
    pub async fn journal(&self, output: &Output) -> Option<Journal> {
        let open = || async {
            let folder = self.engine.home().data().to_owned();
            let opened = tokio::task::spawn_blocking(move || Journal::open(&folder)).await;
            let journal = match opened {
                Ok(Ok(journal)) => journal,
                Ok(Err(e)) => {
                    let words =
                        format!("{e}; this transfer cannot be gone on with if it is cut off");
                    output.warning("transfers", &words);
                    return None;
                }
                Err(_) => return None,
            };
            if let Some(aside) = journal.set_aside() {
                let words = format!(
                    "the list of transfers was damaged; it is now {} and a new one was begun",
                    aside.display()
                );
                output.warning("transfers", &words);
            }
            if let Err(e) = journal.tidy(Utc::now()).await {
                tracing::warn!(%e, "the list of transfers could not be tidied");
            }
            Some(journal)
        };
        self.journal.get_or_init(open).await.clone()
    }

    pub fn log(&self) -> Option<impl Drop + use<>> {
        wherry_engine::log::start(&self.engine.home().logs())
    }

    pub async fn close(&self) {
        self.engine.shut_down().await;
    }

    pub fn account_id(&self, name: &str) -> Result<String, Failure> {
        let account = self
            .engine
            .accounts_file()
            .by_name(name)
            .map_err(Problem::from)?;
        Ok(account.id.to_string())
    }

    pub async fn keep_receipts(&self, file: ReceiptFile) {
        *self.receipts.lock().await = Some(file);
    }

    /// What arrived with a job that has ended, between these addresses of stores.
    pub async fn add_receipts(
        &self,
        job: &Job,
        from: &str,
        to: &str,
        output: &Output,
    ) -> Result<(), Failure> {
        let mut receipts = self.receipts.lock().await;
        let Some(file) = receipts.as_mut() else {
            return Ok(());
        };
        file.add(self.journal(output).await, job, from, to).await
    }

    pub async fn save_receipts(&self) -> Result<(), Failure> {
        match self.receipts.lock().await.take() {
            Some(file) => file.finish(),
            None => Ok(()),
        }
    }

    pub async fn open(&self, store: &StoreRef) -> Result<Opened, Failure> {
        let opened = match store {
            StoreRef::Account(name) => self.open_account(name).await,
            StoreRef::Environment => self.open_environment(),
        }?;
        let Some(throttle) = &self.throttle else {
            return Ok(opened);
        };
        let store = opened.store.throttled(throttle.clone());
        let store = store.map_err(|e| opened.problem("", None, &e))?;
        Ok(Opened { store, ..opened })
    }

    async fn open_account(&self, name: &str) -> Result<Opened, Failure> {
        let account = self
            .engine
            .accounts_file()
            .by_name(name)
            .map_err(Problem::from)?;
        let id = account.id.to_string();
        self.unlock().await?;
        let store = match self.engine.store(&id).await {
            Err(problem) if problem.code == "account.secret-missing" => {
                self.give_secret(&id, name, problem).await?;
                self.engine.store(&id).await?
            }
            store => store?,
        };
        let about = self.engine.about(&account);
        Ok(Opened {
            store,
            endpoint: account.endpoint.as_str().trim_end_matches('/').to_owned(),
            account: Some(id),
            engine: self.engine.clone(),
            about: Box::new(about),
        })
    }

    /// "Ask me each time": asks, when there is somebody to ask.
    async fn give_secret(&self, id: &str, name: &str, problem: Problem) -> Result<(), Failure> {
        let what = format!("The secret of “{name}”");
        let Ok(secret) = secrets::given(&what, self.secret_stdin) else {
            return Err(problem.into());
        };
        let given = GivenSecret {
            account: id.to_owned(),
            secret: secret.into(),
            session_token: None,
        };
        self.engine.give_secret(given).await?;
        Ok(())
    }

    /// Opens the encrypted file, when that is the vault. The passphrase comes from a file named in
    /// the environment, or is asked for.
    pub async fn unlock(&self) -> Result<(), Failure> {
        let chosen = self.engine.settings().await?.vault.map(VaultKind::from);
        if self.vault.or(chosen).unwrap_or_default() != VaultKind::File {
            return Ok(());
        }
        // A descriptor can be read once only.
        if self.unlocked.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        Ok(self.engine.unlock_vault(passphrase()?).await?)
    }

    /// Where `s3://` places are, and the region.
    pub fn environment_address(&self) -> Result<(url::Url, String), Failure> {
        let Some(endpoint) = self.endpoint.clone().or_else(|| env("AWS_ENDPOINT_URL")) else {
            return Err(Failure::usage(
                "s3:// places need --endpoint URL.",
                "For example --endpoint https://s3.example.org; or use ACCOUNT:bucket/key.",
            ));
        };
        let text = if endpoint.contains("://") {
            endpoint
        } else {
            format!("https://{endpoint}")
        };
        let endpoint: url::Url = text.parse().map_err(|e| {
            Failure::usage(
                format!("“{text}” is no address: {e}."),
                "An endpoint looks like https://s3.example.org.",
            )
        })?;
        let environment = || env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION"));
        let region = self.region.clone().or_else(environment);
        Ok((endpoint, region.unwrap_or_else(|| "us-east-1".to_owned())))
    }

    fn open_environment(&self) -> Result<Opened, Failure> {
        let (endpoint, region) = self.environment_address()?;
        let key = env("AWS_ACCESS_KEY_ID").zip(env("AWS_SECRET_ACCESS_KEY"));
        let credentials = key.map(|(access_key_id, key)| Credentials {
            access_key_id,
            secret: key.into(),
            session_token: env("AWS_SESSION_TOKEN").map(Into::into),
        });
        let host = endpoint.host_str().unwrap_or_default();
        let about = About {
            host: endpoint
                .port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            https: endpoint.scheme() == "https",
            ..About::default()
        };
        let address = endpoint.as_str().trim_end_matches('/').to_owned();
        let mut config = S3Config::new(endpoint, credentials);
        config.region = region;
        if let Some(signing) = self.signing {
            config.signing = match signing {
                SigningArg::V4 => Signing::V4,
                SigningArg::V2 => Signing::V2,
                SigningArg::Anonymous => Signing::Anonymous,
            };
        }
        if config.signing == Signing::Anonymous {
            config.credentials = None;
        }
        if let Some(AddressingArg::VirtualHost) = self.addressing {
            config.addressing = Addressing::VirtualHost;
        }
        let proxy = self.proxy.as_deref().map(str::parse).transpose();
        let proxy = proxy.map_err(|e| {
            Failure::usage(format!("--proxy: {e}."), "It looks like http://host:3128.")
        })?;
        config.http = HttpSettings {
            ca_file: self
                .ca_file
                .clone()
                .or_else(|| env("AWS_CA_BUNDLE").map(Into::into)),
            proxy,
        };
        let store = S3Store::new(config).map_err(|e| from_store(&e, &about))?;
        Ok(Opened {
            store,
            endpoint: address,
            account: None,
            engine: self.engine.clone(),
            about: Box::new(about),
        })
    }
}

/// `10M` for both ways, `2M:20M` for up and down; `0` for no limit.
fn rates(text: &str) -> Result<Rates, Failure> {
    let rate = |text: &str| Ok::<_, Failure>(Some(size(text)?).filter(|rate| *rate > 0));
    let (upload, download) = text.split_once(':').unwrap_or((text, text));
    Ok(Rates {
        upload: rate(upload)?,
        download: rate(download)?,
    })
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

impl Opened {
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::new(self.store.clone())
    }

    /// Two places of one store: copying between them needs no detour over this computer.
    pub fn same_as(&self, other: &Self) -> bool {
        self.account == other.account && self.about.host == other.about.host
    }

    /// The server's name and port.
    pub fn host(&self) -> &str {
        &self.about.host
    }

    /// For the journal.
    pub fn named(&self) -> String {
        let environment = || format!("s3://{}", self.about.host);
        self.account().map_or_else(environment, str::to_owned)
    }

    /// The account's id, unless it is the one of the environment.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    fn about(&self, bucket: &str, key: Option<&str>) -> About {
        let bucket = (!bucket.is_empty()).then(|| bucket.to_owned());
        About {
            bucket,
            key: key.map(str::to_owned),
            ..(*self.about).clone()
        }
    }

    pub fn problem(&self, bucket: &str, key: Option<&str>, error: &StoreError) -> Problem {
        match &self.account {
            Some(id) => {
                self.engine
                    .store_problem(id, (!bucket.is_empty()).then_some(bucket), key, error)
            }
            None => from_store(error, &self.about(bucket, key)),
        }
    }

    pub fn plan_problem(&self, bucket: &str, error: &PlanError) -> Problem {
        match error {
            PlanError::Store(error) => self.problem(bucket, None, error),
            other => from_plan_error(other, &self.about(bucket, None)),
        }
    }

    pub fn file_problem(&self, bucket: &str, key: &str, error: &FileError) -> Problem {
        match error {
            FileError::Store(error) => self.problem(bucket, Some(key), error),
            other => from_file_error(other, &self.about(bucket, Some(key))),
        }
    }
}

impl From<SigningArg> for SigningView {
    fn from(arg: SigningArg) -> Self {
        match arg {
            SigningArg::V4 => Self::V4,
            SigningArg::V2 => Self::V2,
            SigningArg::Anonymous => Self::Anonymous,
        }
    }
}

impl From<AddressingArg> for AddressingView {
    fn from(arg: AddressingArg) -> Self {
        match arg {
            AddressingArg::Path => Self::Path,
            AddressingArg::VirtualHost => Self::VirtualHost,
        }
    }
}

/// The first line of the file or descriptor that the environment names; else it is asked for.
fn passphrase() -> Result<SecretString, Failure> {
    let file = std::env::var_os("WHERRY_VAULT_PASSPHRASE_FILE").map(PathBuf::from);
    let (path, variable) = match (std::env::var("WHERRY_PASSPHRASE_FD"), file) {
        (Ok(number), _) if !number.is_empty() => {
            let number: u32 = number.parse().map_err(|_| {
                Failure::usage(
                    format!("WHERRY_PASSPHRASE_FD: “{number}” is not a number."),
                    "Set it to an open file descriptor, for example 3 with 3<passphrase.txt.",
                )
            })?;
            let path = PathBuf::from(format!("/dev/fd/{number}"));
            (path, "WHERRY_PASSPHRASE_FD")
        }
        (_, Some(path)) => (path, "WHERRY_VAULT_PASSPHRASE_FILE"),
        _ => return secrets::prompt("The passphrase of the encrypted file"),
    };
    let text = std::fs::read_to_string(&path)
        .map(Zeroizing::new)
        .map_err(|e| {
            let what = format!(
                "The passphrase file {} cannot be read: {e}.",
                path.display()
            );
            let problem = Problem::new("vault.passphrase", what, format!("Check {variable}."));
            Failure {
                problem,
                exit: Exit::Vault,
            }
        })?;
    Ok(SecretString::from(text.lines().next().unwrap_or_default()))
}
