//! `account add|list|remove`.

use std::collections::BTreeMap;

use chrono::DateTime;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{
    AccountForm, AccountView, KeystoneAccount, KeystoneRequest, KeystoneSignIn, NewKey, Problem,
    ProjectRequest, SigningView,
};

use crate::outcome::{Answer, usage};
use crate::session::Session;
use crate::{Signing, print, secrets};

#[derive(Subcommand)]
pub enum Command {
    /// Add an account from a key you have, or have a key made.
    Add(Box<Add>),
    /// List the accounts.
    List,
    /// Forget an account and its secret; the key stays at its portal.
    Remove { name: String },
}

#[derive(Args)]
pub struct Add {
    /// What to call it; addresses begin with this.
    name: String,
    /// A provider preset, such as ceph, aws or wiit.
    #[arg(long, default_value = "other", value_name = "ID")]
    provider: String,
    /// Fills a slot of the provider's address, such as tenancy=my-group.
    #[arg(long, value_name = "NAME=VALUE")]
    field: Vec<String>,
    /// http://…, https://… or socks5://…
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,

    #[arg(long, value_name = "ID", conflicts_with = "issuer")]
    access_key_id: Option<String>,
    /// Read the secret from standard input.
    #[arg(long)]
    secret_stdin: bool,
    /// Save it without asking the store whether it works.
    #[arg(long)]
    no_test: bool,

