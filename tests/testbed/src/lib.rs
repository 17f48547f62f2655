//! Real servers for the tests of the other crates: a Ceph S3 gateway (RGW), an OpenStack Keystone and an
//! OpenID Connect provider.
//!
//! A test asks for what it needs and gets addresses and keys:
//!
//! ```no_run
//! let rgw = wherry_testbed::Testbed::rgw();
//! let bucket = wherry_testbed::unique_bucket("listing");
//! println!("{} {} {bucket}", rgw.endpoint, rgw.access_key);
//! ```
//!
//! Under `make test`, or `tests/testbed/testbed with --rgw --keystone --oidc --tls -- cargo nextest run`,
//! all tests share one set of servers (the variable `WHERRY_TESTBED` names its description), so a
//! test may only touch buckets and credentials of its own. Outside of it, servers are started by the
//! first test of a process that asks and stopped when the last one lets go; expect 2 s for RGW, 5 s
//! with Keystone. A test that restarts, fills up or otherwise breaks a server starts a private one.
//!
//! This crate does not start servers itself: the script `testbed` beside it does, for every language.

mod held;

mod roles;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use held::{Held, Set};
use serde_json::Value;

/// The one script that starts and stops servers.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testbed");

/// The servers of this test run, shared with its other tests.
pub struct Testbed;

impl Testbed {
    /// The shared S3 gateway, over HTTP and HTTPS.
    ///
    /// # Panics
    /// When it cannot be started; the message says why.
    pub fn rgw() -> Rgw {
        Rgw::read(held::shared(Set::Rgw))
    }

    /// The shared Keystone, over HTTP and HTTPS.
    ///
    /// # Panics
    /// As [`Testbed::rgw`].
    pub fn keystone() -> Keystone {
        Self::both().0
    }

    /// The shared Keystone and the gateway that accepts the EC2 credentials issued there.
    ///
    /// # Panics
    /// As [`Testbed::rgw`].
    pub fn both() -> (Keystone, Rgw) {
        let held = held::shared(Set::Keystone);
        (Keystone::read(held.clone()), Rgw::read(held))
    }

    /// The shared OpenID Connect provider, over HTTP and HTTPS.
    ///
    /// # Panics
    /// As [`Testbed::rgw`].
    pub fn oidc() -> Oidc {
        Oidc::read(held::shared(Set::Oidc))
    }

    /// The folder with other S3 clients, to read what Wherry writes for them: `aws`, `rclone`, `s3cmd`, and a
    /// `python` with boto3 and s3fs.
    ///
    /// # Panics
    /// As [`Testbed::rgw`].
    pub fn tools() -> PathBuf {
        script("tools")
    }

    /// The shared Keystone, which lets in the people of the shared OpenID Connect provider.
    ///
    /// # Panics
    /// As [`Testbed::rgw`].
    pub fn federation() -> (Keystone, Oidc) {
        let held = held::shared(Set::Federation);
        (Keystone::read(held.clone()), Oidc::read(held))
    }

    /// A Python interpreter with boto3, the independent client to check results with.
    ///
    /// # Panics
    /// As [`Testbed::rgw`].
    pub fn python() -> PathBuf {
        script("python")
    }
}

/// What the script prints to this one word: a path.
fn script(word: &str) -> PathBuf {
    let done = Command::new(SCRIPT)
        .arg(word)
        .output()
        .expect("the testbed script runs");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).trim().into()
}

/// An S3 access key of the gateway's own, not from Keystone.
#[derive(Debug, Clone)]
pub struct Key {
    /// The gateway's name for its owner.
    pub uid: String,
    pub access_key: String,
    pub secret_key: String,
}

