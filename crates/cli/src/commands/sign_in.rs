//! How the command line proves to a portal who is there. Secrets come by standard input or a prompt.

use chrono::NaiveDate;
use secrecy::{ExposeSecret, SecretString};
use wherry_account::Provider;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{
    KeySource, KeyWishForm, OidcRequest, OidcWay, PortalOptions, PortalSignIn, Typed,
};

use crate::args::{IssuerArg, PortalArgs, SignInArgs, WishArgs};
use crate::failure::Failure;
use crate::secrets;
use crate::session::Session;

/// Who signs in, as far as the account file remembers it.
pub struct Remembered {
    pub user: String,
    pub domain: String,
}

pub struct Proof {
    pub sign_in: PortalSignIn,
    /// For a scope that asks for the password once more.
    pub scope_password: Option<Typed>,
}

pub async fn proof(
    args: &SignInArgs,
    issuer: KeySource,
    url: &str,
    options: &PortalOptions,
    remembered: Option<Remembered>,
    session: &Session,
) -> Result<Proof, Failure> {
    let plain = |sign_in| Proof {
        sign_in,
        scope_password: None,
    };
    if args.device_code {
        return Ok(plain(by_device(issuer, url, options, session).await?));
    }
    if args.session_cookie_stdin {
        let text = secrets::from_stdin("The session cookie")?;
        let mut lines = text.expose_secret().lines();
        let cookie = SecretString::from(lines.next().unwrap_or_default().trim());
        let password = lines.next().map(|l| SecretString::from(l).into());
        let ticket = session.engine.keep_hosted(cookie);
        return Ok(Proof {
            sign_in: PortalSignIn::Hosted { ticket },
            scope_password: password,
        });
    }
    if issuer == KeySource::JasminPortal {
        return Err(Failure::usage(
            "The JASMIN portal is signed in to in a browser.",
            "Sign in there, and send its session cookie (session=…) to standard input with --session-cookie-stdin.",
        ));
    }
    if let Some(id) = &args.application_credential {
        let secret = secrets::given(
            "The application credential's secret",
            args.password_stdin || session.secret_stdin,
        )?;
        return Ok(plain(PortalSignIn::ApplicationCredential {
            id: id.clone(),
            secret: secret.into(),
        }));
    }
    if let Some(id) = &args.source_key {
        let secret = secrets::given(
            "The secret access key",
            args.password_stdin || session.secret_stdin,
        )?;
        return Ok(plain(PortalSignIn::AccessKey {
            access_key_id: id.clone(),
            secret: secret.into(),
            session_token: None,
        }));
    }
    let (user, domain) = match (&args.user, remembered) {
        (Some(user), remembered) => (
            user.clone(),
            args.domain
                .clone()
                .or(remembered.map(|r| r.domain))
                .unwrap_or_default(),
        ),
        (None, Some(known)) if !known.user.is_empty() => {
            (known.user, args.domain.clone().unwrap_or(known.domain))
        }
        (None, _) => {
            return Err(Failure::usage(
                "Who signs in?",
                "Give --user; with Keystone also --domain, unless it is the default one.",
            ));
        }
    };
    let password = secrets::given("The password", args.password_stdin)?;
    Ok(plain(PortalSignIn::Password {
        user,
        domain,
        password: password.into(),
        totp: args.totp.clone(),
    }))
}

async fn by_device(
    issuer: KeySource,
    url: &str,
    options: &PortalOptions,
    session: &Session,
) -> Result<PortalSignIn, Failure> {
    let prompt = session
        .engine
        .oidc_begin(OidcRequest {
            way: OidcWay::DeviceCode,
            issuer,
            url: url.to_owned(),
            options: options.clone(),
            client_secret: None,
            ca_file: session.ca_file.as_ref().map(|p| p.display().to_string()),
            proxy: session.proxy.clone(),
        })
        .await?;
    // Standard error: standard output may be read by a program.
    match &prompt.code {
        Some(code) => eprintln!("Open {} and enter the code {code}", prompt.address),
        None => eprintln!("Open {}", prompt.address),
    }
    session.engine.oidc_wait(prompt.ticket.clone()).await?;
    Ok(PortalSignIn::Oidc {
        ticket: prompt.ticket,
    })
}

/// As given, over what the place's preset says.
pub fn options(args: &PortalArgs, preset: Option<&Provider>) -> PortalOptions {
    let known = preset.map(|p| PortalOptions::from(&p.issuer_options));
    let known = known.unwrap_or_default();
    let pick = |given: &Option<String>, known: String| given.clone().unwrap_or(known);
    PortalOptions {
        oidc_issuer: pick(&args.oidc_issuer, known.oidc_issuer),
        client_id: pick(&args.client_id, known.client_id),
        scopes: pick(&args.oidc_scopes, known.scopes),
        identity_provider: pick(&args.identity_provider, known.identity_provider),
        protocol: pick(&args.protocol, known.protocol),
        role_arn: pick(&args.role_arn, known.role_arn),
        session_name: pick(&args.session_name, known.session_name),
        duration: args.duration.or(known.duration),
    }
}

/// A day means its beginning in UTC, as portals have it.
pub fn wish(args: &WishArgs) -> Result<KeyWishForm, Failure> {
    let expires = args
        .expires
        .as_deref()
        .map(|text| {
            NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
                .map(|day| {
                    day.and_time(chrono::NaiveTime::MIN)
                        .and_utc()
                        .timestamp_millis()
                })
                .map_err(|_| {
                    Failure::usage(
                        format!("--expires: “{text}” is not a date."),
                        "Write it as YYYY-MM-DD, for example 2027-01-31.",
                    )
                })
        })
        .transpose()?;
    Ok(KeyWishForm {
        description: args.description.clone(),
        expires,
    })
}

impl From<IssuerArg> for KeySource {
    fn from(issuer: IssuerArg) -> Self {
        match issuer {
            IssuerArg::Keystone => Self::Keystone,
            IssuerArg::JasminPortal => Self::JasminPortal,
            IssuerArg::Swarm => Self::Swarm,
            IssuerArg::S3KeysManager => Self::S3KeysManager,
            IssuerArg::CraySts => Self::CraySts,
            IssuerArg::StsWebIdentity => Self::StsWebIdentity,
            IssuerArg::StsLdap => Self::StsLdap,
            IssuerArg::StsAssumeRole => Self::StsAssumeRole,
        }
    }
}
