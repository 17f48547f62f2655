//! The words people read when something goes wrong. A change to them shows up as a change here, to
//! be read before it is accepted (`INSTA_UPDATE=always cargo test -p wherry-engine --test wording`).

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use wherry_account::export::{ExportError, MergeError};
use wherry_account::import::ImportError;
use wherry_account::{AccountsError, Malformed, NameProblem, ProviderError};
use wherry_engine::contract::Problem;
use wherry_engine::problem::{
    About, from_blocked, from_file_error, from_import, from_plan_error, from_portal, from_status,
    from_store,
};
use wherry_portal::{PortalError, Said, SignInMethod};
use wherry_store::{ErrorKind, StoreError};
use wherry_transfer::{Blocked, FileError, PlanError};
use wherry_vault::{VaultError, VaultStatus};

fn about() -> About {
    About {
        account: Some("id".into()),
        account_name: Some("lab".into()),
        host: "s3.example.org".into(),
        https: true,
        bucket: Some("thesis".into()),
        key: Some("data/run 1.nc".into()),
        can_make_key: true,
        ..About::default()
    }
}

fn show(out: &mut String, name: &str, problem: &Problem) {
    let _ = writeln!(
        out,
        "{name} [{}]\n  {}\n  {}",
        problem.code, problem.what, problem.todo
    );
    for remedy in &problem.remedies {
        let _ = writeln!(out, "  button: {remedy:?}");
    }
    assert!(problem.what.ends_with('.'), "{name}: {}", problem.what);
    assert!(!problem.what.ends_with(".."), "{name}: {}", problem.what);
    assert!(
        problem.todo.ends_with(['.', ')']) || problem.todo.is_empty(),
        "{name}: {}",
        problem.todo
    );
    assert!(
        !problem.what.contains("Error") && !problem.what.contains("::"),
        "{name}: {}",
        problem.what
    );
}

fn error(kind: ErrorKind) -> StoreError {
    let mut error = StoreError::new(kind, "list the bucket", "the system's own words");
    if kind == ErrorKind::Redirect {
        error.redirect = Some("eu-west-2".into());
    }
    if kind == ErrorKind::ClockSkew {
        error.clock_offset = Some(1200);
    }
    error
}

#[test]
fn what_stores_say() {
    let mut out = String::new();
    for kind in ErrorKind::ALL {
        show(
            &mut out,
            &format!("{kind:?}"),
            &from_store(&error(kind), &about()),
        );
    }
    let deleted = About {
        key_deleted: true,
        ..about()
    };
    show(
        &mut out,
        "Denied, key deleted",
        &from_store(&error(ErrorKind::Denied), &deleted),
    );
    let expired = About {
        key_expired: true,
        can_make_key: false,
        ..about()
    };
    show(
        &mut out,
        "Denied, key expired",
        &from_store(&error(ErrorKind::Denied), &expired),
    );
    insta::assert_snapshot!(out);
}

#[test]
fn what_happens_to_files() {
    let path = PathBuf::from("/home/ada/data/run 1.nc");
    let reason = || Arc::new(io::Error::from(io::ErrorKind::PermissionDenied));
    let files = [
        FileError::Vanished { path: path.clone() },
        FileError::Unreadable {
            path: path.clone(),
            reason: reason(),
        },
        FileError::ChangedHere { path: path.clone() },
        FileError::ChangedThere {
            key: "data/run 1.nc".into(),
        },
        FileError::Mismatch {
            name: "data/run 1.nc".into(),
            expected: "1".into(),
            found: "2".into(),
        },
        FileError::DiskFull {
            folder: path.clone(),
        },
        FileError::NotWritable {
            path: path.clone(),
            reason: reason(),
        },
        FileError::InTheWay { path: path.clone() },
        FileError::Detour { path: path.clone() },
        FileError::TooLarge {
            size: 60 << 40,
            limit: 5 << 40,
        },
        FileError::Differs {
            name: "data/a.nc".into(),
            expected: "MD5 5d41402abc4b2a76b9719d911017c592".into(),
            found: "MD5 7d793037a0760186574b0282f2f435e7".into(),
        },
        FileError::Unproven {
            name: "data/a.nc".into(),
        },
        FileError::LeftAlone {
            name: "a.nc".into(),
        },
    ];
    let mut out = String::new();
    for error in &files {
        let name = format!("{error:?}");
        let name = name.split([' ', '{']).next().unwrap_or_default();
        show(&mut out, name, &from_file_error(error, &about()));
    }
    let blocked = [
        Blocked::NotEnoughSpace {
            folder: path.clone(),
            needed: 5 << 30,
            free: 300,
        },
        Blocked::NotWritable {
            folder: path.clone(),
            reason: reason(),
        },
    ];
    for blocked in &blocked {
        show(&mut out, "Blocked", &from_blocked(blocked));
    }
    let plan = PlanError::Folder {
        folder: path,
        reason: reason(),
    };
    show(&mut out, "PlanError", &from_plan_error(&plan, &about()));
    insta::assert_snapshot!(out);
}

