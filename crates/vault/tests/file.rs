//! The encrypted file: what it keeps, who can read it, and what happens when it is not as expected.

use std::fs;
use std::path::PathBuf;

use secrecy::ExposeSecret;
use wherry_account::{Account, AccountId, Addressing, Home, KeyFacts, Signing};
use wherry_vault::{Secret, Vault, VaultError, VaultKind, VaultStatus};

const PASSPHRASE: &str = "correct horse";

struct Fixture {
    _dir: tempfile::TempDir,
    home: Home,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home::at(dir.path().join("wherry"));
        Self { _dir: dir, home }
    }

    fn vault(&self) -> Vault {
        Vault::open(VaultKind::File, &self.home)
    }

    async fn unlocked(&self) -> Vault {
        let vault = self.vault();
        vault.unlock(PASSPHRASE.into()).await.expect("unlocks");
        vault
    }

    fn path(&self) -> PathBuf {
        self.home.vault_file()
    }
}

fn account(id: &str) -> Account {
    Account {
        id: AccountId::from(id.to_owned()),
        name: format!("account {id}"),
        provider: "other".to_owned(),
        endpoint: "http://127.0.0.1:9".parse().expect("a URL"),
        region: "us-east-1".to_owned(),
        addressing: Addressing::Path,
        signing: Signing::V4,
        key: KeyFacts {
            access_key_id: Some("AKIA".to_owned()),
            ..KeyFacts::default()
        },
        ca_file: None,
        proxy: None,
        issuer: None,
        opened_buckets: Vec::new(),
        added: chrono::DateTime::UNIX_EPOCH,
    }
}

async fn loaded(vault: &Vault, id: &str) -> Option<String> {
    let secret = vault
        .load(&AccountId::from(id.to_owned()))
        .await
        .expect("loads")?;
    Some(secret.access_key().expose_secret().to_owned())
}

// Promise: One of them is a file encrypted with a passphrase, in the age format, which only its
// owner may read.
#[tokio::test]
async fn what_is_kept_is_there_for_the_passphrase_and_nobody_else() {
    let here = Fixture::new();
    let vault = here.vault();
    assert_eq!(vault.status().await, VaultStatus::NewPassphrase);
    let early = vault.store(&account("a"), &Secret::new("s".into())).await;
    assert!(
        matches!(
            early,
            Err(VaultError::Unavailable(VaultStatus::NewPassphrase))
        ),
        "{early:?}"
    );
    assert!(
        !here.path().exists(),
        "nothing is written without a passphrase"
    );
    assert!(matches!(
        vault.unlock(String::new().into()).await,
        Err(VaultError::EmptyPassphrase)
    ));

    vault
        .unlock(PASSPHRASE.into())
        .await
        .expect("makes the file");
    let secret = Secret::new("plain-secret-text".into())
        .with_session_token(Some("session-token-text".into()))
        .with_renewal(Some("refresh-token-text".into()));
    vault.store(&account("a"), &secret).await.expect("stores");
    let bytes = fs::read(here.path()).expect("reads");
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.starts_with("age-encryption.org/v1\n-> scrypt "),
        "{text}"
    );
    for hidden in [
        "plain-secret-text",
        "session-token-text",
        "refresh-token-text",
        PASSPHRASE,
        "AKIA",
        "account a",
    ] {
        assert!(!text.contains(hidden), "{hidden} is readable");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(here.path())
                .expect("is there")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }

    let again = here.vault();
    assert_eq!(again.status().await, VaultStatus::NeedsPassphrase);
    let refused = again.unlock("wrong horse".into()).await;
    assert!(
        matches!(refused, Err(VaultError::WrongPassphrase { .. })),
        "{refused:?}"
    );
    assert_eq!(again.status().await, VaultStatus::NeedsPassphrase);
    assert_eq!(fs::read(here.path()).expect("reads"), bytes);
    again.unlock(PASSPHRASE.into()).await.expect("unlocks");
    assert_eq!(again.status().await, VaultStatus::Ready);
    let seen = again
        .load(&AccountId::from("a".to_owned()))
        .await
        .expect("loads")
        .expect("is there");
    assert_eq!(seen.access_key().expose_secret(), "plain-secret-text");
    assert_eq!(
        seen.session_token().map(ExposeSecret::expose_secret),
        Some("session-token-text")
    );
    assert_eq!(
        seen.renewal().map(ExposeSecret::expose_secret),
        Some("refresh-token-text")
    );
}