    /// Sign in to this portal and have a key made.
    #[arg(long, requires = "url")]
    issuer: Option<Issuer>,
    /// The portal's address.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[arg(long)]
    user: Option<String>,
    #[arg(long, default_value = "Default")]
    domain: String,
    /// By name or id; not needed when there is just one.
    #[arg(long)]
    project: Option<String>,
    /// The six digits of an authenticator app.
    #[arg(long, value_name = "CODE")]
    totp: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Show the new key's secret, this once.
    #[arg(long)]
    show_secret: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Issuer {
    Keystone,
}

pub async fn run(session: &Session, command: Command) -> Answer<()> {
    match command {
        Command::Add(add) => match add.issuer {
            Some(Issuer::Keystone) => with_keystone(session, *add).await,
            None => with_key(session, *add).await,
        },
        Command::List => list(session).await,
        Command::Remove { name } => {
            session.unlock().await?;
            let id = session.account_id(&name)?;
            session.engine.remove_account(id).await
        }
    }
}

async fn with_key(session: &Session, add: Add) -> Answer<()> {
    let options = &session.options;
    let anonymous = matches!(options.signing, Some(Signing::Anonymous));
    if !anonymous && add.access_key_id.is_none() {
        return Err(usage(
            "Which key? Give --access-key-id, or --issuer to have one made, or --signing anonymous.",
            &add.name,
        ));
    }
    session.unlock().await?;
    let secret = match anonymous {
        true => None,
        false => Some(secrets::get(add.secret_stdin, "Secret access key: ")?),
    };
    let form = || AccountForm {
        name: add.name.clone(),
        provider: add.provider.clone(),
        endpoint_index: None,
        fields: fields(&add.field),
        endpoint: options.endpoint.clone(),
        region: options.region.clone(),
        signing: options.signing.map(Into::into),
        addressing: None,
        access_key_id: add.access_key_id.clone().unwrap_or_default(),
        secret: secret.clone().map(Into::into),
        session_token: None,
        ca_file: options.ca_file.as_ref().map(|f| f.display().to_string()),
        proxy: add.proxy.clone(),
        expires: None,
        editing: None,
    };
    if !add.no_test {
        let test = session.engine.test_account(form()).await?;
        match test.problem {
            Some(problem) if !test.ok => return Err(problem),
            Some(remark) => eprintln!("{} {}", remark.what, remark.todo),
            None => {}
        }
    }
    let account = session.engine.add_account(form()).await?;
    show(session, &account);
    Ok(())
}

fn fields(given: &[String]) -> BTreeMap<String, String> {
    given
        .iter()
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn with_keystone(session: &Session, add: Add) -> Answer<()> {
    let options = &session.options;
    let user = add
        .user
        .clone()
        .ok_or_else(|| usage("Who signs in? Give --user.", &add.name))?;
    session.unlock().await?;
    let password = secrets::get(add.password_stdin, "Password: ")?;
    let engine = &session.engine;
    let ca_file = options.ca_file.as_ref().map(|f| f.display().to_string());
    let signed = engine
        .keystone_sign_in(KeystoneRequest {
            url: add.url.clone().unwrap_or_default(),
            sign_in: KeystoneSignIn::Password {
                user,
                domain: add.domain.clone(),
                password: password.into(),
                totp: add.totp.clone(),
            },
            ca_file: ca_file.clone(),
            proxy: add.proxy.clone(),
        })
        .await?;
    let project = match &add.project {
        Some(wanted) => signed
            .projects
            .iter()
            .find(|p| p.id == *wanted || p.name == *wanted)
            .map(|p| p.id.clone()),
        None => signed.project.clone(),
    };
    let names = || {
        signed
            .projects
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let project = project.ok_or_else(|| {
        Problem::new(
            "cli.missing",
            "Which project?",
            format!("Give one of these with --project: {}.", names()),
        )
    })?;
    let places = engine
        .keystone_project(ProjectRequest {
            session: signed.session.clone(),
            project: project.clone(),
        })
        .await?;
    let wanted = |region: &str| {
        options
            .region
            .as_deref()
            .is_none_or(|r| r.eq_ignore_ascii_case(region))
    };
    let found = places.endpoints.iter().find(|e| wanted(&e.region));
    let endpoint = options
        .endpoint
        .clone()
        .or_else(|| found.map(|e| e.url.clone()))
        .ok_or_else(|| {
            let regions: Vec<&str> = places.endpoints.iter().map(|e| e.region.as_str()).collect();
            Problem::new(
                "cli.missing",
                "The service catalog names no object store for this project and region.",
                format!(
                    "Give --endpoint, or one of its regions with --region: {}.",
                    regions.join(", ")
                ),
            )
        })?;
    let made = engine
        .keystone_add_account(KeystoneAccount {
            session: signed.session.clone(),
            project,
            region: found
                .map(|e| e.region.clone())
                .or_else(|| options.region.clone())
                .unwrap_or_default(),
            endpoint,
            name: add.name,
            provider: add.provider,
            signing: options.signing.map(Into::into),
            ca_file,
        })
        .await;
    engine.keystone_sign_out(signed.session).await?;
    born(session, made?, add.show_secret).await
}

/// Tells of a new key; its secret only when asked for, as it is kept already.
pub async fn born(session: &Session, key: NewKey, show_secret: bool) -> Answer<()> {
    let secret = match show_secret {
        true => Some(session.engine.reveal(key.reveal).await?.secret),
        false => None,
    };
    if session.options.json {
        let mut value = json!({ "account": key.account.name, "access_key_id": key.access_key_id, "endpoint": key.account.endpoint });
        if let Some(secret) = secret {
            value["secret"] = secret.into();
        }
        print::line(&value);
    } else {
        print::text(&format!(
            "{}  {}  {}",
            key.account.name, key.access_key_id, key.account.endpoint
        ));
        if let Some(secret) = secret {
            print::text(&format!("secret: {secret}"));
        }
        eprintln!("A key was made; its secret is {}.", key.kept);
    }
    Ok(())
}

async fn list(session: &Session) -> Answer<()> {
    for account in session.engine.accounts().await? {
        show(session, &account);
    }
    Ok(())
}

fn show(session: &Session, account: &AccountView) {
    let key_id = account.key.access_key_id.as_deref();
    if session.options.json {
        let expires = account
            .key
            .expires
            .and_then(DateTime::from_timestamp_millis);
        print::line(&json!({
            "name": account.name,
            "provider": account.provider,
            "endpoint": account.endpoint,
            "region": account.region,
            "signing": account.signing,
            "access_key_id": key_id,
            "expires": expires.map(|t| t.to_rfc3339()),
            "issuer": account.issuer.as_ref().map(|i| &i.url),
        }));
    } else {
        print::text(&format!(
            "{}  {}  {}  {}",
            account.name,
            account.provider_name,
            account.endpoint,
            key_id.unwrap_or("(anonymous)")
        ));
    }
}

impl From<Signing> for SigningView {
    fn from(signing: Signing) -> Self {
        match signing {
            Signing::V4 => Self::V4,
            Signing::V2 => Self::V2,
            Signing::Anonymous => Self::Anonymous,
        }
    }
}
