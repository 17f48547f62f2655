//! Running servers, and letting go of them.
//!
//! The script that started them stops them when its standard input ends. A test process that is
//! killed, and so never drops anything, ends that input too: nothing is left behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;

use crate::SCRIPT;

/// Servers that run at least as long as this value lives.
#[derive(Debug)]
pub(crate) struct Held {
    about: Value,
    /// The script that stops them, unless somebody else started them.
    holder: Option<Child>,
}

/// Servers that are started together when a test outside of a test bed asks for one of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Set {
    Rgw,
    /// With the gateway that trusts it.
    Keystone,
    Oidc,
    /// A Keystone that lets in the people of an OpenID Connect provider.
    Federation,
}

impl Set {
    fn wanted(self) -> &'static [&'static str] {
        match self {
            Self::Rgw => &["--rgw", "--tls"],
            Self::Keystone => &["--rgw", "--keystone", "--tls"],
            Self::Oidc => &["--oidc", "--tls"],
            Self::Federation => &["--rgw", "--keystone", "--oidc", "--tls"],
        }
    }
}

/// The servers that `WHERRY_TESTBED` describes, or else this process's own, started once.
pub(crate) fn shared(set: Set) -> Arc<Held> {
    static OWN: [Mutex<Weak<Held>>; 4] = [const { Mutex::new(Weak::new()) }; 4];
    if let Some(description) = std::env::var_os("WHERRY_TESTBED") {
        let running = Held::running(Path::new(&description));
        // Those with a provider are quickly there, for test runs that were started without one.
        if !matches!(set, Set::Oidc | Set::Federation) || running.about.get("oidc").is_some() {
            return Arc::new(running);
        }
    }
    // One test panicking must not take the others' servers away: a poisoned lock is as good as any.
    let mut own = OWN[set as usize]
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    own.upgrade().unwrap_or_else(|| {
        let held = Arc::new(Held::start(set.wanted()));
        *own = Arc::downgrade(&held);
        held
    })
}

impl Held {
    pub(crate) fn start(wanted: &[&str]) -> Self {
        let mut holder = Command::new(SCRIPT)
            .arg("hold")
            .args(wanted)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{SCRIPT}: {error}"));
        let mut line = String::new();
        if let Some(output) = holder.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .expect("the testbed script's output is readable");
        }
        let about = serde_json::from_str(&line).unwrap_or_else(|_| {
            let _ = holder.wait();
            panic!("the servers did not start (its words are above); try `{SCRIPT} install`")
        });
        Self {
            about,
            holder: Some(holder),
        }
    }

    fn running(description: &Path) -> Self {
        let shown = description.display();
        let text = std::fs::read_to_string(description)
            .unwrap_or_else(|error| panic!("WHERRY_TESTBED={shown}: {error}"));
        let about = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("WHERRY_TESTBED={shown}: {error}"));
        Self {
            about,
            holder: None,
        }
    }

    /// What the description says about one server.
    pub(crate) fn about(&self, server: &str) -> &Value {
        self.about
            .get(server)
            .unwrap_or_else(|| panic!("the test bed runs no {server}: start it with --{server}"))
    }

    pub(crate) fn directory(&self) -> &str {
        self.about["dir"]
            .as_str()
            .expect("the description names its folder")
    }

    /// Whether this process started them, and so may break them.
    pub(crate) fn is_own(&self) -> bool {
        self.holder.is_some()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(mut holder) = self.holder.take() {
            drop(holder.stdin.take());
            let _ = holder.wait();
        }
    }
}
