//! The commands, each handed to the part of the engine that does it.

use async_trait::async_trait;
use wherry_vault::{Vault, VaultKind, VaultStatus};

use crate::commands::Desk;
use crate::contract::*;
use crate::engine::{Engine, lock};
use crate::problem::from_status;

type Answer<T> = Result<T, Problem>;

/// A window asks for what it can show; more is a mistake that would cost memory.
const MOST_ROWS: usize = 500;

#[async_trait]
impl Desk for Engine {
    async fn app_info(&self) -> Answer<AppInfo> {
        let home = self.home();
        Ok(AppInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: std::env::consts::OS.to_owned(),
            config_folder: home.config().display().to_string(),
            practice_folder: home.practice().display().to_string(),
            log_folder: home.logs().display().to_string(),
            vault: self.vault_view().await,
        })
    }

    async fn settings(&self) -> Answer<Settings> {
        Ok(self.inner.settings.read())
    }

    async fn save_settings(&self, settings: Settings) -> Answer<()> {
        let mut settings = settings;
        settings.text_scale = settings.text_scale.clamp(0.8, 2.0);
        // Chosen in `choose_vault`, which knows whether it works.
        settings.vault = self.inner.settings.read().vault;
        self.write_settings(&settings)?;
        self.apply_limits();
        self.schedule();
        Ok(())
    }

    async fn vault(&self) -> Answer<VaultView> {
        Ok(self.vault_view().await)
    }

    async fn choose_vault(&self, change: VaultChange) -> Answer<VaultView> {
        let kind = VaultKind::from(change.choice);
        let current = self.vault_in_use();
        let vault = if current.kind() == kind {
            current
        } else {
            Vault::open(kind, self.home())
        };
        if let Some(passphrase) = change.passphrase {
            vault.unlock(passphrase.into_secret()).await?;
        }
        let mut settings = self.inner.settings.read();
        settings.vault = Some(change.choice);
        self.write_settings(&settings)?;
        *lock(&self.inner.vault) = vault;
        lock(&self.inner.stores).clear();
        lock(&self.inner.verdicts).clear();
        self.inner.events.tell(Event::Vault {});
        self.inner.events.tell(Event::Accounts {});
        self.jobs_may_go_on();
        Ok(self.vault_view().await)
    }

    async fn retry_vault(&self) -> Answer<VaultView> {
        self.vault_in_use().retry().await;
        lock(&self.inner.verdicts).clear();
        self.inner.events.tell(Event::Vault {});
        self.jobs_may_go_on();
        Ok(self.vault_view().await)
    }

    async fn providers(&self) -> Answer<Vec<ProviderView>> {
        Ok(crate::accounts::provider_views())
    }

    async fn accounts(&self) -> Answer<Vec<AccountView>> {
        self.account_views()
    }

    async fn test_account(&self, form: AccountForm) -> Answer<AccountTest> {
        let existing = form
            .editing
            .as_deref()
            .map(|id| self.account(id))
            .transpose()?;
        self.try_form(form, existing.as_ref()).await
    }

    async fn add_account(&self, form: AccountForm) -> Answer<AccountView> {
        self.save_account(form).await
    }

    async fn edit_account(&self, edit: AccountEdit) -> Answer<AccountView> {
        self.change_account(edit).await
    }

    async fn remove_account(&self, account: String) -> Answer<()> {
        self.forget_account(&account).await
    }

    async fn give_secret(&self, secret: GivenSecret) -> Answer<AccountView> {
        self.take_secret(secret).await
    }

    async fn start_practice(&self) -> Answer<AccountView> {
        let account = self.practice_account().await?;
        self.inner.events.tell(Event::Accounts {});
        Ok(self.account_view(&account))
    }

    async fn import_clouds(&self, path: String) -> Answer<ImportView> {
        self.read_clouds(&path)
    }

    async fn oidc_begin(&self, request: OidcRequest) -> Answer<OidcPrompt> {
        self.begin_oidc(request).await
    }

    async fn oidc_wait(&self, ticket: String) -> Answer<()> {
        self.wait_oidc(&ticket).await
    }

    async fn oidc_cancel(&self, ticket: String) -> Answer<()> {
        self.cancel_oidc(&ticket);
        Ok(())
    }

    async fn portal_sign_in(&self, request: PortalRequest) -> Answer<SignedIn> {
        self.sign_in(request).await
    }

    async fn portal_scope(&self, request: ScopeRequest) -> Answer<ScopePlaces> {
        self.choose_scope(request).await
    }

    async fn portal_add_account(&self, request: PortalAccount) -> Answer<NewKey> {
        self.add_portal_account(request).await
    }

    async fn portal_sign_out(&self, session: String) -> Answer<()> {
        self.sign_out(&session).await;
        Ok(())
    }

    async fn account_sign_in(&self, sign_in: AccountSignIn) -> Answer<KeysView> {
        self.sign_in_again(sign_in).await
    }

    async fn account_keys(&self, account: String) -> Answer<KeysView> {
        self.keys(&account).await
    }

    async fn create_key(&self, request: NewKeyRequest) -> Answer<NewKey> {
        self.new_key(request).await
    }

    async fn reset_key(&self, key: KeyRef) -> Answer<NewKey> {
        self.reset(&key).await
    }

    async fn rotate_key(&self, request: NewKeyRequest) -> Answer<Rotated> {
        self.rotate(request).await
    }

    async fn create_region_key(&self, region: RegionRef) -> Answer<NewKey> {
        self.first_region_key(region).await
    }

    async fn await_key(&self, account: String) -> Answer<AccountTest> {
        self.wait_for_key(&account).await
    }

    async fn delete_orphan(&self, key: OrphanRef) -> Answer<KeyDeleted> {
        self.remove_orphan(&key).await
    }

    async fn delete_key(&self, key: KeyRef) -> Answer<KeyDeleted> {
        self.remove_key(&key).await
    }

    async fn reveal(&self, ticket: String) -> Answer<Revealed> {
        self.inner.reveals.redeem(&ticket)
    }

    async fn export_tools(&self) -> Answer<Vec<ExportToolView>> {
        Ok(self.tools())
    }

    async fn export_account(&self, request: ExportRequest) -> Answer<ExportView> {
        self.write_for_tool(request).await
    }

    async fn merge_plan(&self, request: ExportRequest) -> Answer<MergePlanView> {
        self.plan_merge(request).await
    }

    async fn merge_into_tool(&self, request: MergeRequest) -> Answer<MergedView> {
        self.merge(request).await
    }

    async fn save_export(&self, save: SaveExport) -> Answer<()> {
        self.save_for_tool(save).await
    }

    async fn import_keys(&self, path: String) -> Answer<KeysImportView> {
        self.read_keys(&path)
    }

    async fn add_imported(&self, add: AddImported) -> Answer<AccountView> {
        self.add_imported_key(add).await
    }

    async fn forget_import(&self, import: String) -> Answer<()> {
        self.forget_keys(&import);
        Ok(())
    }

    async fn buckets(&self, account: String) -> Answer<BucketsView> {
        self.list_buckets(&account).await
    }

    async fn check_bucket_name(&self, name: String) -> Answer<Option<String>> {
        Ok(crate::browse::bucket_name_problem(&name))
    }

    async fn create_bucket(&self, bucket: BucketRef) -> Answer<()> {
        self.make_bucket(&bucket).await
    }

    async fn delete_bucket(&self, bucket: BucketRef) -> Answer<()> {
        self.remove_bucket(&bucket).await
    }

    async fn open_bucket(&self, bucket: BucketRef) -> Answer<()> {
        self.open_by_name(&bucket).await
    }

    async fn forget_bucket(&self, bucket: BucketRef) -> Answer<()> {
        let account = self.account(&bucket.account)?;
        self.remember_bucket(&account, &bucket.bucket, false)
    }

    async fn parse_path(&self, path: TypedPath) -> Answer<Location> {
        self.understand_path(&path)
    }

    async fn open_listing(&self, location: Location) -> Answer<ListingView> {
        self.start_listing(location).await
    }

    async fn refresh_listing(&self, listing: String) -> Answer<ListingView> {
        self.list_again(&listing).await
    }

    async fn close_listing(&self, listing: String) -> Answer<()> {
        self.forget_listing(&listing);
        Ok(())
    }

    async fn rows(&self, request: RowsRequest) -> Answer<Rows> {
        let listing = self.listing(&request.listing)?;
        let count = request.count.min(MOST_ROWS);
        busy(move || listing.rows(&request.look, request.from, count)).await
    }

    async fn range(&self, request: RangeRequest) -> Answer<Vec<SelectedKey>> {
        let listing = self.listing(&request.listing)?;
        busy(move || listing.range(&request.look, request.from, request.to)).await
    }

    async fn find(&self, request: FindRequest) -> Answer<Option<usize>> {
        let listing = self.listing(&request.listing)?;
        busy(move || match (&request.key, &request.starts_with) {
            (Some(key), _) => listing.position(&request.look, key),
            (None, Some(start)) => listing.starting_with(&request.look, start, request.from),
            (None, None) => None,
        })
        .await
    }

    async fn create_folder(&self, folder: NewFolder) -> Answer<()> {
        self.make_folder(folder).await
    }

    async fn object_details(&self, object: ObjectRef) -> Answer<ObjectDetails> {
        self.details(&object).await
    }

    async fn object_link(&self, request: LinkRequest) -> Answer<Link> {
        self.link(&request).await
    }

    async fn plan(&self, request: PlanRequest) -> Answer<PlanView> {
        self.make_plan(request).await
    }

    async fn cancel_planning(&self, ticket: String) -> Answer<()> {
        self.inner.jobs.cancel_planning(&ticket);
        Ok(())
    }

    async fn drop_plan(&self, plan: String) -> Answer<()> {
        self.inner.jobs.drop_plan(&plan);
        Ok(())
    }

    async fn run_plan(&self, request: RunRequest) -> Answer<JobView> {
        self.start_job(&request).await
    }

    async fn jobs(&self) -> Answer<Vec<JobView>> {
        Ok(self.job_views().await)
    }

    async fn files(&self, request: FilesRequest) -> Answer<Files> {
        let engine = self.clone();
        tokio::task::spawn_blocking(move || engine.job_files(&request))
            .await
            .map_err(|e| Problem::fault("The files could not be listed.", e))?
    }

    async fn cancel_job(&self, job: String) -> Answer<JobView> {
        self.stop_job(&job).await
    }

    async fn retry_job(&self, job: String) -> Answer<JobView> {
        self.run_again(&job).await
    }

    async fn pause_job(&self, job: String) -> Answer<JobView> {
        self.halt_job(&job).await
    }

    async fn resume_job(&self, job: String) -> Answer<JobView> {
        self.let_go_on(&job).await
    }

    async fn move_job(&self, place: MoveJob) -> Answer<Vec<JobView>> {
        self.move_in_queue(&place).await
    }

    async fn undo_job(&self, job: String) -> Answer<JobView> {
        self.undo(&job).await
    }

    async fn forget_jobs(&self) -> Answer<()> {
        self.forget_ended();
        Ok(())
    }

    async fn plan_conflicts(&self, request: ConflictsRequest) -> Answer<Conflicts> {
        self.conflicts_page(&request)
    }

    async fn sync_rows(&self, request: SyncRowsRequest) -> Answer<SyncRows> {
        self.sync_page(&request)
    }

    async fn elsewhere(&self, request: ElsewhereRequest) -> Answer<ElsewhereView> {
        self.write_elsewhere(&request)
    }

    async fn save_elsewhere(&self, save: SaveElsewhere) -> Answer<()> {
        self.save_written_elsewhere(&save)
    }

    async fn history(&self, request: HistoryRequest) -> Answer<HistoryPage> {
        self.history_page(request).await
    }

    async fn history_files(&self, request: HistoryFilesRequest) -> Answer<HistoryFiles> {
        self.history_of_files(request).await
    }

    async fn clear_history(&self, job: Option<String>) -> Answer<()> {
        self.forget_history(job).await
    }

    async fn receipts(&self, request: ReceiptsRequest) -> Answer<Receipts> {
        self.receipts_page(request).await
    }

    async fn save_receipts(&self, save: SaveReceipts) -> Answer<SavedReceipts> {
        self.save_receipts_of(save).await
    }

    async fn verify(&self, what: VerifyWhat) -> Answer<JobView> {
        self.verify_again(what).await
    }

    async fn unfinished_uploads(&self, bucket: BucketRef) -> Answer<Unfinished> {
        self.list_unfinished(&bucket).await
    }

    async fn clean_uploads(&self, clean: CleanUploads) -> Answer<Cleaned> {
        self.clean_unfinished(clean).await
    }

    async fn saved_syncs(&self) -> Answer<Vec<SavedSync>> {
        self.list_syncs().await
    }

    async fn save_sync(&self, save: SaveSync) -> Answer<SavedSync> {
        self.keep_sync(save).await
    }

    async fn delete_saved_sync(&self, id: String) -> Answer<()> {
        self.forget_sync(&id).await
    }
}

