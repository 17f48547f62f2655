//! What only a window can do: native dialogs, the clipboard, other programs, dragging out.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tauri::{AppHandle, Manager};
use tauri_plugin_clipboard_manager::ClipboardExt;
use tauri_plugin_opener::OpenerExt;
use wherry_engine::Engine;
use wherry_engine::commands::Shell;
use wherry_engine::contract::{CopyText, HostedRequest, KnownFolder, Pick, PickSave, Problem};

use crate::platform;
use crate::window::MAIN;

/// A secret stays on the clipboard for this long.
const SECRET_STAYS: Duration = Duration::from_mins(1);

pub struct Desktop {
    app: AppHandle,
    /// The secret that was copied last, until it is off the clipboard.
    copied: Arc<Mutex<Option<SecretString>>>,
}

impl Desktop {
    pub fn new(app: AppHandle) -> Self {
        Self {
            app,
            copied: Arc::default(),
        }
    }

    fn engine(&self) -> Engine {
        self.app.state::<Engine>().inner().clone()
    }

    fn dialog(&self, pick: &Pick) -> rfd::AsyncFileDialog {
        let mut dialog = rfd::AsyncFileDialog::new().set_title(&pick.title);
        if let Some(window) = self.app.get_webview_window(MAIN) {
            dialog = dialog.set_parent(&window);
        }
        let wanted = pick
            .folder
            .as_ref()
            .map(PathBuf::from)
            .filter(|f| f.is_dir());
        // Elsewhere the system remembers the last one; GTK begins with “Recent”, where a folder
        // cannot be chosen at all.
        let start = wanted.or_else(|| std::env::home_dir().filter(|_| cfg!(target_os = "linux")));
        match start {
            Some(folder) => dialog.set_directory(folder),
            None => dialog,
        }
    }

    /// Takes a secret off the clipboard again, after a while and when Wherry ends.
    fn clear_later(&self, secret: SecretString) {
        *lock(&self.copied) = Some(secret.clone());
        let (app, copied) = (self.app.clone(), Arc::clone(&self.copied));
        tauri::async_runtime::spawn(async move {
            tokio::time::sleep(SECRET_STAYS).await;
            take_off(&app, &secret);
            let mut copied = lock(&copied);
            if copied
                .as_ref()
                .is_some_and(|last| last.expose_secret() == secret.expose_secret())
            {
                *copied = None;
            }
        });
    }

    /// Nothing secret stays on the clipboard when the window is gone.
    pub fn leave(&self) {
        if let Some(secret) = lock(&self.copied).take() {
            take_off(&self.app, &secret);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Clears the clipboard, unless something else was copied meanwhile.
fn take_off(app: &AppHandle, secret: &SecretString) {
    let clipboard = app.clipboard();
    if clipboard
        .read_text()
        .is_ok_and(|text| text == secret.expose_secret())
    {
        let _ = clipboard.clear();
    }
}

fn words(path: &rfd::FileHandle) -> String {
    // Names that are not Unicode cannot be object keys; the plan says so about each of them.
    path.path().to_string_lossy().into_owned()
}

fn not_opened(error: impl ToString) -> Problem {
    Problem::new(
        "desktop.open",
        "No program could be started to show this.",
        "Open it by hand; the details below say what it is.",
    )
    .context("reason", error)
}

#[async_trait]
impl Shell for Desktop {
    async fn pick_files(&self, pick: Pick) -> Result<Vec<String>, Problem> {
        let files = self.dialog(&pick).pick_files().await.unwrap_or_default();
        Ok(files.iter().map(words).collect())
    }

    async fn pick_file(&self, pick: Pick) -> Result<Option<String>, Problem> {
        Ok(self.dialog(&pick).pick_file().await.as_ref().map(words))
    }

    async fn pick_folder(&self, pick: Pick) -> Result<Option<String>, Problem> {
        Ok(self.dialog(&pick).pick_folder().await.as_ref().map(words))
    }

    async fn pick_save(&self, save: PickSave) -> Result<Option<String>, Problem> {
        let pick = Pick {
            title: save.title,
            folder: None,
        };
        let dialog = self.dialog(&pick).set_file_name(save.name);
        Ok(dialog.save_file().await.as_ref().map(words))
    }

    async fn copy_text(&self, copy: CopyText) -> Result<(), Problem> {
        self.app
            .clipboard()
            .write_text(copy.text.clone())
            .map_err(|e| {
                Problem::new(
                    "desktop.clipboard",
                    "The clipboard could not be used.",
                    "Try again, or select the text and copy it by hand.",
                )
                .retryable()
                .context("reason", e)
            })?;
        if copy.secret {
            self.clear_later(copy.text.into());
        }
        Ok(())
    }

    async fn open_help(&self, url: String) -> Result<(), Problem> {
        // Only pages that Wherry itself names: a provider's help.
        let known = wherry_engine::help_pages().any(|page| page == url);
        if !known {
            return Err(Problem::fault(
                "The window asked for a page that is not one of Wherry's.",
                url,
            ));
        }
        self.app
            .opener()
            .open_url(url, None::<&str>)
            .map_err(not_opened)
    }

    async fn open_sign_in(&self, address: String) -> Result<(), Problem> {
        // Only where a sign-in that the engine began goes on.
        if !self.engine().is_sign_in_page(&address) {
            return Err(Problem::fault(
                "The window asked for a page that no sign-in leads to.",
                address,
            ));
        }
        self.app
            .opener()
            .open_url(address, None::<&str>)
            .map_err(not_opened)
    }

    async fn hosted_sign_in(&self, request: HostedRequest) -> Result<Option<String>, Problem> {
        let pages = self.engine().hosted_pages(&request)?;
        crate::hosted::sign_in(&self.app, pages).await
    }

    async fn hosted_close(&self) -> Result<(), Problem> {
        crate::hosted::close(&self.app);
        Ok(())
    }

    async fn show_folder(&self, folder: KnownFolder) -> Result<(), Problem> {
        let engine = self.engine();
        let path = match folder {
            KnownFolder::Logs => engine.home().logs(),
            KnownFolder::Practice => engine.home().practice(),
        };
        std::fs::create_dir_all(&path).map_err(not_opened)?;
        self.app
            .opener()
            .open_path(path.to_string_lossy(), None::<&str>)
            .map_err(|e| not_opened(e).context("folder", path.display()))
    }

    async fn show_download(&self, job: String) -> Result<(), Problem> {
        let path = self.engine().downloaded(&job)?;
        let shown = self.app.opener().reveal_item_in_dir(&path);
        shown
            .or_else(|_| {
                let folder = path
                    .parent()
                    .unwrap_or(&path)
                    .to_string_lossy()
                    .into_owned();
                self.app.opener().open_path(folder, None::<&str>)
            })
            .map_err(|e| not_opened(e).context("file", path.display()))
    }

    async fn drag_out(&self, job: String) -> Result<bool, Problem> {
        let staged = self.engine().staged(&job)?;
        let Some(window) = self.app.get_webview_window(MAIN) else {
            return Ok(false);
        };
        platform::drag_out(&window, staged).await
    }
}