/// A Ceph S3 gateway.
#[derive(Debug)]
pub struct Rgw {
    /// `http://127.0.0.1:PORT`
    pub endpoint: String,
    /// The same over `http://localhost:PORT`; buckets are also at `http://BUCKET.localhost:PORT`.
    pub localhost_endpoint: String,
    /// `https://localhost:PORT`, with a certificate from [`Self::ca_file`].
    pub tls_endpoint: String,
    /// The private authority, in PEM, that no system trusts.
    pub ca_file: PathBuf,
    /// An ordinary user's key (`test`), the one to use unless a test needs another. It may also use
    /// the gateway's admin API.
    pub access_key: String,
    pub secret_key: String,
    /// A second ordinary user, who sees nothing of the first.
    pub other: Key,
    /// A user who may neither list nor create buckets, but may list and read [`Self::limited_bucket`].
    pub limited: Key,
    /// Owned by `test`; holds `about.txt` and `readings/2024.csv`. Do not change it.
    pub limited_bucket: String,
    /// The address that Keystone's catalog has for it.
    pub swift_endpoint: String,
    directory: PathBuf,
    held: Arc<Held>,
}

impl Rgw {
    /// A gateway for this test alone, stopped when dropped.
    ///
    /// # Panics
    /// When it cannot be started; the message says why.
    pub fn start_private() -> Self {
        Self::read(Arc::new(Held::start(&["--rgw", "--tls"])))
    }

    /// A private gateway with its token service (STS) on. Its refusals differ: a wrong key and a
    /// wrong secret are both `AccessDenied`.
    ///
    /// # Panics
    /// As [`Rgw::start_private`].
    pub fn start_private_with_sts() -> Self {
        Self::read(Arc::new(Held::start(&["--rgw", "--tls", "--sts"])))
    }

    /// Runs `radosgw-admin` against this gateway and returns what it printed: `quota set …`,
    /// `user suspend …`. Settings apply to everybody: private gateways only, or users of your own.
    ///
    /// # Panics
    /// When the command fails.
    pub fn admin(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("radosgw-admin");
        command
            .arg("-c")
            .arg(self.directory.join("ceph.conf"))
            .args(arguments);
        run(&mut command)
    }

    /// Restarts a private gateway on the same addresses; what is stored stays.
    ///
    /// # Panics
    /// When this is the shared one, which other tests are using, or when it does not come back.
    pub fn restart(&self) {
        assert!(
            self.held.is_own(),
            "only a private gateway may be restarted"
        );
        run(Command::new(SCRIPT)
            .args(["rgw", "restart"])
            .arg(self.held.directory()));
    }

    fn read(held: Arc<Held>) -> Self {
        let about = held.about("rgw");
        Self {
            endpoint: text(about, "/endpoint"),
            localhost_endpoint: text(about, "/localhost_endpoint"),
            tls_endpoint: text(about, "/tls_endpoint"),
            ca_file: text(about, "/ca_file").into(),
            access_key: text(about, "/user/access_key"),
            secret_key: text(about, "/user/secret_key"),
            other: key(about, "/other"),
            limited: key(about, "/limited"),
            limited_bucket: text(about, "/limited/bucket"),
            swift_endpoint: text(about, "/swift_endpoint"),
            directory: text(about, "/dir").into(),
            held,
        }
    }
}

/// Somebody who can sign in to Keystone.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub password: String,
}

/// An application credential: a name and a secret that stand for a person in one project.
#[derive(Debug, Clone)]
pub struct ApplicationCredential {
    pub id: String,
    pub name: String,
    pub secret: String,
}

/// A region of the service catalog.
#[derive(Debug, Clone)]
pub struct Region {
    pub name: String,
    /// What the catalog says for its object store; both regions lead to the same gateway.
    pub object_store: String,
}

