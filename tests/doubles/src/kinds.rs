//! The doubles by name, and what a test in another language can do with a running one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wherry_doubles::{
    Backing, Bearers, Cray, Full, Gateway, Jasmin, JasminOptions, MinioLdap, Propagation,
    S3KeysManager, Serving, Swarm, Tls, Tokens, Trouble,
};

type OnDeed = Box<dyn Fn(&Value) -> Result<Value, String>>;

/// A double that runs until this is dropped.
pub struct Running {
    /// Where it is and who lives there.
    pub about: Value,
    pub on_deed: OnDeed,
}

/// Starts a double of this kind.
pub fn start(kind: &str, options: &str) -> Result<Running, String> {
    match kind {
        "jasmin" => Ok(jasmin(&read(options)?)),
        "swarm" => Ok(swarm(&read(options)?)),
        "s3-keys-manager" => s3_keys_manager(&read(options)?),
        "cray" => cray(&read(options)?),
        "minio-ldap" => Ok(minio_ldap(&read(options)?)),
        _ => Err(format!("there is no double “{kind}”")),
    }
}

/// What every double takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// The store behind it; without one, its keys open nothing.
    rgw: Option<Gateway>,
    /// Serve HTTPS, with a certificate of the test bed's authority, whose file this is.
    ca_file: Option<PathBuf>,
    /// The JASMIN portal's cookie without `Secure`, for browsers that talk plain HTTP to it.
    #[serde(default)]
    cookie_for_plain_http: bool,
    /// What judges bearer tokens: `{"issuer": URL}` or `{"fixed": {TOKEN: NAME}}`.
    bearers: Option<Bearers>,
    /// The store's own token service is on.
    #[serde(default)]
    store_has_sts: bool,
}

impl Options {
    fn backing(&self) -> Backing {
        self.rgw
            .clone()
            .map_or_else(Backing::none, Backing::gateway)
    }

    fn bearers(&self) -> Result<Bearers, String> {
        self.bearers.clone().ok_or("who judges tokens?".to_owned())
    }

    fn tls(&self) -> Option<Tls> {
        self.ca_file.as_deref().map(Tls::of_test_bed)
    }
}

fn read<T: DeserializeOwned>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| format!("the options: {error}"))
}

fn about(tokens: &Tokens) -> Value {
    json!({"people": tokens.people(), "tenancies": tokens.tenancies()})
}

/// The gateway of the first tenancy, which S3 clients go to as well.
fn swarm(options: &Options) -> Running {
    let (tokens, swarm) = gateway(options);
    let mut about = about(&tokens);
    about["url"] = json!(swarm.url());
    about["tenancy"] = json!(swarm.tenancy);
    let swarm = Arc::new(swarm);
    Running {
        about,
        on_deed: Box::new(move |deed| deeds(deed, &swarm, &swarm.serving)),
    }
}

/// The portal in front of that gateway.
fn jasmin(options: &Options) -> Running {
    let (tokens, swarm) = gateway(options);
    let portal_options = JasminOptions {
        tls: options.tls(),
        cookie_for_plain_http: options.cookie_for_plain_http,
    };
    let jasmin = Jasmin::start(tokens.clone(), &portal_options);
    let mut about = about(&tokens);
    about["url"] = json!(jasmin.url());
    about["institution_url"] = json!(jasmin.institution.url);
    about["store_url"] = json!(swarm.url());
    Running {
        about,
        on_deed: Box::new(move |deed| match text(deed, "do")? {
            "end-sessions" => {
                jasmin.end_sessions();
                Ok(json!({}))
            }
            "session" => Ok(json!({"cookie": jasmin.session_of(text(deed, "user")?)})),
            _ => deeds(deed, &swarm, &jasmin.serving),
        }),
    }
}

