//! Secrets in one file encrypted with a passphrase, for computers without a keychain.
//!
//! The format is age's (age-encryption.org/v1, scrypt recipient), so that `age -d vault.age` opens it
//! without Wherry; inside is a small JSON document. Two Wherrys may share the file: every change
//! reads it again under a lock. It is replaced by renaming a finished file over it, and never when
//! what is there cannot be read: a damaged file stays as it is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use age::secrecy::{ExposeSecret, SecretString};
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use serde::{Deserialize, Serialize};
use wherry_account::AccountId;
use zeroize::Zeroizing;

use crate::error::{VaultError, VaultStatus};
use crate::secret::Secret;

/// 2^17 rounds of scrypt, as OWASP's password storage sheet has it: about half a second and 128 MiB.
const WORK: u8 = 17;
/// Eight times that is the most that a file may ask of us.
const MOST_WORK: u8 = WORK + 3;
const FORMAT: u32 = 1;

pub struct FileVault {
    path: PathBuf,
    open: Mutex<Option<Open>>,
}

/// The file as it was last read or written.
struct Open {
    passphrase: SecretString,
    /// The encrypted bytes, to see whether another process has changed them.
    seen: Vec<u8>,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    label: String,
    secret: Secret,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    secrets: BTreeMap<&'a str, WrittenEntry<'a>>,
}

#[derive(Serialize)]
struct WrittenEntry<'a> {
    label: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renewal: Option<&'a str>,
}

#[derive(Deserialize)]
struct Document {
    format: u32,
    secrets: BTreeMap<String, ReadEntry>,
}

#[derive(Deserialize)]
struct ReadEntry {
    #[serde(default)]
    label: String,
    secret_access_key: String,
    #[serde(default)]
    session_token: Option<String>,
    #[serde(default)]
    renewal: Option<String>,
}

