//! Every command the user interface can give, declared once.
//!
//! [`Desk`] is what the engine does; [`Shell`] is what only a window can do. The desktop app and
//! the browser test harness both dispatch through here, and TypeScript's `Commands` is generated
//! from the same lines, so that a missing or changed command does not compile on either side.

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::contract::*;

type Answer<T> = Result<T, Problem>;

fn parse<T: DeserializeOwned>(command: &str, args: Value) -> Answer<T> {
    // The values are not repeated: one of them may be a password.
    serde_json::from_value(args).map_err(|e| Problem {
        code: "app.arguments".into(),
        what: format!("The window sent something that “{command}” does not understand."),
        todo: "This is a fault in Wherry; the log says more.".into(),
        remedies: vec![Remedy::ShowLog],
        retry: false,
        context: vec![("place".into(), format!("{:?}", e.classify()))],
    })
}

fn answer<T: serde::Serialize>(value: &T) -> Answer<Value> {
    serde_json::to_value(value).map_err(|e| Problem {
        code: "app.answer".into(),
        what: "The answer could not be written down.".into(),
        todo: "This is a fault in Wherry; the log says more.".into(),
        remedies: vec![Remedy::ShowLog],
        retry: false,
        context: vec![("reason".into(), e.to_string())],
    })
}

/// One command as TypeScript sees it.
pub struct Signature {
    pub name: &'static str,
    pub doc: &'static str,
    pub args: String,
    pub result: String,
}