fn s3_keys_manager(options: &Options) -> Result<Running, String> {
    let tls = options.tls();
    let manager = S3KeysManager::start(options.bearers()?, options.backing(), tls.as_ref());
    Ok(Running {
        about: json!({"url": manager.url()}),
        on_deed: Box::new(move |deed| match text(deed, "do")? {
            "keys" => {
                let keys = manager.credentials();
                let keys = keys
                    .iter()
                    .map(|key| json!({"access_key_id": key.access_id, "owner": key.owner, "expires": key.expires}));
                Ok(json!({"keys": keys.collect::<Vec<_>>()}))
            }
            "most" => {
                let most = number(deed, "most")?;
                manager.most(usize::try_from(most).map_err(|e| e.to_string())?);
                Ok(json!({}))
            }
            "propagate-after" => {
                let time = Duration::from_millis(number(deed, "milliseconds")?);
                manager.propagate_by(Propagation::After(time));
                Ok(json!({}))
            }
            _ => asked(deed, &manager.serving),
        }),
    })
}

fn cray(options: &Options) -> Result<Running, String> {
    let tls = options.tls();
    let backing = options.backing();
    let cray = Cray::start(
        options.bearers()?,
        backing,
        options.store_has_sts,
        tls.as_ref(),
    );
    Ok(Running {
        about: json!({"url": cray.url()}),
        on_deed: Box::new(move |deed| match text(deed, "do")? {
            "lent" => {
                let lent = cray.lent();
                let lent = lent
                    .iter()
                    .map(|key| json!({"access_key_id": key.access_key_id, "to": key.to, "expires": key.expires}));
                Ok(json!({"lent": lent.collect::<Vec<_>>()}))
            }
            "endpoint" => {
                cray.endpoint(deed["url"].as_str());
                Ok(json!({}))
            }
            "seems-to-last" => {
                let seconds = number(deed, "seconds")?;
                cray.seems_to_last(TimeDelta::seconds(seconds.cast_signed()));
                Ok(json!({}))
            }
            "trouble" => {
                cray.trouble(match deed["with"].as_str() {
                    Some("store") => Some(Trouble::Store),
                    Some("setup") => Some(Trouble::Setup),
                    None => None,
                    Some(other) => return Err(format!("no trouble with “{other}”")),
                });
                Ok(json!({}))
            }
            _ => asked(deed, &cray.serving),
        }),
    })
}

fn minio_ldap(options: &Options) -> Running {
    let minio = MinioLdap::start(options.backing(), options.tls().as_ref());
    Running {
        about: json!({"url": minio.url(), "people": minio.people}),
        on_deed: Box::new(move |deed| asked(deed, &minio.serving)),
    }
}

fn gateway(options: &Options) -> (Tokens, Swarm) {
    let tokens = Tokens::of_a_small_site(options.backing());
    let swarm = Swarm::start(tokens.clone(), "cedadev-o", options.tls().as_ref());
    let host = swarm.url().split_once("://").map_or("", |(_, host)| host);
    tokens.move_to(host);
    (tokens, swarm)
}

fn deeds(deed: &Value, swarm: &Swarm, serving: &Serving) -> Result<Value, String> {
    match text(deed, "do")? {
        "keys" => {
            let tokens = swarm.tokens.all();
            let keys = tokens.iter().map(|token| {
                json!({"access_key_id": token.name, "description": token.source, "expires": token.expires})
            });
            Ok(json!({"keys": keys.collect::<Vec<_>>()}))
        }
        "full" => {
            swarm.full(match deed["status"].as_u64() {
                Some(403) => Some(Full::FORBIDDEN),
                Some(507) => Some(Full::INSUFFICIENT_STORAGE),
                None => None,
                Some(other) => return Err(format!("not full with {other}")),
            });
            Ok(json!({}))
        }
        "out-of-order" => {
            let status = deed["status"].as_u64().and_then(|s| u16::try_from(s).ok());
            swarm.tokens.out_of_order(status);
            Ok(json!({}))
        }
        _ => asked(deed, serving),
    }
}

/// What every double can tell.
fn asked(deed: &Value, serving: &Serving) -> Result<Value, String> {
    match text(deed, "do")? {
        "asked" => {
            let asked = serving.asked();
            let lines = asked.iter().map(|a| format!("{} {}", a.method, a.path));
            Ok(json!({"asked": lines.collect::<Vec<_>>()}))
        }
        other => Err(format!("“{other}” cannot be done")),
    }
}

fn number(deed: &Value, name: &str) -> Result<u64, String> {
    deed[name].as_u64().ok_or(format!("“{name}” is missing"))
}

fn text<'a>(deed: &'a Value, name: &str) -> Result<&'a str, String> {
    deed[name].as_str().ok_or(format!("“{name}” is missing"))
}