#[test]
fn what_portals_say() {
    let said = || {
        Box::new(Said {
            host: "keystone.example.org:5000".into(),
            status: 403,
            message: "You are not authorized to perform the requested action.".into(),
            request_id: Some("req-1".into()),
        })
    };
    let url = || {
        "http://keystone.example.org:5000/v3"
            .parse()
            .expect("an address")
    };
    let connection = |kind, message: &str| PortalError::Connection {
        kind,
        message: message.into(),
    };
    let refused = |with| PortalError::SignInRefused { with, said: said() };
    let no_project = |wanted: Option<&str>, available: &[&str]| PortalError::NoProject {
        wanted: wanted.map(str::to_owned),
        available: available.iter().map(ToString::to_string).collect(),
    };
    let errors = [
        PortalError::Address {
            typed: "ftp://x".into(),
            why: "it must begin with http:// or https://",
        },
        PortalError::OnlyUnencrypted { url: url() },
        connection(
            ErrorKind::HostUnknown,
            "there is no host named keystone.example.org",
        ),
        connection(
            ErrorKind::Unreachable,
            "nothing answers at keystone.example.org:5000",
        ),
        PortalError::NotAPortal {
            wanted: "an OpenStack identity service (Keystone)",
            host: "www.example.org".into(),
            excerpt: "Welcome".into(),
        },
        PortalError::Redirected {
            to: "https://login.example.org/".into(),
            said: said(),
        },
        refused(SignInMethod::Password),
        refused(SignInMethod::Totp),
        refused(SignInMethod::ApplicationCredential),
        PortalError::PasswordExpired { said: said() },
        PortalError::SignInAgain,
        no_project(None, &[]),
        no_project(None, &["demo", "survey"]),
        no_project(Some("nope"), &["demo", "survey"]),
        PortalError::RestrictedCredential { said: said() },
        PortalError::NotPermitted {
            doing: "make a key",
            said: said(),
        },
        PortalError::KeyLimit {
            limit: Some(2),
            said: said(),
        },
        PortalError::Unclear {
            cause: "the connection broke".into(),
        },
        PortalError::CannotDo {
            reason: "this portal cannot give a key a new secret; make a new key instead".into(),
        },
        PortalError::Fault {
            said: Box::new(Said {
                status: 503,
                ..*said()
            }),
        },
        PortalError::NotUnderstood {
            doing: "list your keys",
            said: said(),
        },
    ];
    let mut out = String::new();
    for error in &errors {
        show(&mut out, error.code(), &from_portal(error, Some("id")));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_accounts_and_the_keychain_say() {
    let path = || PathBuf::from("/home/ada/.config/wherry/accounts.toml");
    let io = || io::Error::from(io::ErrorKind::PermissionDenied);
    let toml = || Box::new(toml::from_str::<toml::Table>("format =").expect_err("is none"));
    let accounts = [
        AccountsError::Read {
            path: path(),
            source: io(),
        },
        AccountsError::Damaged {
            path: path(),
            source: toml(),
        },
        AccountsError::Newer {
            path: path(),
            version: 2,
        },
        AccountsError::Write {
            path: path(),
            source: io(),
        },
        AccountsError::Name(NameProblem::Empty),
        AccountsError::Name(NameProblem::Long),
        AccountsError::Name(NameProblem::Character(':')),
        AccountsError::Name(NameProblem::Taken("lab".into())),
        AccountsError::Unknown("lab".into()),
    ];
    let mut out = String::new();
    for error in accounts {
        let name = format!("{error:?}");
        let name = name
            .split([' ', '{', '('])
            .next()
            .unwrap_or_default()
            .to_owned();
        show(&mut out, &name, &error.into());
    }
    let providers = [
        ProviderError::FieldMissing {
            name: "tenancy".into(),
            label: "Tenancy".into(),
        },
        ProviderError::FieldOdd {
            name: "tenancy".into(),
            label: "Tenancy".into(),
        },
    ];
    for error in providers {
        show(&mut out, "Provider", &error.into());
    }
    for status in [
        VaultStatus::NoBus,
        VaultStatus::NoService,
        VaultStatus::Locked,
        VaultStatus::NeedsPassphrase,
        VaultStatus::NewPassphrase,
        VaultStatus::Other("the service went away".into()),
    ] {
        show(
            &mut out,
            &format!("{status:?}"),
            &from_status(&status).expect("is a problem"),
        );
    }
    let vault = || PathBuf::from("/home/ada/.config/wherry/vault.age");
    for error in [
        VaultError::WrongPassphrase { path: vault() },
        VaultError::EmptyPassphrase,
        VaultError::Damaged {
            path: vault(),
            why: "it has no bytes".into(),
        },
        VaultError::Unusable("it is not text".into()),
    ] {
        show(&mut out, "Vault", &error.into());
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_files_of_other_tools_say() {
    let path = || PathBuf::from("/home/ada/.aws/credentials");
    let io = || io::Error::from(io::ErrorKind::PermissionDenied);
    let source = Malformed {
        line: 7,
        what: "is neither a [section] nor a setting with “=”",
    };
    let tool = "AWS command line";
    let write = |done| MergeError::Write {
        path: path(),
        done,
        source: io(),
    };
    let mut out = String::new();
    for error in [
        MergeError::Export(ExportError::Odd {
            what: "the secret",
            tool,
        }),
        MergeError::Export(ExportError::Entry("a]b".into())),
        MergeError::NoFile("boto3"),
        MergeError::Read {
            path: path(),
            source: io(),
        },
        MergeError::Malformed {
            path: path(),
            source,
        },
        MergeError::Encrypted { path: path() },
        MergeError::Exists {
            path: path(),
            entry: "[lab]".into(),
        },
        write(0),
        write(1),
    ] {
        show(&mut out, "Merge", &error.into());
    }
    for (error, cloud) in [
        (
            ImportError::Read {
                path: path(),
                source: io(),
            },
            false,
        ),
        (ImportError::Large { path: path() }, false),
        (ImportError::NotText { path: path() }, false),
        (ImportError::NoKeys { path: path() }, false),
        (ImportError::NoKeys { path: path() }, true),
        (
            ImportError::Malformed {
                path: path(),
                source,
            },
            false,
        ),
        (ImportError::Encrypted { path: path() }, false),
    ] {
        show(&mut out, "Import", &from_import(&error, cloud));
    }
    insta::assert_snapshot!(out);
}
