//! Stands in for the window: remembers instead of showing.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use wherry_engine::Engine;
use wherry_engine::commands::Shell;
use wherry_engine::contract::{CopyText, HostedRequest, KnownFolder, Pick, PickSave, Problem};

pub struct Stand {
    engine: Engine,
    /// What the user will pick in the next dialogs, one list of paths each.
    picks: Mutex<VecDeque<Vec<String>>>,
    /// What was copied, opened and dragged out, in order.
    seen: Mutex<Vec<Value>>,
}

impl Stand {
    pub fn beside(engine: Engine) -> Self {
        Self {
            engine,
            picks: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    pub fn will_pick(&self, paths: Vec<String>) {
        self.picks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(paths);
    }

    pub fn seen(&self) -> Value {
        Value::Array(
            self.seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }

    fn picked(&self) -> Vec<String> {
        self.picks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
            .unwrap_or_default()
    }

    fn note(&self, what: &str, value: impl Into<Value>) {
        let note = json!({ what: value.into() });
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(note);
    }
}

#[async_trait]
impl Shell for Stand {
    async fn pick_files(&self, _: Pick) -> Result<Vec<String>, Problem> {
        Ok(self.picked())
    }

    async fn pick_file(&self, _: Pick) -> Result<Option<String>, Problem> {
        Ok(self.picked().into_iter().next())
    }

    async fn pick_folder(&self, _: Pick) -> Result<Option<String>, Problem> {
        Ok(self.picked().into_iter().next())
    }

    async fn pick_save(&self, _: PickSave) -> Result<Option<String>, Problem> {
        Ok(self.picked().into_iter().next())
    }

    async fn copy_text(&self, copy: CopyText) -> Result<(), Problem> {
        self.note("copied", copy.text);
        Ok(())
    }

    async fn open_help(&self, url: String) -> Result<(), Problem> {
        self.note("opened", url);
        Ok(())
    }

    async fn open_sign_in(&self, address: String) -> Result<(), Problem> {
        if !self.engine.is_sign_in_page(&address) {
            return Err(Problem::fault("There is no such sign-in.", address));
        }
        self.note("opened", address);
        Ok(())
    }

    /// What the user would have signed in to: the next pick is the portal's cookie, none a closed window.
    async fn hosted_sign_in(&self, request: HostedRequest) -> Result<Option<String>, Problem> {
        let pages = self.engine.hosted_pages(&request)?;
        self.note("hosted", pages.start.to_string());
        let cookie = self.picked().into_iter().next();
        Ok(cookie.map(|cookie| self.engine.keep_hosted(cookie.into())))
    }

    async fn hosted_close(&self) -> Result<(), Problem> {
        self.note("hosted-close", String::new());
        Ok(())
    }

    async fn show_folder(&self, folder: KnownFolder) -> Result<(), Problem> {
        self.note("folder", format!("{folder:?}"));
        Ok(())
    }

    async fn show_download(&self, job: String) -> Result<(), Problem> {
        self.note("download", job);
        Ok(())
    }

    async fn drag_out(&self, job: String) -> Result<bool, Problem> {
        self.note("dragged", job);
        Ok(true)
    }
}

/// Waits until standard input is closed.
pub async fn input_ends() {
    let mut input = tokio::io::stdin();
    let mut byte = [0; 64];
    while matches!(input.read(&mut byte).await, Ok(n) if n > 0) {}
}
