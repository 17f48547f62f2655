//! `account`: adding, listing and removing accounts.

use std::collections::BTreeMap;

use serde::Serialize;
use wherry_account::provider;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{
    AccountForm, AccountView, NewKey, PortalAccount, PortalRequest, Problem, ScopePlaces,
    ScopeRequest, SignedIn,
};
use wherry_engine::names::visible;

use super::sign_in;
use crate::args::{AccountAdd, AccountCommand, IssuerArg};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::secrets;
use crate::session::Session;

#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    name: &'a str,
    provider: &'a str,
    endpoint: &'a str,
    region: &'a str,
    access_key_id: Option<&'a str>,
    key: &'a str,
}

impl<'a> Row<'a> {
    fn of(event: Option<&'static str>, account: &'a AccountView) -> Self {
        Self {
            event,
            name: &account.name,
            provider: &account.provider,
            endpoint: &account.endpoint,
            region: &account.region,
            access_key_id: account.key.access_key_id.as_deref(),
            key: &account.key.words,
        }
    }
}

pub async fn run(
    command: AccountCommand,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        AccountCommand::Add(args) => match args.issuer {
            Some(issuer) => add_from_portal(*args, issuer, session, output).await,
            None => add(*args, session, output).await,
        },
        AccountCommand::List => list(session, output).await,
        AccountCommand::Remove { name } => {
            let id = session.account_id(&name)?;
            session.unlock().await?;
            session.engine.remove_account(id).await?;
            output.remark(&format!(
                "“{name}” is forgotten. Its key is still good: delete it where it was made."
            ));
            Ok(Exit::Done)
        }
    }
}

async fn list(session: &Session, output: &Output) -> Result<Exit, Failure> {
    for account in session.engine.accounts().await? {
        let key = account.key.access_key_id.as_deref().unwrap_or("no key");
        output.result(&Row::of(None, &account), || {
            format!(
                "{}  {}  {}  {}",
                visible(&account.name),
                account.endpoint,
                visible(key),
                account.key.words
            )
        });
    }
    Ok(Exit::Done)
}

fn said(account: &AccountView, output: &Output) {
    output.result(&Row::of(Some("added"), account), || {
        format!("added “{}” at {}", account.name, account.endpoint)
    });
}