/// An OpenStack Keystone.
#[derive(Debug)]
pub struct Keystone {
    /// `http://127.0.0.1:PORT/v3`
    pub url: String,
    /// `https://localhost:PORT/v3`, with a certificate from [`Self::ca_file`].
    pub tls_url: String,
    pub ca_file: PathBuf,
    /// The name of the domain everybody is in.
    pub domain: String,
    /// A member of both projects.
    pub alice: Person,
    /// Can sign in, but has no role in any project.
    pub bob: Person,
    /// A member of `survey`. Only a test that counts keys may make some as her, and only one does.
    pub carol: Person,
    /// The id of project `demo`.
    pub demo_project: String,
    /// The id of project `survey`.
    pub survey_project: String,
    /// Alice's, restricted, for project `demo`.
    pub application_credential: ApplicationCredential,
    /// `RegionOne` and `RegionTwo`.
    pub regions: Vec<Region>,
    /// What it calls the OpenID Connect provider, where it knows one.
    pub identity_provider: String,
    /// What it calls the way the provider's people come in.
    pub protocol: String,
    _held: Arc<Held>,
}

impl Keystone {
    /// A Keystone and a gateway for this test alone, stopped when both are dropped.
    ///
    /// # Panics
    /// When they cannot be started; the message says why.
    pub fn start_private() -> (Self, Rgw) {
        let held = Arc::new(Held::start(&["--keystone", "--rgw", "--tls"]));
        (Self::read(held.clone()), Rgw::read(held))
    }

    /// As [`Keystone::start_private`], with a gateway that, as in real life, remembers Keystone's
    /// answers, and so honours a deleted credential for up to five minutes or until restarted.
    ///
    /// # Panics
    /// As [`Keystone::start_private`].
    pub fn start_private_with_cache() -> (Self, Rgw) {
        let held = Arc::new(Held::start(&[
            "--keystone",
            "--rgw",
            "--tls",
            "--keystone-cache",
            "10000",
        ]));
        (Self::read(held.clone()), Rgw::read(held))
    }

    fn read(held: Arc<Held>) -> Self {
        let about = held.about("keystone");
        Self {
            url: text(about, "/url"),
            tls_url: text(about, "/tls_url"),
            ca_file: text(about, "/ca_file").into(),
            domain: text(about, "/domain"),
            alice: person(about, "/alice"),
            bob: person(about, "/bob"),
            carol: person(about, "/carol"),
            demo_project: text(about, "/projects/demo"),
            survey_project: text(about, "/projects/survey"),
            application_credential: ApplicationCredential {
                id: text(about, "/application_credential/id"),
                name: text(about, "/application_credential/name"),
                secret: text(about, "/application_credential/secret"),
            },
            regions: ["RegionOne", "RegionTwo"]
                .map(|name| Region {
                    name: name.into(),
                    object_store: text(about, &format!("/regions/{name}")),
                })
                .into(),
            identity_provider: text(about, "/identity_provider"),
            protocol: text(about, "/protocol"),
            _held: held,
        }
    }
}

/// Somebody who can sign in at the OpenID Connect provider.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub password: String,
}

/// An OpenID Connect provider, with Keycloak's password grant beside the standard's ways.
#[derive(Debug)]
pub struct Oidc {
    /// `http://127.0.0.1:PORT`
    pub issuer: String,
    /// A second issuer with the same people, `https://localhost:PORT`, with a certificate from
    /// [`Self::ca_file`].
    pub tls_issuer: String,
    pub ca_file: PathBuf,
    pub alice: Member,
    /// Must give a code of [`Self::code`] beside his password.
    pub tom: Member,
    /// A public client with every way to sign in. `shasta` and `cdse-public` are like it.
    pub client: String,
    /// A client with a secret, and that secret.
    pub confidential: (String, String),
    /// A public client with the password grant only, and without refresh tokens.
    pub password_client: String,
    /// Whom access tokens are for (`aud`); in ID tokens it is the client.
    pub audience: String,
    /// What an S3 gateway is told to know the provider's certificate by.
    pub thumbprint: String,
    _held: Arc<Held>,
}

impl Oidc {
    /// A provider for this test alone, stopped when dropped.
    ///
    /// # Panics
    /// When it cannot be started; the message says why.
    pub fn start_private() -> Self {
        Self::read(Arc::new(Held::start(&["--oidc", "--tls"])))
    }