impl FileVault {
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            open: Mutex::new(None),
        }
    }

    pub fn status(&self) -> VaultStatus {
        if self.held().is_some() {
            VaultStatus::Ready
        } else if self.path.exists() {
            VaultStatus::NeedsPassphrase
        } else {
            VaultStatus::NewPassphrase
        }
    }

    pub fn unlock(&self, passphrase: SecretString) -> Result<(), VaultError> {
        if passphrase.expose_secret().is_empty() {
            return Err(VaultError::EmptyPassphrase);
        }
        let mut held = self.held();
        let _lock = self.lock()?;
        let open = if let Some(seen) = self.read()? {
            let entries = self.decrypt(&seen, &passphrase)?;
            Open {
                passphrase,
                seen,
                entries,
            }
        } else {
            let mut new = Open {
                passphrase,
                seen: Vec::new(),
                entries: BTreeMap::new(),
            };
            self.write(&mut new)?;
            new
        };
        *held = Some(open);
        Ok(())
    }

    pub fn load(&self, account: &AccountId) -> Result<Option<Secret>, VaultError> {
        let mut held = self.held();
        let open = held.as_mut().ok_or_else(|| self.locked())?;
        self.refresh(open)?;
        Ok(open
            .entries
            .get(account.as_str())
            .map(|entry| entry.secret.clone()))
    }

    pub fn store(
        &self,
        account: &AccountId,
        label: &str,
        secret: &Secret,
    ) -> Result<(), VaultError> {
        let entry = Entry {
            label: label.to_owned(),
            secret: secret.clone(),
        };
        self.change(|entries| {
            entries.insert(account.to_string(), entry);
            true
        })
    }

    pub fn delete(&self, account: &AccountId) -> Result<(), VaultError> {
        self.change(|entries| entries.remove(account.as_str()).is_some())
    }

    /// `edit` says whether it changed anything. What could not be written is not kept either.
    fn change(
        &self,
        edit: impl FnOnce(&mut BTreeMap<String, Entry>) -> bool,
    ) -> Result<(), VaultError> {
        let mut held = self.held();
        let open = held.as_mut().ok_or_else(|| self.locked())?;
        let _lock = self.lock()?;
        self.refresh(open)?;
        if !edit(&mut open.entries) {
            return Ok(());
        }
        self.write(open).inspect_err(|_| open.seen.clear())
    }

    fn locked(&self) -> VaultError {
        let exists = self.path.exists();
        VaultError::Unavailable(if exists {
            VaultStatus::NeedsPassphrase
        } else {
            VaultStatus::NewPassphrase
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what another process wrote. A file that is gone is made again by the next change.
    fn refresh(&self, open: &mut Open) -> Result<(), VaultError> {
        if let Some(now) = self.read()?
            && now != open.seen
        {
            open.entries = self.decrypt(&now, &open.passphrase)?;
            open.seen = now;
        }
        Ok(())
    }

    fn read(&self) -> Result<Option<Vec<u8>>, VaultError> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.failed("read", source)),
        }
    }

    fn decrypt(
        &self,
        bytes: &[u8],
        passphrase: &SecretString,
    ) -> Result<BTreeMap<String, Entry>, VaultError> {
        let damaged = |why: &str| VaultError::Damaged {
            path: self.path.clone(),
            why: why.to_owned(),
        };
        let decryptor =
            Decryptor::new_buffered(bytes).map_err(|_| damaged("its beginning cannot be read"))?;
        if !decryptor.is_scrypt() {
            return Err(damaged("it is not encrypted with a passphrase"));
        }
        let mut identity = scrypt::Identity::new(passphrase.clone());
        identity.set_max_work_factor(MOST_WORK);
        let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
        let mut reader = decryptor
            .decrypt(std::iter::once(&identity as &dyn age::Identity))
            .map_err(|e| match e {
                DecryptError::DecryptionFailed
                | DecryptError::KeyDecryptionFailed
                | DecryptError::NoMatchingKeys => VaultError::WrongPassphrase {
                    path: self.path.clone(),
                },
                DecryptError::ExcessiveWork { .. } => {
                    damaged("it asks for more work than Wherry ever would")
                }
                _ => damaged("its beginning was changed"),
            })?;
        reader
            .read_to_end(&mut plain)
            .map_err(|_| damaged("its contents were changed or cut short"))?;
        let document: Document =
            serde_json::from_slice(&plain).map_err(|_| damaged("its contents are not Wherry's"))?;
        if document.format > FORMAT {
            return Err(damaged("it was written by a newer Wherry"));
        }
        let entries = document.secrets.into_iter().map(|(account, entry)| {
            let token = entry.session_token.map(SecretString::from);
            let secret = Secret::new(entry.secret_access_key.into())
                .with_session_token(token)
                .with_renewal(entry.renewal.map(SecretString::from));
            (
                account,
                Entry {
                    label: entry.label,
                    secret,
                },
            )
        });
        Ok(entries.collect())
    }

    fn write(&self, open: &mut Open) -> Result<(), VaultError> {
        let failed = |source| self.failed("written", source);
        let plain = serialise(&open.entries).map_err(failed)?;
        let mut recipient = scrypt::Recipient::new(open.passphrase.clone());
        recipient.set_work_factor(WORK);
        let encryptor =
            Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
                .map_err(|e| failed(io::Error::other(e.to_string())))?;
        let mut sealed = Vec::with_capacity(plain.len() + 512);
        let mut writer = encryptor.wrap_output(&mut sealed).map_err(failed)?;
        writer
            .write_all(&plain)
            .and_then(|()| writer.finish().map(drop))
            .map_err(failed)?;

        // Temporary files are created readable by their owner only.
        let folder = self.folder();
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(&sealed)
            .and_then(|()| file.as_file().sync_all())
            .map_err(failed)?;
        file.persist(&self.path).map_err(|e| failed(e.error))?;
        #[cfg(unix)]
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        open.seen = sealed;
        Ok(())
    }

    fn lock(&self) -> Result<File, VaultError> {
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        let lock = folder
            .create(self.folder())
            .and_then(|()| File::create(self.path.with_extension("lock")));
        lock.and_then(|file| file.lock().map(|()| file))
            .map_err(|source| self.failed("locked", source))
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> VaultError {
        VaultError::File {
            path: self.path.clone(),
            doing,
            source,
        }
    }
}

fn serialise(entries: &BTreeMap<String, Entry>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut size = 64;
    let secrets = entries.iter().map(|(account, Entry { label, secret })| {
        let written = WrittenEntry {
            label,
            secret_access_key: secret.access_key().expose_secret(),
            session_token: secret.session_token().map(ExposeSecret::expose_secret),
            renewal: secret.renewal().map(ExposeSecret::expose_secret),
        };
        // Room for the worst escaping, so that the buffer never grows and leaves a copy behind.
        let text = label.len()
            + written.secret_access_key.len()
            + written.session_token.map_or(0, str::len)
            + written.renewal.map_or(0, str::len);
        size += 6 * (account.len() + text) + 100;
        (account.as_str(), written)
    });
    let document = Written {
        format: FORMAT,
        secrets: secrets.collect(),
    };
    let mut plain = Zeroizing::new(Vec::with_capacity(size));
    serde_json::to_writer(&mut *plain, &document)?;
    Ok(plain)
}