fn fields(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let split = |field: &String| {
        let (name, value) = field.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let fields: Option<_> = given.iter().map(split).collect();
    fields.ok_or_else(|| {
        Failure::usage(
            "--field wants NAME=VALUE.",
            "For example --field tenancy=mygroup.",
        )
    })
}

/// Which of the provider's addresses is meant.
fn place(args: &AccountAdd) -> Result<Option<usize>, Failure> {
    let Some(label) = &args.place else {
        return Ok(None);
    };
    let preset = provider(&args.provider);
    let endpoints = preset.map(|p| p.endpoints.as_slice()).unwrap_or_default();
    match endpoints
        .iter()
        .position(|e| e.label.eq_ignore_ascii_case(label))
    {
        Some(at) => Ok(Some(at)),
        None => {
            let labels: Vec<&str> = endpoints.iter().map(|e| e.label.as_str()).collect();
            let words = format!("The provider “{}” has no place “{label}”.", args.provider);
            Err(Failure::usage(
                words,
                &format!("It has: {}.", labels.join(", ")),
            ))
        }
    }
}

async fn add(args: AccountAdd, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let anonymous = matches!(session.signing, Some(crate::args::SigningArg::Anonymous));
    if args.access_key_id.is_none() && !anonymous {
        return Err(Failure::usage(
            "An account needs a key.",
            "Give --access-key-id ID, or --issuer to have one made, or --signing anonymous for public buckets.",
        ));
    }
    let (index, fields) = (place(&args)?, fields(&args.field)?);
    let secret = if anonymous {
        None
    } else {
        Some(secrets::given(
            "The secret access key",
            session.secret_stdin,
        )?)
    };
    session.unlock().await?;
    let form = || AccountForm {
        name: args.name.clone(),
        provider: args.provider.clone(),
        endpoint_index: index,
        fields: fields.clone(),
        endpoint: session.endpoint.clone(),
        region: session.region.clone(),
        signing: session.signing.map(Into::into),
        addressing: session.addressing.map(Into::into),
        access_key_id: args.access_key_id.clone().unwrap_or_default(),
        secret: secret.clone().map(Into::into),
        session_token: None,
        ca_file: session.ca_file.as_ref().map(|p| p.display().to_string()),
        proxy: session.proxy.clone(),
        expires: None,
        editing: None,
    };
    if !args.no_test {
        let test = session.engine.test_account(form()).await?;
        match test.problem {
            Some(problem) if !test.ok => return Err(problem.into()),
            Some(problem) => output.remark(&format!("{} {}", problem.what, problem.todo)),
            None => {}
        }
    }
    let account = session.engine.add_account(form()).await?;
    said(&account, output);
    Ok(Exit::Done)
}

async fn add_from_portal(
    args: AccountAdd,
    issuer: IssuerArg,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    let index = place(&args)?;
    let preset = provider(&args.provider);
    let known = preset.and_then(|p| p.endpoints.get(index.unwrap_or(0)));
    // A store that lends keys itself is its own portal.
    let lends = matches!(
        issuer,
        IssuerArg::StsWebIdentity | IssuerArg::StsLdap | IssuerArg::StsAssumeRole
    );
    let url = args
        .url
        .clone()
        .or_else(|| known.and_then(|e| e.issuer_url.clone()))
        .or_else(|| session.endpoint.clone().filter(|_| lends));
    let Some(url) = url else {
        return Err(Failure::usage(
            "The portal's address is missing.",
            "Give it as --url, for example --url https://keystone.example.org:5000.",
        ));
    };
    let options = sign_in::options(&args.portal, preset);
    let wish = sign_in::wish(&args.wish)?;
    let proof = sign_in::proof(&args.sign_in, issuer.into(), &url, &options, None, session).await?;
    session.unlock().await?;
    let ca_file = session.ca_file.as_ref().map(|p| p.display().to_string());
    let request = PortalRequest {
        issuer: issuer.into(),
        url: url.clone(),
        sign_in: proof.sign_in,
        options,
        client_secret: None,
        ca_file: ca_file.clone(),
        proxy: session.proxy.clone(),
    };
    let signed = session.engine.portal_sign_in(request).await?;
    let made = async {
        let scope = scope(args.project.as_deref(), &signed)?;
        let request = ScopeRequest {
            session: signed.session.clone(),
            scope: scope.clone(),
            password: proof.scope_password,
        };
        let places = session.engine.portal_scope(request).await?;
        if let Some(problem) = &places.cannot_create {
            return Err(problem.clone().into());
        }
        let given = known.filter(|e| !e.url.is_empty());
        let (region, endpoint) = match endpoint(&places, session)? {
            Some(found) => found,
            None if lends => (String::new(), url),
            None => match given {
                Some(known) => {
                    let preset = preset.ok_or_else(|| Problem::stale("provider"))?;
                    let address = preset
                        .endpoint(known, &fields(&args.field)?)
                        .map_err(Problem::from)?;
                    (known.label.clone(), address.to_string())
                }
                // What the portal says when it lends a key.
                None if places.rules.lent => (String::new(), String::new()),
                None => {
                    return Err(Failure::usage(
                        "The portal names no S3 store for this key.",
                        "Give its address with --endpoint URL.",
                    ));
                }
            },
        };
        let account = PortalAccount {
            session: signed.session.clone(),
            scope,
            region,
            endpoint,
            name: args.name.clone(),
            provider: args.provider.clone(),
            signing: session.signing.map(Into::into),
            ca_file,
            wish,
        };
        Ok::<NewKey, Failure>(session.engine.portal_add_account(account).await?)
    }
    .await;
    if made.as_ref().is_ok_and(|m| !m.account.key.lent) || made.is_err() {
        session.engine.portal_sign_out(signed.session).await?;
    }
    let made = made?;
    said(&made.account, output);
    born(&made, args.show_secret, session, output).await?;
    Ok(Exit::Done)
}

fn scope(wanted: Option<&str>, signed: &SignedIn) -> Result<String, Failure> {
    let names = || {
        let names: Vec<&str> = signed.scopes.iter().map(|s| s.name.as_str()).collect();
        names.join(", ")
    };
    match wanted {
        Some(wanted) => {
            let found = signed
                .scopes
                .iter()
                .find(|s| s.id == wanted || s.name == wanted);
            found.map(|s| s.id.clone()).ok_or_else(|| {
                let what = format!("{} has no project “{wanted}”.", signed.user);
                let problem =
                    Problem::new("portal.project", what, format!("There are: {}.", names()));
                Failure {
                    problem,
                    exit: Exit::NotThere,
                }
            })
        }
        None => signed.scope.clone().ok_or_else(|| {
            Failure::usage(
                "There are several projects.",
                &format!("Choose one with --project: {}.", names()),
            )
        }),
    }
}

/// Region and address of the store: as given, or the first of the catalog, and then it is said which.
fn endpoint(places: &ScopePlaces, session: &Session) -> Result<Option<(String, String)>, Failure> {
    let region = session.region.as_deref();
    let fitting: Vec<_> = places
        .endpoints
        .iter()
        .filter(|e| region.is_none_or(|r| e.region == r))
        .collect();
    if let Some(url) = &session.endpoint {
        let region = fitting
            .first()
            .map(|e| e.region.clone())
            .or_else(|| region.map(str::to_owned));
        return Ok(Some((region.unwrap_or_default(), url.clone())));
    }
    let Some(first) = fitting.first() else {
        if places.endpoints.is_empty() {
            return Ok(None);
        }
        let there: Vec<&str> = places.endpoints.iter().map(|e| e.region.as_str()).collect();
        return Err(Failure::usage(
            "The portal names no S3 store for this project and region.",
            &format!(
                "Choose one of its regions ({}), or give the store's address with --endpoint URL.",
                there.join(", ")
            ),
        ));
    };
    // One key opens all regions of a cloud, so that the first is as good a start as any.
    if fitting.len() > 1 {
        let others: Vec<&str> = fitting[1..].iter().map(|e| e.region.as_str()).collect();
        let (region, others) = (&first.region, others.join(", "));
        eprintln!("Region {region} is used; --region chooses another: {others}.");
    }
    Ok(Some((first.region.clone(), first.url.clone())))
}

#[derive(Serialize)]
struct Born<'a> {
    event: &'static str,
    access_key_id: &'a str,
    kept: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_access_key: Option<&'a str>,
}

/// Tells about a new key; its secret only when asked for, as it may end in a terminal's history.
pub async fn born(
    made: &NewKey,
    show: bool,
    session: &Session,
    output: &Output,
) -> Result<(), Failure> {
    let revealed = if show {
        Some(session.engine.reveal(made.reveal.clone()).await?)
    } else {
        None
    };
    let secret = revealed.as_ref().map(|r| r.secret.as_str());
    let row = Born {
        event: "key",
        access_key_id: &made.access_key_id,
        kept: &made.kept,
        secret_access_key: secret,
    };
    output.result(&row, || {
        let shown = secret.map_or(String::new(), |s| {
            format!("\nits secret, shown this once: {s}")
        });
        format!(
            "made the key {}, kept {}{shown}",
            made.access_key_id, made.kept
        )
    });
    Ok(())
}