/// What a Wherry wrote that knew of no renewals.
#[tokio::test]
async fn a_file_of_an_earlier_wherry_opens() {
    let here = Fixture::new();
    fs::create_dir_all(here.path().parent().expect("a folder")).expect("is made");
    let mut recipient = age::scrypt::Recipient::new(PASSPHRASE.to_owned().into());
    recipient.set_work_factor(2);
    let document = r#"{"format":1,"secrets":{"a":{"label":"Wherry: a","secret_access_key":"old","session_token":"t"}}}"#;
    let sealed = age::encrypt(&recipient, document.as_bytes()).expect("encrypts");
    fs::write(here.path(), sealed).expect("writes");
    let id = AccountId::from("a".to_owned());
    let seen = here.unlocked().await.load(&id).await.expect("loads");
    let seen = seen.expect("is there");
    assert_eq!(seen.access_key().expose_secret(), "old");
    assert!(seen.session_token().is_some() && seen.renewal().is_none());
}

#[tokio::test]
async fn two_wherrys_on_one_file_lose_nothing_of_each_other() {
    let here = Fixture::new();
    let (one, two) = (here.unlocked().await, here.unlocked().await);
    one.store(&account("a"), &Secret::new("from one".into()))
        .await
        .expect("stores");
    two.store(&account("b"), &Secret::new("from two".into()))
        .await
        .expect("stores");
    for vault in [&one, &two] {
        assert_eq!(loaded(vault, "a").await.as_deref(), Some("from one"));
        assert_eq!(loaded(vault, "b").await.as_deref(), Some("from two"));
    }
    let (first, second) = (account("c"), account("d"));
    let (c, d) = (Secret::new("c".into()), Secret::new("d".into()));
    let both = tokio::join!(one.store(&first, &c), two.store(&second, &d));
    both.0.and(both.1).expect("both store");
    one.delete(&AccountId::from("a".to_owned()))
        .await
        .expect("deletes");
    assert_eq!(loaded(&two, "a").await, None);
    assert_eq!(loaded(&two, "c").await.as_deref(), Some("c"));
    assert_eq!(loaded(&one, "d").await.as_deref(), Some("d"));
}

// Promise: A damaged account file or a damaged encrypted file is told and never written over.
#[tokio::test]
async fn a_damaged_file_is_told_and_never_written_over() {
    let here = Fixture::new();
    let vault = here.unlocked().await;
    vault
        .store(&account("a"), &Secret::new("precious".into()))
        .await
        .expect("stores");
    let good = fs::read(here.path()).expect("reads");

    let mut flipped = good.clone();
    *flipped.last_mut().expect("has bytes") ^= 1;
    let mut header = good.clone();
    let mac = good
        .windows(4)
        .position(|w| w == b"--- ")
        .expect("has a MAC line")
        + 6;
    header[mac] = if header[mac] == b'A' { b'B' } else { b'A' };
    let cut = good[..good.len() - 5].to_vec();
    let costly = String::from_utf8_lossy(&good)
        .replacen(" 17\n", " 30\n", 1)
        .into_bytes();
    for (what, bytes) in [
        ("a flipped bit", flipped),
        ("a changed header", header),
        ("a cut end", cut),
        ("no bytes", Vec::new()),
        ("another file", b"hello".to_vec()),
        ("a file that asks for hours of work", costly),
    ] {
        fs::write(here.path(), &bytes).expect("writes");
        let open = vault.store(&account("b"), &Secret::new("new".into())).await;
        assert!(
            matches!(open, Err(VaultError::Damaged { .. })),
            "{what}: {open:?}"
        );
        let fresh = here.vault().unlock(PASSPHRASE.into()).await;
        assert!(
            matches!(fresh, Err(VaultError::Damaged { .. })),
            "{what}: {fresh:?}"
        );
        assert_eq!(
            fs::read(here.path()).expect("reads"),
            bytes,
            "{what} was written over"
        );
    }

    fs::write(here.path(), &good).expect("the backup is put back");
    assert_eq!(loaded(&vault, "a").await.as_deref(), Some("precious"));
}

#[tokio::test]
async fn a_passphrase_changed_by_another_process_is_told() {
    let here = Fixture::new();
    let vault = here.unlocked().await;
    fs::remove_file(here.path()).expect("removes");
    here.vault()
        .unlock("another".into())
        .await
        .expect("makes a new file");
    let lost = vault.load(&AccountId::from("a".to_owned())).await;
    assert!(
        matches!(lost, Err(VaultError::WrongPassphrase { .. })),
        "{lost:?}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_and_nothing_is_lost() {
    let here = Fixture::new();
    let vault = here.unlocked().await;
    vault
        .store(&account("a"), &Secret::new("old".into()))
        .await
        .expect("stores");
    let good = fs::read(here.path()).expect("reads");
    fs::remove_file(here.path()).expect("removes");
    fs::create_dir(here.path()).expect("is in the way");
    let refused = vault.store(&account("a"), &Secret::new("new".into())).await;
    assert!(
        matches!(refused, Err(VaultError::File { .. })),
        "{refused:?}"
    );
    fs::remove_dir(here.path()).expect("clears");
    fs::write(here.path(), good).expect("restores");
    assert_eq!(loaded(&vault, "a").await.as_deref(), Some("old"));
}