/// Sorting a million rows is no work for the threads that serve the network.
async fn busy<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Problem::fault("The folder could not be sorted.", e))
}

impl Engine {
    fn write_settings(&self, settings: &Settings) -> Answer<()> {
        self.inner.settings.write(settings).map_err(|e| {
            Problem::new(
                "settings.write",
                format!("The settings could not be kept: {e}."),
                "Make sure the disk has room and the folder is yours.",
            )
            .context("file", self.home().settings_file().display())
        })
    }

    async fn vault_view(&self) -> VaultView {
        let vault = self.vault_in_use();
        let status = vault.status().await;
        let name = match vault.kind() {
            VaultKind::Keychain if cfg!(target_os = "macos") => "Keychain",
            VaultKind::Keychain if cfg!(windows) => "Windows Credential Manager",
            VaultKind::Keychain => "Secret Service",
            VaultKind::File => "a file encrypted with your passphrase",
            VaultKind::Session => "memory, until you quit",
        };
        VaultView {
            choice: vault.kind().into(),
            state: match status {
                VaultStatus::Ready => VaultState::Ready,
                VaultStatus::NeedsPassphrase => VaultState::Locked,
                VaultStatus::NewPassphrase => VaultState::New,
                VaultStatus::NoBus
                | VaultStatus::NoService
                | VaultStatus::Locked
                | VaultStatus::Other(_) => VaultState::Unavailable,
            },
            name: name.to_owned(),
            problem: from_status(&status),
        }
    }
}
