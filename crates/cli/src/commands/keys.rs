//! `keys`: the keys of an account, at the portal that makes them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{
    AccountSignIn, KeyRef, KeysView, NewKeyRequest, PortalOptions, Problem,
};
use wherry_engine::names::visible;

use super::account::born;
use super::sign_in::{Remembered, proof};
use crate::args::{KeysCommand, SignInArgs};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::session::Session;

#[derive(Serialize)]
struct Row<'a> {
    access_key_id: &'a str,
    created: Option<String>,
    expires: Option<String>,
    description: Option<&'a str>,
    used_by: Option<&'a str>,
}

#[derive(Serialize)]
struct Deleted<'a> {
    event: &'static str,
    access_key_id: &'a str,
    was_already_gone: bool,
    words: &'a str,
}

#[derive(Serialize)]
struct Turned<'a> {
    event: &'static str,
    access_key_id: &'a str,
    old_access_key_id: &'a str,
    old_key_left: bool,
    words: &'a str,
}

pub async fn run(
    command: KeysCommand,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        KeysCommand::List { account, sign_in } => {
            let (_, keys) = sign_in_to(&account, &sign_in, session).await?;
            if let Some(problem) = keys.cannot_list {
                return Err(problem.into());
            }
            for key in &keys.keys {
                let row = Row {
                    access_key_id: &key.access_key_id,
                    created: key.created.and_then(time),
                    expires: key.expires.and_then(time),
                    description: key.description.as_deref(),
                    used_by: key.used_by.as_deref(),
                };
                output.result(&row, || {
                    let used = key
                        .used_by
                        .as_deref()
                        .map_or(String::new(), |name| format!("  used by {}", visible(name)));
                    format!("{}{used}", visible(&key.access_key_id))
                });
            }
        }
        KeysCommand::Create {
            account,
            sign_in,
            wish,
            show_secret,
        } => {
            let wish = super::sign_in::wish(&wish)?;
            let (id, keys) = sign_in_to(&account, &sign_in, session).await?;
            if let Some(problem) = keys.cannot_create {
                return Err(problem.into());
            }
            let made = session
                .engine
                .create_key(NewKeyRequest { account: id, wish })
                .await?;
            born(&made, show_secret, session, output).await?;
        }
        KeysCommand::Reset {
            account,
            access_key_id,
            sign_in,
            show_secret,
        } => {
            let (id, keys) = sign_in_to(&account, &sign_in, session).await?;
            if let Some(problem) = keys.cannot_reset {
                return Err(problem.into());
            }
            let key = KeyRef {
                account: id,
                access_key_id: access_key_id.or(keys.key.access_key_id).unwrap_or_default(),
            };
            let made = session.engine.reset_key(key).await?;
            born(&made, show_secret, session, output).await?;
        }
        KeysCommand::Rotate {
            account,
            sign_in,
            wish,
            show_secret,
        } => {
            let wish = super::sign_in::wish(&wish)?;
            let (id, keys) = sign_in_to(&account, &sign_in, session).await?;
            if let Some(problem) = keys.cannot_rotate {
                return Err(problem.into());
            }
            let request = NewKeyRequest { account: id, wish };
            let rotated = session.engine.rotate_key(request).await?;
            born(&rotated.new_key, show_secret, session, output).await?;
            let row = Turned {
                event: "rotated",
                access_key_id: &rotated.new_key.access_key_id,
                old_access_key_id: &rotated.old_access_key_id,
                old_key_left: rotated.old_key_left.is_some(),
                words: &rotated.words,
            };
            output.result(&row, || rotated.words.clone());
            // The account works; that the old key is still there must not go unnoticed in a script.
            if let Some(problem) = rotated.old_key_left {
                return Err(problem.into());
            }
        }
        KeysCommand::Delete {
            account,
            access_key_id,
            sign_in,
        } => {
            let (id, keys) = sign_in_to(&account, &sign_in, session).await?;
            if let Some(problem) = keys.cannot_delete {
                return Err(problem.into());
            }
            let key = KeyRef {
                account: id,
                access_key_id: access_key_id.clone(),
            };
            let deleted = session.engine.delete_key(key).await?;
            let row = Deleted {
                event: "deleted",
                access_key_id: &access_key_id,
                was_already_gone: deleted.was_already_gone,
                words: &deleted.words,
            };
            output.result(&row, || deleted.words.clone());
        }
    }
    Ok(Exit::Done)
}

async fn sign_in_to(
    name: &str,
    args: &SignInArgs,
    session: &Session,
) -> Result<(String, KeysView), Failure> {
    let account = session
        .engine
        .accounts_file()
        .by_name(name)
        .map_err(Problem::from)?;
    let id = account.id.to_string();
    let Some(issuer) = account.issuer else {
        // The engine has the words for it.
        let keys = session.engine.account_keys(id.clone()).await?;
        return Ok((id, keys));
    };
    let remembered = Remembered {
        user: issuer.user,
        domain: issuer.domain,
    };
    let options = PortalOptions::from(&issuer.options);
    let proof = proof(
        args,
        issuer.kind.into(),
        issuer.url.as_str(),
        &options,
        Some(remembered),
        session,
    )
    .await?;
    session.unlock().await?;
    let keys = session
        .engine
        .account_sign_in(AccountSignIn {
            account: id.clone(),
            sign_in: proof.sign_in,
            password: proof.scope_password,
            client_secret: None,
        })
        .await?;
    Ok((id, keys))
}

fn time(millis: i64) -> Option<String> {
    DateTime::<Utc>::from_timestamp_millis(millis)
        .map(|t| t.to_rfc3339_opts(SecondsFormat::Secs, true))
}