    /// What tom's authenticator app shows: six digits, good once.
    ///
    /// # Panics
    /// When the provider does not answer.
    pub fn code(&self) -> String {
        self.get("/test/code", "")
    }

    /// Whose access token this is, if the provider would vouch for it; what a gateway in front of a
    /// service checks.
    ///
    /// # Panics
    /// When the provider does not answer.
    pub fn owner(&self, access_token: &str) -> Option<String> {
        let header = format!("Authorization: Bearer {access_token}\r\n");
        let answer: Value = serde_json::from_str(&self.get("/test/bearer", &header)).ok()?;
        Some(answer.get("name")?.as_str()?.to_owned())
    }

    /// HTTP by hand, because this crate is built for every test and shall stay small.
    fn get(&self, path: &str, headers: &str) -> String {
        let host = self.issuer.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).expect("the provider is there");
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {host}\r\n{headers}\r\n"
        )
        .expect("the provider takes a request");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the provider answers");
        answer
            .split_once("\r\n\r\n")
            .map_or_else(String::new, |(_, body)| body.to_owned())
    }

    fn read(held: Arc<Held>) -> Self {
        let about = held.about("oidc");
        let member = |name: &str| Member {
            name: text(about, &format!("/{name}/name")),
            password: text(about, &format!("/{name}/password")),
        };
        Self {
            issuer: text(about, "/issuer"),
            tls_issuer: text(about, "/tls_issuer"),
            ca_file: text(about, "/ca_file").into(),
            alice: member("alice"),
            tom: member("tom"),
            client: text(about, "/client"),
            confidential: (
                text(about, "/confidential/id"),
                text(about, "/confidential/secret"),
            ),
            password_client: text(about, "/password_client"),
            audience: text(about, "/audience"),
            thumbprint: text(about, "/thumbprint"),
            _held: held,
        }
    }
}

/// What a command finds when it looks for the system's keychain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keychain {
    /// A real one (gnome-keyring), new and empty, ready to be used.
    Unlocked,
    /// One that is locked, with nobody there who could be asked for its password.
    Locked,
    /// A session bus without one.
    Absent,
}

impl Keychain {
    /// A command that runs `program` on a session bus of its own with this keychain, in an empty home
    /// folder. A test that needs one runs itself again: `current_exe()` with `--exact NAME --ignored`.
    pub fn beside(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(SCRIPT);
        command.arg("keychain");
        match self {
            Self::Unlocked => {}
            Self::Locked => {
                command.arg("--locked");
            }
            Self::Absent => {
                command.arg("--absent");
            }
        }
        command.arg("--").arg(program);
        command
    }
}

/// A valid bucket name that nobody else has: `PREFIX-` and what makes it unique.
pub fn unique_bucket(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanoseconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    let mut name = prefix.to_lowercase().replace('_', "-");
    // Tests run in many processes at once: the process id tells them apart, the count tells calls.
    let _ = write!(
        name,
        "-{nanoseconds:x}-{:x}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    assert!(
        name.len() <= 63,
        "the prefix of a bucket name is too long: {prefix}"
    );
    name
}

fn run(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        done.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn text(about: &Value, pointer: &str) -> String {
    let value = about.pointer(pointer).and_then(Value::as_str);
    value
        .unwrap_or_else(|| panic!("the test bed's description has no {pointer}: {about}"))
        .into()
}

fn key(about: &Value, pointer: &str) -> Key {
    Key {
        uid: text(about, &format!("{pointer}/uid")),
        access_key: text(about, &format!("{pointer}/access_key")),
        secret_key: text(about, &format!("{pointer}/secret_key")),
    }
}

fn person(about: &Value, pointer: &str) -> Person {
    Person {
        id: text(about, &format!("{pointer}/id")),
        name: text(about, &format!("{pointer}/name")),
        password: text(about, &format!("{pointer}/password")),
    }
}
