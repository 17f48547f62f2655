//! `keys list|create|delete`: at the portal that made the account's key.

use clap::{Args, Subcommand};
use serde_json::json;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{AccountSignIn, KeyRef, KeysView, KeystoneSignIn, Problem};

use crate::outcome::Answer;
use crate::session::Session;
use crate::{account, print, secrets};

#[derive(Subcommand)]
pub enum Command {
    /// List the keys the portal has for this account's user and project.
    List {
        name: String,
        #[command(flatten)]
        sign_in: SignIn,
    },
    /// Make a new key, which the account uses from then on; the old one stays until it is deleted.
    Create {
        name: String,
        /// Show the new secret, this once.
        #[arg(long)]
        show_secret: bool,
        #[command(flatten)]
        sign_in: SignIn,
    },
    /// Delete a key at the portal.
    Delete {
        name: String,
        access_key_id: String,
        #[command(flatten)]
        sign_in: SignIn,
    },
}

#[derive(Args)]
pub struct SignIn {
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// The six digits of an authenticator app.
    #[arg(long, value_name = "CODE")]
    totp: Option<String>,
}

pub async fn run(session: &Session, command: Command) -> Answer<()> {
    match command {
        Command::List { name, sign_in } => {
            let view = signed_in(session, &name, sign_in).await?.1;
            if let Some(problem) = view.cannot_list {
                return Err(problem);
            }
            for key in view.keys {
                let here = key.used_by.as_deref();
                if session.options.json {
                    print::line(&json!({
                        "access_key_id": key.access_key_id,
                        "project_id": key.project_id,
                        "used_by": here,
                    }));
                } else {
                    let used = here.map_or(String::new(), |name| format!("  used by {name}"));
                    print::text(&format!("{}{used}", key.access_key_id));
                }
            }
            Ok(())
        }
        Command::Create {
            name,
            show_secret,
            sign_in,
        } => {
            let id = signed_in(session, &name, sign_in).await?.0;
            let key = session.engine.create_key(id).await?;
            account::born(session, key, show_secret).await
        }
        Command::Delete {
            name,
            access_key_id,
            sign_in,
        } => {
            let account = signed_in(session, &name, sign_in).await?.0;
            let key = KeyRef {
                account,
                access_key_id: access_key_id.clone(),
            };
            let deleted = session.engine.delete_key(key).await?;
            if session.options.json {
                print::line(
                    &json!({ "access_key_id": access_key_id, "deleted": !deleted.was_already_gone }),
                );
            } else {
                print::text(&deleted.words);
            }
            Ok(())
        }
    }
}

/// Signs in as the user the key was made for.
async fn signed_in(session: &Session, name: &str, sign_in: SignIn) -> Answer<(String, KeysView)> {
    session.unlock().await?;
    let account = session.engine.accounts_file().by_name(name)?;
    let id = account.id.to_string();
    let Some(issuer) = account.issuer else {
        // Says why this account's keys cannot be managed.
        let view = session.engine.account_keys(id).await?;
        return Err(view.cannot_list.unwrap_or_else(|| Problem::stale("portal")));
    };
    let prompt = format!("Password of {} at {}: ", issuer.user, issuer.url);
    let password = secrets::get(sign_in.password_stdin, &prompt)?;
    let view = session
        .engine
        .account_sign_in(AccountSignIn {
            account: id.clone(),
            sign_in: KeystoneSignIn::Password {
                user: issuer.user,
                domain: issuer.domain,
                password: password.into(),
                totp: sign_in.totp,
            },
        })
        .await?;
    Ok((id, view))
}