macro_rules! commands {
    (
        $(#[$meta:meta])*
        trait $trait:ident, dispatch $dispatch:ident, signatures $signatures:ident;
        $( #[doc = $doc:literal] $name:ident ( $( $arg:ident : $argty:ty )? ) -> $out:ty; )*
    ) => {
        $(#[$meta])*
        #[async_trait]
        pub trait $trait: Send + Sync {
            $( #[doc = $doc] async fn $name(&self $(, $arg: $argty)?) -> Answer<$out>; )*
        }

        /// Calls a command by name; `None` when there is none of this name.
        pub async fn $dispatch(to: &dyn $trait, name: &str, args: Value) -> Option<Answer<Value>> {
            Some(match name {
                $( stringify!($name) => {
                    commands!(@call to, args, $name $(, $argty)?)
                } )*
                _ => return None,
            })
        }

        /// The commands, for generating TypeScript.
        pub fn $signatures(cfg: &ts_rs::Config) -> Vec<Signature> {
            vec![ $( Signature {
                name: stringify!($name),
                doc: $doc,
                args: commands!(@type cfg $(, $argty)?),
                result: <$out as ts_rs::TS>::name(cfg),
            } ),* ]
        }
    };
    (@call $to:ident, $args:ident, $name:ident) => {
        match $to.$name().await { Ok(out) => answer(&out), Err(e) => Err(e) }
    };
    (@call $to:ident, $args:ident, $name:ident, $argty:ty) => {
        match parse::<$argty>(stringify!($name), $args) {
            Ok(arg) => match $to.$name(arg).await { Ok(out) => answer(&out), Err(e) => Err(e) },
            Err(e) => Err(e),
        }
    };
    (@type $cfg:ident) => { "null".to_owned() };
    (@type $cfg:ident, $argty:ty) => { <$argty as ts_rs::TS>::name($cfg) };
}

commands! {
    /// What the engine does for the interface.
    trait Desk, dispatch dispatch_desk, signatures desk_signatures;

    #[doc = "Version, platform, folders, and where secrets are kept."]
    app_info() -> AppInfo;
    #[doc = "How the window looks and where the user was."]
    settings() -> Settings;
    #[doc = "Keeps the settings."]
    save_settings(settings: Settings) -> ();
    #[doc = "Where secrets are kept, and whether that works."]
    vault() -> VaultView;
    #[doc = "Chooses where secrets are kept, or unlocks the encrypted file."]
    choose_vault(change: VaultChange) -> VaultView;
    #[doc = "Asks the keychain once more."]
    retry_vault() -> VaultView;

    #[doc = "The places an account can be at, best first."]
    providers() -> Vec<ProviderView>;
    #[doc = "All accounts, in the order they were added."]
    accounts() -> Vec<AccountView>;
    #[doc = "Tries an account against its store without saving anything."]
    test_account(form: AccountForm) -> AccountTest;
    #[doc = "Saves an account: the secret to the vault, the rest to the account file."]
    add_account(form: AccountForm) -> AccountView;
    #[doc = "Changes an account."]
    edit_account(edit: AccountEdit) -> AccountView;
    #[doc = "Forgets an account and its secret. The key itself stays at its portal."]
    remove_account(account: String) -> ();
    #[doc = "Gives the secret of an account whose vault does not have it."]
    give_secret(secret: GivenSecret) -> AccountView;
    #[doc = "Starts the practice store and its account, made at the first time."]
    start_practice() -> AccountView;

    #[doc = "Reads a clouds.yaml or openrc file; nothing in it is executed."]
    import_clouds(path: String) -> ImportView;
    #[doc = "Begins a sign-in that goes on in a browser."]
    oidc_begin(request: OidcRequest) -> OidcPrompt;
    #[doc = "Answers when the user has signed in there, or it failed or was cancelled."]
    oidc_wait(ticket: String) -> ();
    #[doc = "Gives up a sign-in that goes on in a browser."]
    oidc_cancel(ticket: String) -> ();
    #[doc = "Signs in to a portal. The token stays here; the answer names it."]
    portal_sign_in(request: PortalRequest) -> SignedIn;
    #[doc = "Chooses what the key is for: its S3 endpoints, the keys one has, and what new ones can be like."]
    portal_scope(request: ScopeRequest) -> ScopePlaces;
    #[doc = "Makes a key and an account that uses it."]
    portal_add_account(request: PortalAccount) -> NewKey;
    #[doc = "Forgets a sign-in."]
    portal_sign_out(session: String) -> ();
    #[doc = "Signs in to the portal of an existing account."]
    account_sign_in(sign_in: AccountSignIn) -> KeysView;
    #[doc = "The keys of an account, as far as its portal can be asked now."]
    account_keys(account: String) -> KeysView;
    #[doc = "Makes a new key for an account, which uses it from then on. The old one stays until it is deleted."]
    create_key(request: NewKeyRequest) -> NewKey;
    #[doc = "Gives a key a new secret, which the account uses from then on; the old secret stops working."]
    reset_key(key: KeyRef) -> NewKey;
    #[doc = "Makes a new key, proves that it works, uses it, and only then deletes the old one. A failure leaves the account with the old key."]
    rotate_key(request: NewKeyRequest) -> Rotated;
    #[doc = "Makes the key of a region that has none yet, and an account for it."]
    create_region_key(region: RegionRef) -> NewKey;
    #[doc = "Tries an account's new key until the store knows it, as long as its portal says that may take."]
    await_key(account: String) -> AccountTest;
    #[doc = "Deletes a key at the portal."]
    delete_key(key: KeyRef) -> KeyDeleted;
    #[doc = "Deletes a key that was made and whose secret was lost on the way."]
    delete_orphan(key: OrphanRef) -> KeyDeleted;
    #[doc = "Exchanges a reveal ticket for the secret, once."]
    reveal(ticket: String) -> Revealed;

    #[doc = "The tools an account can be handed over to."]
    export_tools() -> Vec<ExportToolView>;
    #[doc = "Writes an account down for another tool; with the secret only when that is asked for."]
    export_account(request: ExportRequest) -> ExportView;
    #[doc = "What adding an account to a tool's own file would change."]
    merge_plan(request: ExportRequest) -> MergePlanView;
    #[doc = "Adds an account to a tool's own file; the file as it was is kept beside it."]
    merge_into_tool(request: MergeRequest) -> MergedView;
    #[doc = "Saves what is written for a tool."]
    save_export(save: SaveExport) -> ();
    #[doc = "Reads the keys in another tool's file; nothing in it is executed."]
    import_keys(path: String) -> KeysImportView;
    #[doc = "Makes an account of a key that was read: the secret to the vault, the rest to the account file."]
    add_imported(add: AddImported) -> AccountView;
    #[doc = "Forgets the keys that were read."]
    forget_import(import: String) -> ();

    #[doc = "The buckets of an account."]
    buckets(account: String) -> BucketsView;
    #[doc = "Why a bucket cannot have this name; null when it can."]
    check_bucket_name(name: String) -> Option<String>;
    #[doc = "Makes a bucket."]
    create_bucket(bucket: BucketRef) -> ();
    #[doc = "Deletes an empty bucket."]
    delete_bucket(bucket: BucketRef) -> ();
    #[doc = "Opens a bucket by its name and remembers it."]
    open_bucket(bucket: BucketRef) -> ();
    #[doc = "Forgets a bucket that was opened by name."]
    forget_bucket(bucket: BucketRef) -> ();
    #[doc = "Understands a path as a person types it."]
    parse_path(path: TypedPath) -> Location;

    #[doc = "Starts listing a folder; its rows come as they are asked for."]
    open_listing(location: Location) -> ListingView;
    #[doc = "Lists the folder again."]
    refresh_listing(listing: String) -> ListingView;
    #[doc = "Frees a listing."]
    close_listing(listing: String) -> ();
    #[doc = "The rows that can be seen."]
    rows(request: RowsRequest) -> Rows;
    #[doc = "The keys of a range of rows."]
    range(request: RangeRequest) -> Vec<SelectedKey>;
    #[doc = "Where a row is."]
    find(request: FindRequest) -> Option<usize>;
    #[doc = "Makes a folder: a zero-byte object whose key ends in a slash."]
    create_folder(folder: NewFolder) -> ();
    #[doc = "What the store knows of an object."]
    object_details(object: ObjectRef) -> ObjectDetails;
    #[doc = "A link that lets anybody fetch this object for a while."]
    object_link(request: LinkRequest) -> Link;

    #[doc = "Looks at everything an action would touch, and says what will happen."]
    plan(request: PlanRequest) -> PlanView;
    #[doc = "Stops a planning that takes too long."]
    cancel_planning(ticket: String) -> ();
    #[doc = "Forgets a plan."]
    drop_plan(plan: String) -> ();
    #[doc = "Does what the plan said."]
    run_plan(request: RunRequest) -> JobView;
    #[doc = "A range of what a plan found at its destination and differs."]
    plan_conflicts(request: ConflictsRequest) -> Conflicts;
    #[doc = "A range of what the plan of a sync would copy, replace or delete."]
    sync_rows(request: SyncRowsRequest) -> SyncRows;
    #[doc = "The same work as a command for another computer; no secret is in it."]
    elsewhere(request: ElsewhereRequest) -> ElsewhereView;
    #[doc = "Saves that command or script."]
    save_elsewhere(save: SaveElsewhere) -> ();
    #[doc = "The queue, in its order, and what has ended in this session, newest first."]
    jobs() -> Vec<JobView>;
    #[doc = "The files of a job, of the queue or of the history."]
    files(request: FilesRequest) -> Files;
    #[doc = "Stops a job; what is finished stays. Files fetched to be dragged go, and the job with them."]
    cancel_job(job: String) -> JobView;
    #[doc = "Tries what failed or was cancelled again."]
    retry_job(job: String) -> JobView;
    #[doc = "Stops a job for now; what is half done is kept."]
    pause_job(job: String) -> JobView;
    #[doc = "Goes on with a job that was paused."]
    resume_job(job: String) -> JobView;
    #[doc = "Changes a job's place in the queue."]
    move_job(place: MoveJob) -> Vec<JobView>;
    #[doc = "Takes away what a job made: objects and files that nobody has changed since."]
    undo_job(job: String) -> JobView;
    #[doc = "Takes the jobs that have ended off the list; the history keeps them."]
    forget_jobs() -> ();
    #[doc = "Transfers that have ended, newest first."]
    history(request: HistoryRequest) -> HistoryPage;
    #[doc = "Files of all transfers by their name, newest first."]
    history_files(request: HistoryFilesRequest) -> HistoryFiles;
    #[doc = "Forgets one transfer that has ended, with its receipts; all of them when none is named."]
    clear_history(job: Option<String>) -> ();
    #[doc = "What arrived with a job, and how that is known."]
    receipts(request: ReceiptsRequest) -> Receipts;
    #[doc = "Saves the receipts of a job."]
    save_receipts(save: SaveReceipts) -> SavedReceipts;
    #[doc = "Looks again whether what arrived is still there, byte for byte."]
    verify(what: VerifyWhat) -> JobView;
    #[doc = "Multipart uploads of a bucket that were never finished."]
    unfinished_uploads(bucket: BucketRef) -> Unfinished;
    #[doc = "Aborts unfinished uploads, and looks that their parts are gone."]
    clean_uploads(clean: CleanUploads) -> Cleaned;
    #[doc = "The syncs that were given a name."]
    saved_syncs() -> Vec<SavedSync>;
    #[doc = "Gives a sync a name, or changes one that has."]
    save_sync(save: SaveSync) -> SavedSync;
    #[doc = "Forgets a saved sync; what it copied stays."]
    delete_saved_sync(id: String) -> ();
}

commands! {
    /// What only a window can do.
    trait Shell, dispatch dispatch_shell, signatures shell_signatures;

    #[doc = "Lets the user choose files; empty when they did not."]
    pick_files(pick: Pick) -> Vec<String>;
    #[doc = "Lets the user choose one file."]
    pick_file(pick: Pick) -> Option<String>;
    #[doc = "Lets the user choose one folder."]
    pick_folder(pick: Pick) -> Option<String>;
    #[doc = "Lets the user choose where to save a file; asks before an existing one is replaced."]
    pick_save(pick: PickSave) -> Option<String>;
    #[doc = "Copies to the clipboard."]
    copy_text(copy: CopyText) -> ();
    #[doc = "Opens a page of documentation in the browser."]
    open_help(url: String) -> ();
    #[doc = "Opens the page of a sign-in in the browser."]
    open_sign_in(address: String) -> ();
    #[doc = "Shows a portal's own sign-in pages in a window without any of Wherry's powers. Answers with a ticket when the user has signed in; null when they closed it."]
    hosted_sign_in(request: HostedRequest) -> Option<String>;
    #[doc = "Closes that window: its sign-in was given up."]
    hosted_close() -> ();
    #[doc = "Shows one of Wherry's own folders in the file manager."]
    show_folder(folder: KnownFolder) -> ();
    #[doc = "Shows where a finished download is, in the file manager."]
    show_download(job: String) -> ();
    #[doc = "Hands the staged files of a job to the desktop, while the mouse button is down; they may still be on their way. Answers when the drag is over; false when it could not begin or nothing got the files."]
    drag_out(job: String) -> bool;
}
