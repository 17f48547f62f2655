// Generated from crates/engine by `make contract`. Do not edit: change the Rust types instead.

export type AccountEdit = { account: string, form: AccountForm, };

/**
 * Where an account's store is, as the form has it.
 */
export type AccountForm = { name: string, provider: string, 
/**
 * Index into the provider's endpoints, for its template; ignored when `endpoint` is given.
 */
endpointIndex: number | null, fields: { [key in string]: string }, 
/**
 * A whole address: `https://s3.example.org`; a bare host means https.
 */
endpoint: string | null, region: string | null, signing: SigningView | null, addressing: AddressingView | null, 
/**
 * Empty for anonymous.
 */
accessKeyId: string, 
/**
 * Absent when editing an account whose secret stays as it is.
 */
secret: Typed | null, sessionToken: Typed | null, caFile: string | null, proxy: string | null, 
/**
 * When the key stops working, as its maker said.
 */
expires: number | null, 
/**
 * The account being edited, when one is tried: its kept secret is used when none is typed.
 */
editing?: string, };

/**
 * Signing in again to the portal of an account that is there already.
 */
export type AccountSignIn = { account: string, signIn: PortalSignIn, 
/**
 * For the scope, where the portal asks for it once more and `sign_in` has none.
 */
password: Typed | null, clientSecret: Typed | null, };

/**
 * What a store said to an account that is not saved yet.
 */
export type AccountTest = { 
/**
 * Whether it can be saved with good hope.
 */
ok: boolean, 
/**
 * Why not; or, with `ok`, what was odd (buckets may not be listed, the clock is off).
 */
problem: Problem | null, 
/**
 * The address in full, as Wherry understood it.
 */
endpoint: string, 
/**
 * Absent when this key may not list them.
 */
buckets: Array<string> | null, 
/**
 * Store's clock minus this computer's, in seconds, when it matters.
 */
clockOffset: number | null, };

export type AccountView = { id: string, name: string, provider: string, providerName: string, endpoint: string, region: string, signing: SigningView, addressing: AddressingView, caFile: string | null, proxy: string | null, key: KeyView, 
/**
 * "alice in demo at keystone.example.org", for accounts whose key was made here.
 */
issuer: IssuerView | null, openedBuckets: Array<string>, };

/**
 * Makes an account of what a file has.
 */
export type AddImported = { import: string, 
/**
 * Its place in the list.
 */
key: number, name: string, 
/**
 * Where the file does not say it, or for another one.
 */
endpoint?: string, 
/**
 * Where the file has none.
 */
secret?: Typed, 
/**
 * Replaces the preset that the address belongs to.
 */
provider?: string, };

export type AddressingView = "path" | "virtual-host";

export type AllOf = { listing: string, look: LookAt, };

export type AppInfo = { version: string, 
/**
 * `linux`, `macos`, `windows`: the keyboard shortcuts differ.
 */
platform: string, configFolder: string, practiceFolder: string, logFolder: string, vault: VaultView, };

export type BucketRef = { account: string, bucket: string, };

export type BucketView = { name: string, created: number | null, 
/**
 * Opened by name, not listed by the store.
 */
byName: boolean, };

export type BucketsView = { buckets: Array<BucketView>, 
/**
 * Set when this key may not list buckets; those opened by name are still in `buckets`.
 */
denied: Problem | null, };

export type CleanUploads = { account: string, bucket: string, uploads: Array<UploadRef>, };

export type Cleaned = { uploads: number, 
/**
 * Key and reason of those that could not be cleaned up.
 */
problems: Array<[string, Problem]>, };

export type CloudView = { name: string, url: string, user: string, domain: string, project: string, region: string, 
/**
 * "password", "application credential", …
 */
method: string, hasSecret: boolean, 
/**
 * What Wherry did not take from the file, in words.
 */
notes: Array<string>, 
/**
 * Set when this cloud cannot be used here, with the reason.
 */
unusable: string | null, };

export type Compare = "size-and-time" | "size" | "checksum";

export type ConflictView = { 
/**
 * Names it in [`RunRequest::each`].
 */
item: number, name: string, hereSize: number, hereModified: number | null, thereSize: number, thereModified: number | null, };

export type Conflicts = { total: number, conflicts: Array<ConflictView>, };

export type ConflictsRequest = { plan: string, from: number, 
/**
 * At most 500.
 */
count: number, };

export type CopyText = { text: string, 
/**
 * Cleared from the clipboard after 60 seconds, if it is still there.
 */
secret: boolean, };

export type ElsewhereRequest = { plan: string, tool: ElsewhereTool, };

export type ElsewhereText = "command" | "script";

export type ElsewhereTool = "rclone" | "s5cmd";

/**
 * The same work for another computer. No secret is in it.
 */
export type ElsewhereView = { 
/**
 * For a shell.
 */
command: string, 
/**
 * A Slurm batch script around it.
 */
script: string, 
/**
 * What must be there first: where the secret goes, what the script expects.
 */
notes: Array<string>, };

export type EndpointView = { label: string, 
/**
 * With `{field}` slots; empty when the user types the whole address.
 */
url: string, region: string, 
/**
 * The portal's address for this endpoint, where it is known.
 */
issuerUrl: string | null, };

/**
 * What Rust tells the interface without being asked, on one channel.
 */
export type Event = { "kind": "jobs", jobs: Array<JobView>, } | { "kind": "queue", } | { "kind": "listing", listing: ListingView, } | { "kind": "accounts", } | { "kind": "changed", location: Location, } | { "kind": "planning", ticket: string, files: number, bytes: number, } | { "kind": "vault", } | { "kind": "trouble", problem: Problem, } | { "kind": "show-keys", account: string, } | { "kind": "sign-in-needed", account: string, };

export type ExpiryRule = "none" | "optional" | "required" | "fixed";

export type ExportRequest = { account: string, tool: string, 
/**
 * The secret is left out unless this is set; it comes from the vault.
 */
withSecret: boolean, 
/**
 * What the account is called there; a name made from the account's when absent.
 */
entry?: string, };

export type ExportToolView = { 
/**
 * `s3cmd`, for [`ExportRequest`].
 */
id: string, name: string, 
/**
 * What one does with it, in a few words.
 */
about: string, 
/**
 * The tool's own file, if Wherry can add an account to it: `~/.s3cfg`.
 */
mergesInto: string | null, };

/**
 * An account in the words of a tool. The only answer but [`super::Revealed`] that may hold a secret,
 * and only when it was asked for.
 */
export type ExportView = { tool: string, entry: string, files: Array<ExportedFileView>, 
/**
 * What is different there and what is lost, in words.
 */
notes: Array<string>, containsSecret: boolean, 
/**
 * Whether the text would hold the secret if it were asked for; some tools keep secrets elsewhere.
 */
canHoldSecret: boolean, };

export type ExportedFileView = { 
/**
 * Where the tool looks for it: `~/.aws/credentials`.
 */
place: string | null, 
/**
 * A name to save it under.
 */
saveAs: string, text: string, };

export type FieldView = { name: string, label: string, placeholder: string, hint: string, };

export type FileState = "waiting" | "running" | "done" | "skipped" | "failed" | "cancelled";

export type FileView = { 
/**
 * Below the job's source: hostile text.
 */
name: string, state: FileState, bytesTotal: number, bytesDone: number, problem: Problem | null, };

export type Files = { total: number, files: Array<FileView>, };

export type FilesRequest = { job: string, from: number, 
/**
 * At most 500.
 */
count: number, onlyFailed: boolean, };

export type FindRequest = { listing: string, look: LookAt, 
/**
 * The first row at or after `from`, going round, whose name begins with this, case ignored.
 */
startsWith: string | null, 
/**
 * Or the row with this key.
 */
key: string | null, from: number, };

export type GivenSecret = { account: string, secret: Typed, sessionToken: Typed | null, };

export type HistoryFile = { job: string, 
/**
 * Path or `bucket/key`: hostile text.
 */
from: string, 
/**
 * None for one that was deleted: it went nowhere, and there is no receipt of it.
 */
to: string | null, size: number, state: FileState, finished: number | null, };

export type HistoryFiles = { files: Array<HistoryFile>, next: string | null, };

/**
 * Files of all transfers, newest first.
 */
export type HistoryFilesRequest = { 
/**
 * In the name, here or there.
 */
search: string, after: string | null, 
/**
 * At most 200.
 */
count: number, };

export type HistoryPage = { jobs: Array<JobView>, 
/**
 * Present while there is more.
 */
next: string | null, };

/**
 * Transfers that have ended, of this and earlier sessions, newest first.
 */
export type HistoryRequest = { 
/**
 * In the title; empty for all.
 */
search: string, 
/**
 * [`HistoryPage::next`] of the page before.
 */
after: string | null, 
/**
 * At most 200.
 */
count: number, };

/**
 * A sign-in on a portal's own pages.
 */
export type HostedRequest = { issuer: KeySource, 
/**
 * The portal, as typed.
 */
url: string, };

/**
 * What a `clouds.yaml` or an openrc file holds, without its secrets.
 */
export type ImportView = { 
/**
 * For [`PortalSignIn::Imported`].
 */
import: string, file: string, clouds: Array<CloudView>, };

export type ImportedKeyView = { name: string, 
/**
 * An account here has this name already.
 */
taken: boolean, 
/**
 * Absent where the file does not say it.
 */
endpoint: string | null, region: string | null, 
/**
 * The place it is at: a preset's id and name.
 */
provider: string, providerName: string, signing: SigningView | null, addressing: AddressingView | null, accessKeyId: string | null, hasSecret: boolean, temporary: boolean, 
/**
 * What Wherry did not take from the file, in words.
 */
notes: Array<string>, 
/**
 * Set when it cannot be an account here, with the reason.
 */
unusable: string | null, };

export type IssuerView = { kind: KeySource, url: string, user: string, domain: string, 
/**
 * Keystone's project, JASMIN's tenancy; empty where keys are for everything.
 */
scopeId: string, scopeName: string, region: string, options: PortalOptions, 
/**
 * A sign-in is still good: keys can be listed without the password.
 */
signedIn: boolean, };

export type ItemChoice = { item: number, choice: OnConflict, };

export type JobKind = "upload" | "download" | "delete" | "rename" | "stage" | "copy" | "move" | "sync" | "verify";

export type JobState = "waiting" | "running" | "paused" | "done" | "partial" | "failed" | "cancelled";

export type JobView = { id: string, kind: JobKind, title: string, account: string, 
/**
 * Where the objects are.
 */
location: Location, 
/**
 * Where they go, for copies from bucket to bucket.
 */
to: Location | null, 
/**
 * The folder on this computer, for downloads.
 */
folder: string | null, state: JobState, 
/**
 * It was cut off by the end of the app or of the computer, and was taken up again.
 */
takenUp: boolean, 
/**
 * What it made can be taken away again: see `undo_job`.
 */
undo: boolean, 
/**
 * It has receipts of what arrived.
 */
receipts: boolean, filesTotal: number, filesDone: number, filesFailed: number, filesSkipped: number, bytesTotal: number, bytesDone: number, 
/**
 * Bytes per second over the last few seconds.
 */
rate: number, 
/**
 * Seconds.
 */
timeLeft: number | null, 
/**
 * What is being moved now.
 */
current: string | null, 
/**
 * How a verification knows of what is as it was: "3 files: every byte was read again."
 */
proven: string | null, 
/**
 * What stopped the job as a whole; while it runs, what it waits for the user to do.
 */
problem: Problem | null, started: number, ended: number | null, };

export type KeyDeleted = { 
/**
 * In words: gone from the portal, and that the store may honour it for some minutes yet.
 */
words: string, wasAlreadyGone: boolean, };

export type KeyRef = { account: string, accessKeyId: string, };

/**
 * What new keys of a portal can be like.
 */
export type KeyRules = { expiry: ExpiryRule, 
/**
 * With a fixed expiry, in seconds.
 */
lifetime: number | null, 
/**
 * The most characters of a description; absent when keys carry none.
 */
descriptionMost: number | null, descriptionRequired: boolean, 
/**
 * Making a key stops the one before from working.
 */
newKeyRevokesOld: boolean, 
/**
 * Lent for a while and lent anew by Wherry; nothing to list or delete.
 */
lent: boolean, 
/**
 * Seconds until a new key may work everywhere; absent when at once.
 */
takesEffectWithin: number | null, };

/**
 * How keys for a place are got.
 */
export type KeySource = "typed" | "practice" | "keystone" | "jasmin-portal" | "swarm" | "s3-keys-manager" | "cray-sts" | "sts-web-identity" | "sts-ldap" | "sts-assume-role";

export type KeyState = "fine" | "expiring" | "expired" | "deleted-at-portal" | "refused" | "secret-missing";

export type KeyView = { accessKeyId: string | null, created: number | null, expires: number | null, daysLeft: number | null, state: KeyState, 
/**
 * The state in words, for people: "expires in 3 days".
 */
words: string, 
/**
 * Can Wherry make another one?
 */
source: KeySource, 
/**
 * When this computer's Wherry last opened the store with it.
 */
lastUsed: number | null, 
/**
 * It is lent for a while, and lent anew before it runs out.
 */
lent: boolean, 
/**
 * Wherry does that by itself; else the user is asked to sign in.
 */
renewedAlone: boolean, };

/**
 * What a new key shall be like, as far as [`KeyRules`] allow a wish.
 */
export type KeyWishForm = { description: string | null, expires: number | null, };

/**
 * The accounts in another tool's file, without their secrets.
 */
export type KeysImportView = { 
/**
 * For [`AddImported`].
 */
import: string, file: string, 
/**
 * Whose file it is: “rclone”.
 */
tool: string, keys: Array<ImportedKeyView>, };

/**
 * What one can do about the keys of an account, and the keys themselves.
 */
export type KeysView = { key: KeyView, 
/**
 * Empty until signed in.
 */
keys: Array<PortalKey>, 
/**
 * Absent for keys that were typed in.
 */
rules: KeyRules | null, 
/**
 * Absent when the portal can be asked now; else why not, with the remedy (sign in).
 */
cannotList: Problem | null, cannotCreate: Problem | null, cannotDelete: Problem | null, 
/**
 * A new secret for the same access key id.
 */
cannotReset: Problem | null, 
/**
 * A new key in the place of this account's, the old one deleted.
 */
cannotRotate: Problem | null, 
/**
 * Where this account's secret is kept, in words.
 */
kept: string, 
/**
 * Where there is one key per region: all of the place's regions.
 */
regions: Array<RegionKey>, };

export type KnownFolder = "logs" | "practice";

/**
 * Rows of the plan of a sync that are not to happen.
 */
export type LeftOut = { 
/**
 * What would be copied.
 */
copies: Array<number>, 
/**
 * What would be deleted.
 */
deletions: Array<number>, allDeletions: boolean, };

/**
 * Every day from one time to another, in minutes since midnight, local time; over midnight when
 * `until` is smaller.
 */
export type LimitSlot = { from: number, until: number, uploadLimit: number | null, downloadLimit: number | null, };

export type Link = { url: string, expires: number, };

export type LinkRequest = { object: ObjectRef, 
/**
 * How long the presigned URL works, in seconds, at most 7 days.
 */
seconds: number, };

/**
 * A folder being listed. Its rows stay in Rust; ask for the ones that can be seen.
 */
export type ListingView = { id: string, location: Location, folders: number, objects: number, 
/**
 * Of the objects directly here.
 */
bytes: number, complete: boolean, 
/**
 * Grows with every change; rows of an older one are stale.
 */
generation: number, 
/**
 * Why the listing stopped early.
 */
problem: Problem | null, };

export type Location = { account: string, bucket: string, 
/**
 * Empty, or ending in `/` (a typed prefix need not).
 */
prefix: string, };

/**
 * How a listing is looked at.
 */
export type LookAt = { sort: SortBy, descending: boolean, 
/**
 * Rows whose name contains this, case ignored.
 */
filter: string, };

export type MergeChange = "creates" | "adds" | "replaces" | "same";

export type MergeChangeView = { file: string, entry: string, change: MergeChange, 
/**
 * “adds [lab] to ~/.aws/credentials”.
 */
words: string, };

/**
 * What adding an account to a tool's own files would change.
 */
export type MergePlanView = { changes: Array<MergeChangeView>, 
/**
 * Something that is there would be replaced: it is only with `replace`.
 */
replaces: boolean, nothingToDo: boolean, };

export type MergeRequest = { export: ExportRequest, 
/**
 * An entry of the same name is replaced only with this.
 */
replace: boolean, };

export type MergedView = { changes: Array<MergeChangeView>, 
/**
 * The files as they were before.
 */
backups: Array<string>, };

export type MoveJob = { job: string, to: QueuePlace, };

export type NewFolder = { location: Location, name: string, };

/**
 * A key was born. Its secret is in the vault; `reveal` buys one look at it.
 */
export type NewKey = { account: AccountView, accessKeyId: string, reveal: string, 
/**
 * "in your keychain (GNOME Keyring)", "in memory until you quit".
 */
kept: string, 
/**
 * What else is to be said: "It can take some minutes until the key works."
 */
note: string | null, };

export type NewKeyRequest = { account: string, wish: KeyWishForm, };

export type ObjectDetails = { key: string, size: number, modified: number | null, etag: string | null, contentType: string | null, storageClass: string | null, versionId: string | null, metadata: Array<[string, string]>, 
/**
 * `s3://bucket/key`
 */
path: string, 
/**
 * Unsigned.
 */
url: string, };

export type ObjectRef = { account: string, bucket: string, key: string, };

/**
 * A sign-in that goes on in a browser.
 */
export type OidcPrompt = { ticket: string, 
/**
 * To open in a browser.
 */
address: string, 
/**
 * To type there; absent when the browser comes back by itself.
 */
code: string | null, expires: number | null, };

export type OidcRequest = { way: OidcWay, 
/**
 * Which portal this is for, and its address: from them follows where one signs in, if the options do
 * not say it.
 */
issuer: KeySource, url: string, 
/**
 * Its `oidc_issuer`, `client_id` and `scopes` count.
 */
options: PortalOptions, clientSecret: Typed | null, caFile: string | null, proxy: string | null, };

export type OidcWay = "browser" | "device-code";

export type OnConflict = "overwrite" | "skip" | "keep-both";

/**
 * A key that was made, whose secret was lost on the way.
 */
export type OrphanRef = { session: string, accessKeyId: string, };

export type Pick = { title: string, 
/**
 * Where to begin looking.
 */
folder: string | null, };

export type PickSave = { title: string, 
/**
 * The name it is offered under.
 */
name: string, };

export type Place = { account: string, bucket: string | null, prefix: string, };

export type PlanNote = { name: string, 
/**
 * "left out: a symbolic link that points out of the folder", "saved as “con_”"
 */
words: string, leftOut: boolean, };

export type PlanRequest = { 
/**
 * Chosen by the interface: names this planning in `Event::Planning` and `cancel_planning`.
 */
ticket: string, what: PlanWhat, };

/**
 * What will happen, before anything does.
 */
export type PlanView = { id: string, kind: JobKind, 
/**
 * "Upload 12 files to thesis/data/"
 */
title: string, files: number, bytes: number, folders: number, 
/**
 * Exists at the destination with the same content, as far as can be told without reading it.
 */
same: number, 
/**
 * Exists at the destination and differs: needs a choice. Of a sync, where it is the task to
 * replace them: what will be replaced.
 */
conflicts: number, 
/**
 * The first hundred.
 */
conflictExamples: Array<ConflictView>, 
/**
 * Will be left out or renamed, each with the reason; the first hundred.
 */
notes: Array<PlanNote>, notesTotal: number, 
/**
 * A few names of what is in it.
 */
examples: Array<string>, 
/**
 * Of a sync: what is only at the destination and will be deleted there.
 */
deletes: number, 
/**
 * Of a sync: what is only at the destination and stays there.
 */
kept: number, deleteExamples: Array<string>, 
/**
 * What the store or the disk has room for, as far as it says so.
 */
room: RoomView | null, 
/**
 * It can be turned into a command for another computer: see `elsewhere`.
 */
elsewhere: boolean, 
/**
 * Why it cannot run at all.
 */
blocked: Problem | null, 
/**
 * Small, no conflicts, no notes: may run without being shown.
 */
clean: boolean, };

export type PlanWhat = { "kind": "upload", to: Location, paths: Array<string>, } | { "kind": "download", selection: Selection, folder: string, } | { "kind": "delete", selection: Selection, } | { "kind": "rename", location: Location, item: SelectedKey, name: string, } | { "kind": "stage", selection: Selection, } | { "kind": "copy", selection: Selection, to: Location, 
/**
 * Delete the originals once their copies are there and checked.
 */
removeOriginals: boolean, } | { "kind": "sync", sync: SyncSpec, } | { "kind": "saved-sync", id: string, };

export type PortalAccount = { session: string, scope: string, region: string, 
/**
 * From the portal, or as the user corrected it.
 */
endpoint: string, name: string, provider: string, signing: SigningView | null, 
/**
 * Store's own certificate authority; the one used for signing in when absent.
 */
caFile: string | null, wish: KeyWishForm, };

export type PortalEndpoint = { 
/**
 * A region's name, or words such as "From anywhere".
 */
region: string, url: string, 
/**
 * Why it cannot be used from here, as far as a try told; absent when it answers or was not tried.
 */
unreachable: string | null, };

/**
 * A key as its portal lists it.
 */
export type PortalKey = { accessKeyId: string, description: string | null, created: number | null, expires: number | null, 
/**
 * The account here that uses it.
 */
usedBy: string | null, scopeId: string, };

/**
 * What a portal must be told beside its address. Empty words count as absent.
 */
export type PortalOptions = { 
/**
 * The OpenID Connect issuer where the user signs in, when that is not the portal itself.
 */
oidcIssuer: string, clientId: string, 
/**
 * Separated by spaces.
 */
scopes: string, 
/**
 * Keystone federation.
 */
identityProvider: string, protocol: string, 
/**
 * STS.
 */
roleArn: string, sessionName: string, 
/**
 * How long a lent key shall last, in seconds.
 */
duration: number | null, };

export type PortalRequest = { issuer: KeySource, 
/**
 * `keystone.example.org:5000` is enough. Ignored for imported clouds, which name their own.
 */
url: string, signIn: PortalSignIn, options: PortalOptions, 
/**
 * Of a confidential OpenID Connect client.
 */
clientSecret: Typed | null, caFile: string | null, proxy: string | null, };

/**
 * How to sign in to a portal.
 */
export type PortalSignIn = { "kind": "password", user: string, 
/**
 * Keystone only.
 */
domain: string, password: Typed, totp: string | null, } | { "kind": "application-credential", id: string, secret: Typed, } | { "kind": "imported", import: string, cloud: string, password: Typed | null, } | { "kind": "oidc", ticket: string, } | { "kind": "hosted", ticket: string, } | { "kind": "access-key", accessKeyId: string, secret: Typed, sessionToken: Typed | null, };

/**
 * Something went wrong: what, what to do about it, and what a support desk would ask for.
 */
export type Problem = { 
/**
 * Stable, for tests and for the interface to act on: `store.key-unknown`.
 */
code: string, 
/**
 * One sentence: what happened.
 */
what: string, 
/**
 * One or two sentences: what to do.
 */
todo: string, 
/**
 * What to do as a button, where there is one.
 */
remedies: Array<Remedy>, 
/**
 * Whether the same thing may work when tried again.
 */
retry: boolean, 
/**
 * Label and value: HTTP status, S3 code, request id, key or path.
 */
context: Array<[string, string]>, };

export type ProviderView = { id: string, name: string, description: string, fields: Array<FieldView>, endpoints: Array<EndpointView>, signing: SigningView, addressing: AddressingView, 
/**
 * The first is the best; a key can always be typed in.
 */
keySources: Array<KeySource>, 
/**
 * What the portal must be told beside its address, where the place says it.
 */
issuerOptions: PortalOptions, 
/**
 * There is one key for each of the place's regions, which is reset and never deleted.
 */
keyPerRegion: boolean, helpUrl: string, keyHint: string, };

export type QueuePlace = "now" | "up" | "down" | "last";

/**
 * Rows `from..to` of a look, for a range selected with Shift.
 */
export type RangeRequest = { listing: string, look: LookAt, from: number, to: number, };

export type ReceiptFormat = "json" | "csv" | "bagit" | "bagit-sha256";

/**
 * What arrived, and how that is known.
 */
export type ReceiptView = { from: string, to: string, size: number, 
/**
 * In hex, of the whole, where it was computed.
 */
md5: string | null, sha256: string | null, 
/**
 * CRC-64/NVME of the whole, in Base64; absent where the bytes never came by.
 */
crc64nvme: string | null, etag: string | null, partSize: number | null, versionId: string | null, 
/**
 * "the store's ETag is the hash of the bytes"
 */
proof: string, started: number, finished: number, };

export type Receipts = { total: number, receipts: Array<ReceiptView>, };

export type ReceiptsRequest = { job: string, from: number, 
/**
 * At most 500.
 */
count: number, };

/**
 * A region of a place that has one key for each.
 */
export type RegionKey = { region: string, endpoint: string, 
/**
 * The account here that has this region's key; absent when it is not configured.
 */
account: string | null, accountName: string | null, accessKeyId: string | null, created: number | null, 
/**
 * Signs in elsewhere: another sign-in is needed before a key can be made.
 */
otherSignIn: boolean, };

export type RegionRef = { 
/**
 * Any account of the place, signed in.
 */
account: string, region: string, };

/**
 * A remedy the interface can offer as a button.
 */
export type Remedy = { "kind": "retry" } | { "kind": "sign-in", account: string, } | { "kind": "new-key", account: string, } | { "kind": "give-secret", account: string, } | { "kind": "delete-orphan", 
/**
 * The sign-in that made it.
 */
session: string, accessKeyId: string, } | { "kind": "edit-account", account: string, } | { "kind": "open-by-name", account: string, } | { "kind": "choose-vault" } | { "kind": "unlock-vault" } | { "kind": "choose-folder" } | { "kind": "show-log" };

/**
 * The one look. Asking again with the same ticket is refused.
 */
export type Revealed = { accessKeyId: string, secret: string, };

/**
 * Room at the destination, in bytes.
 */
export type RoomView = { free: number, 
/**
 * "the disk of /home/me", "the quota of thesis"
 */
of: string, };

/**
 * How a rotation went. The account works in every case.
 */
export type Rotated = { newKey: NewKey, oldAccessKeyId: string, 
/**
 * Why the old key is still there, when it could not be deleted.
 */
oldKeyLeft: Problem | null, 
/**
 * What was done, in words.
 */
words: string, };

export type Row = { kind: RowKind, 
/**
 * Key or prefix in full: what an action is given. Unique in the listing.
 */
key: string, 
/**
 * The part after the folder. Hostile text.
 */
name: string, size: number | null, modified: number | null, storageClass: string | null, };

export type RowKind = "folder" | "object" | "marker";

export type Rows = { 
/**
 * Rows in all that pass the filter.
 */
total: number, from: number, rows: Array<Row>, generation: number, };

export type RowsRequest = { listing: string, look: LookAt, from: number, 
/**
 * At most 500.
 */
count: number, };

export type RunRequest = { plan: string, onConflict: OnConflict, 
/**
 * Send or fetch also what is there and looks the same.
 */
includeSame: boolean, 
/**
 * Answers for single conflicts, where they differ from `on_conflict`.
 */
each: Array<ItemChoice>, 
/**
 * Of a sync: what is not to happen of its plan.
 */
leftOut: LeftOut, };

export type SaveElsewhere = { plan: string, tool: ElsewhereTool, what: ElsewhereText, 
/**
 * Where the user chose to save it; what is there already is replaced, as they were asked.
 */
path: string, };

export type SaveExport = { export: ExportRequest, 
/**
 * Which of the export's files.
 */
file: number, 
/**
 * Where to; what is there already is replaced, as the user was asked in the dialog.
 */
path: string, };

export type SaveReceipts = { job: string, format: ReceiptFormat, 
/**
 * Where the user chose to save it.
 */
path: string, };

export type SaveSync = { 
/**
 * Of the one to change; a new one when absent.
 */
id: string | null, name: string, sync: SyncSpec, };

export type SavedReceipts = { files: number, 
/**
 * Files that are not in a BagIt manifest, as no hash of them is known or can be had.
 */
leftOut: number, };

/**
 * A sync that was given a name, to be run again.
 */
export type SavedSync = { id: string, name: string, sync: SyncSpec, lastRun: number | null, lastState: JobState | null, };

/**
 * A scope one has chosen: where its objects are, the keys one has for it, and what can be done.
 */
export type ScopePlaces = { 
/**
 * The one that answers from here comes first.
 */
endpoints: Array<PortalEndpoint>, keys: Array<PortalKey>, rules: KeyRules, 
/**
 * Why the keys are not listed.
 */
cannotList: Problem | null, 
/**
 * Why a key cannot be made with this sign-in: greyed out with this reason.
 */
cannotCreate: Problem | null, };

export type ScopeRequest = { session: string, scope: string, 
/**
 * Where [`ScopeView::asks_password`] says so.
 */
password: Typed | null, };

export type ScopeView = { id: string, name: string, description: string, 
/**
 * The portal wants the password once more before it opens this one.
 */
asksPassword: boolean, };

export type SelectedKey = { kind: RowKind, key: string, };

/**
 * What an action is about. `keys` are `Row::key`s; those of folders mean all below them.
 */
export type Selection = { location: Location, keys: Array<SelectedKey>, 
/**
 * Every row of this listing that passes this filter, `keys` being ignored.
 */
allOf: AllOf | null, };

/**
 * Kept in `settings.toml`.
 */
export type Settings = { theme: Theme, 
/**
 * 1.0 is 13 px; up to 2.0.
 */
textScale: number, 
/**
 * Where "Download" suggests to save; the last folder used.
 */
downloadFolder: string | null, 
/**
 * Chosen by the user when there is no keychain.
 */
vault: VaultChoice | null, 
/**
 * Where the user was: restored at the next start.
 */
place: Place | null, sidebarWidth: number, showInspector: boolean, showTransfers: boolean, transfers: TransferSettings, };

export type SignedIn = { 
/**
 * Names this sign-in in later calls; the token stays in Rust.
 */
session: string, user: string, 
/**
 * What keys can be for: projects, tenancies. One with an empty id where they are for everything.
 */
scopes: Array<ScopeView>, 
/**
 * The only or default one: start with this.
 */
scope: string | null, };

export type SigningView = "v4" | "v2" | "anonymous";

export type SortBy = "name" | "size" | "modified" | "storage-class";

/**
 * What happens to a row of the plan of a sync.
 */
export type SyncChange = "new" | "changed" | "deleted";

export type SyncEnd = { "kind": "folder", path: string, } | { "kind": "place", location: Location, };

export type SyncRow = { 
/**
 * Names it in [`LeftOut`].
 */
item: number, 
/**
 * Below the top of the sync: hostile text.
 */
name: string, 
/**
 * At the source.
 */
here: SyncSide | null, 
/**
 * At the destination, where that is known.
 */
there: SyncSide | null, };

export type SyncRows = { total: number, rows: Array<SyncRow>, };

export type SyncRowsRequest = { plan: string, change: SyncChange, from: number, 
/**
 * At most 500.
 */
count: number, };

export type SyncSide = { size: number, modified: number | null, };

export type SyncSpec = { from: SyncEnd, to: SyncEnd, compare: Compare, 
/**
 * Delete what is only at the destination.
 */
delete: boolean, 
/**
 * Patterns such as `*.nc`; only what one of them fits is looked at. Empty for all.
 */
include: Array<string>, 
/**
 * Patterns of what is left out.
 */
exclude: Array<string>, 
/**
 * Take `.DS_Store` and its like too.
 */
withLitter: boolean, };

export type Theme = "system" | "light" | "dark";

/**
 * How transfers behave.
 */
export type TransferSettings = { 
/**
 * Bytes per second over all transfers; none for as fast as it goes.
 */
uploadLimit: number | null, downloadLimit: number | null, 
/**
 * Other limits at some times of the day; the first one that fits counts.
 */
schedule: Array<LimitSlot>, 
/**
 * Files of one transfer at once; none to let Wherry find out what the line takes.
 */
parallelFiles: number | null, 
/**
 * Transfers at once; the others wait.
 */
jobsAtOnce: number, 
/**
 * Keep the computer awake while something is transferred.
 */
keepAwake: boolean, 
/**
 * A notification of the desktop when a long transfer has ended.
 */
notify: boolean, 
/**
 * Go on with what was cut off when the app starts.
 */
goOnAtStart: boolean, 
/**
 * Receipts have the SHA-256, too: what arrived is read once more for it.
 */
receiptSha256: boolean, };

/**
 * A word typed by a person that must not be printed: deserialised only.
 */
export type Typed = string;

/**
 * A path as a person types it: `bucket/folder/`, `s3://bucket/folder/` or the address in full.
 */
export type TypedPath = { account: string, text: string, };

/**
 * Multipart uploads of a bucket that were begun and never finished: they cost quota.
 */
export type Unfinished = { uploads: Array<UnfinishedView>, 
/**
 * Of all, as far as known.
 */
bytes: number, };

export type UnfinishedView = { key: string, upload: string, started: number | null, 
/**
 * None where the store does not say.
 */
bytes: number | null, owner: string | null, 
/**
 * The transfer of this computer that is still using it: not to be cleaned up.
 */
job: string | null, };

export type UploadRef = { key: string, upload: string, };

export type VaultChange = { choice: VaultChoice, 
/**
 * For the encrypted file: the passphrase that opens it or, when it is new, shall open it.
 */
passphrase: Typed | null, };

export type VaultChoice = "keychain" | "file" | "session";

export type VaultState = "ready" | "unavailable" | "locked" | "new";

export type VaultView = { choice: VaultChoice, state: VaultState, 
/**
 * "GNOME Keyring / Secret Service", "Keychain", "Credential Manager", …
 */
name: string, problem: Problem | null, };

/**
 * Which side is looked at again.
 */
export type VerifySide = "store" | "store-read" | "computer";

export type VerifyWhat = { "kind": "job", job: string, side: VerifySide, } | { "kind": "file", path: string, account: string, side: VerifySide, };

/** What the engine does. */
export interface Commands {
  /** Version, platform, folders, and where secrets are kept. */
  app_info: { args: null; result: AppInfo }
  /** How the window looks and where the user was. */
  settings: { args: null; result: Settings }
  /** Keeps the settings. */
  save_settings: { args: Settings; result: null }
  /** Where secrets are kept, and whether that works. */
  vault: { args: null; result: VaultView }
  /** Chooses where secrets are kept, or unlocks the encrypted file. */
  choose_vault: { args: VaultChange; result: VaultView }
  /** Asks the keychain once more. */
  retry_vault: { args: null; result: VaultView }
  /** The places an account can be at, best first. */
  providers: { args: null; result: Array<ProviderView> }
  /** All accounts, in the order they were added. */
  accounts: { args: null; result: Array<AccountView> }
  /** Tries an account against its store without saving anything. */
  test_account: { args: AccountForm; result: AccountTest }
  /** Saves an account: the secret to the vault, the rest to the account file. */
  add_account: { args: AccountForm; result: AccountView }
  /** Changes an account. */
  edit_account: { args: AccountEdit; result: AccountView }
  /** Forgets an account and its secret. The key itself stays at its portal. */
  remove_account: { args: string; result: null }
  /** Gives the secret of an account whose vault does not have it. */
  give_secret: { args: GivenSecret; result: AccountView }
  /** Starts the practice store and its account, made at the first time. */
  start_practice: { args: null; result: AccountView }
  /** Reads a clouds.yaml or openrc file; nothing in it is executed. */
  import_clouds: { args: string; result: ImportView }
  /** Begins a sign-in that goes on in a browser. */
  oidc_begin: { args: OidcRequest; result: OidcPrompt }
  /** Answers when the user has signed in there, or it failed or was cancelled. */
  oidc_wait: { args: string; result: null }
  /** Gives up a sign-in that goes on in a browser. */
  oidc_cancel: { args: string; result: null }
  /** Signs in to a portal. The token stays here; the answer names it. */
  portal_sign_in: { args: PortalRequest; result: SignedIn }
  /** Chooses what the key is for: its S3 endpoints, the keys one has, and what new ones can be like. */
  portal_scope: { args: ScopeRequest; result: ScopePlaces }
  /** Makes a key and an account that uses it. */
  portal_add_account: { args: PortalAccount; result: NewKey }
  /** Forgets a sign-in. */
  portal_sign_out: { args: string; result: null }
  /** Signs in to the portal of an existing account. */
  account_sign_in: { args: AccountSignIn; result: KeysView }
  /** The keys of an account, as far as its portal can be asked now. */
  account_keys: { args: string; result: KeysView }
  /** Makes a new key for an account, which uses it from then on. The old one stays until it is deleted. */
  create_key: { args: NewKeyRequest; result: NewKey }
  /** Gives a key a new secret, which the account uses from then on; the old secret stops working. */
  reset_key: { args: KeyRef; result: NewKey }
  /** Makes a new key, proves that it works, uses it, and only then deletes the old one. A failure leaves the account with the old key. */
  rotate_key: { args: NewKeyRequest; result: Rotated }
  /** Makes the key of a region that has none yet, and an account for it. */
  create_region_key: { args: RegionRef; result: NewKey }
  /** Tries an account's new key until the store knows it, as long as its portal says that may take. */
  await_key: { args: string; result: AccountTest }
  /** Deletes a key at the portal. */
  delete_key: { args: KeyRef; result: KeyDeleted }
  /** Deletes a key that was made and whose secret was lost on the way. */
  delete_orphan: { args: OrphanRef; result: KeyDeleted }
  /** Exchanges a reveal ticket for the secret, once. */
  reveal: { args: string; result: Revealed }
  /** The tools an account can be handed over to. */
  export_tools: { args: null; result: Array<ExportToolView> }
  /** Writes an account down for another tool; with the secret only when that is asked for. */
  export_account: { args: ExportRequest; result: ExportView }
  /** What adding an account to a tool's own file would change. */
  merge_plan: { args: ExportRequest; result: MergePlanView }
  /** Adds an account to a tool's own file; the file as it was is kept beside it. */
  merge_into_tool: { args: MergeRequest; result: MergedView }
  /** Saves what is written for a tool. */
  save_export: { args: SaveExport; result: null }
  /** Reads the keys in another tool's file; nothing in it is executed. */
  import_keys: { args: string; result: KeysImportView }
  /** Makes an account of a key that was read: the secret to the vault, the rest to the account file. */
  add_imported: { args: AddImported; result: AccountView }
  /** Forgets the keys that were read. */
  forget_import: { args: string; result: null }
  /** The buckets of an account. */
  buckets: { args: string; result: BucketsView }
  /** Why a bucket cannot have this name; null when it can. */
  check_bucket_name: { args: string; result: string | null }
  /** Makes a bucket. */
  create_bucket: { args: BucketRef; result: null }
  /** Deletes an empty bucket. */
  delete_bucket: { args: BucketRef; result: null }
  /** Opens a bucket by its name and remembers it. */
  open_bucket: { args: BucketRef; result: null }
  /** Forgets a bucket that was opened by name. */
  forget_bucket: { args: BucketRef; result: null }
  /** Understands a path as a person types it. */
  parse_path: { args: TypedPath; result: Location }
  /** Starts listing a folder; its rows come as they are asked for. */
  open_listing: { args: Location; result: ListingView }
  /** Lists the folder again. */
  refresh_listing: { args: string; result: ListingView }
  /** Frees a listing. */
  close_listing: { args: string; result: null }
  /** The rows that can be seen. */
  rows: { args: RowsRequest; result: Rows }
  /** The keys of a range of rows. */
  range: { args: RangeRequest; result: Array<SelectedKey> }
  /** Where a row is. */
  find: { args: FindRequest; result: number | null }
  /** Makes a folder: a zero-byte object whose key ends in a slash. */
  create_folder: { args: NewFolder; result: null }
  /** What the store knows of an object. */
  object_details: { args: ObjectRef; result: ObjectDetails }
  /** A link that lets anybody fetch this object for a while. */
  object_link: { args: LinkRequest; result: Link }
  /** Looks at everything an action would touch, and says what will happen. */
  plan: { args: PlanRequest; result: PlanView }
  /** Stops a planning that takes too long. */
  cancel_planning: { args: string; result: null }
  /** Forgets a plan. */
  drop_plan: { args: string; result: null }
  /** Does what the plan said. */
  run_plan: { args: RunRequest; result: JobView }
  /** A range of what a plan found at its destination and differs. */
  plan_conflicts: { args: ConflictsRequest; result: Conflicts }
  /** A range of what the plan of a sync would copy, replace or delete. */
  sync_rows: { args: SyncRowsRequest; result: SyncRows }
  /** The same work as a command for another computer; no secret is in it. */
  elsewhere: { args: ElsewhereRequest; result: ElsewhereView }
  /** Saves that command or script. */
  save_elsewhere: { args: SaveElsewhere; result: null }
  /** The queue, in its order, and what has ended in this session, newest first. */
  jobs: { args: null; result: Array<JobView> }
  /** The files of a job, of the queue or of the history. */
  files: { args: FilesRequest; result: Files }
  /** Stops a job; what is finished stays. Files fetched to be dragged go, and the job with them. */
  cancel_job: { args: string; result: JobView }
  /** Tries what failed or was cancelled again. */
  retry_job: { args: string; result: JobView }
  /** Stops a job for now; what is half done is kept. */
  pause_job: { args: string; result: JobView }
  /** Goes on with a job that was paused. */
  resume_job: { args: string; result: JobView }
  /** Changes a job's place in the queue. */
  move_job: { args: MoveJob; result: Array<JobView> }
  /** Takes away what a job made: objects and files that nobody has changed since. */
  undo_job: { args: string; result: JobView }
  /** Takes the jobs that have ended off the list; the history keeps them. */
  forget_jobs: { args: null; result: null }
  /** Transfers that have ended, newest first. */
  history: { args: HistoryRequest; result: HistoryPage }
  /** Files of all transfers by their name, newest first. */
  history_files: { args: HistoryFilesRequest; result: HistoryFiles }
  /** Forgets one transfer that has ended, with its receipts; all of them when none is named. */
  clear_history: { args: string | null; result: null }
  /** What arrived with a job, and how that is known. */
  receipts: { args: ReceiptsRequest; result: Receipts }
  /** Saves the receipts of a job. */
  save_receipts: { args: SaveReceipts; result: SavedReceipts }
  /** Looks again whether what arrived is still there, byte for byte. */
  verify: { args: VerifyWhat; result: JobView }
  /** Multipart uploads of a bucket that were never finished. */
  unfinished_uploads: { args: BucketRef; result: Unfinished }
  /** Aborts unfinished uploads, and looks that their parts are gone. */
  clean_uploads: { args: CleanUploads; result: Cleaned }
  /** The syncs that were given a name. */
  saved_syncs: { args: null; result: Array<SavedSync> }
  /** Gives a sync a name, or changes one that has. */
  save_sync: { args: SaveSync; result: SavedSync }
  /** Forgets a saved sync; what it copied stays. */
  delete_saved_sync: { args: string; result: null }
}

/** What only a window can do. */
export interface ShellCommands {
  /** Lets the user choose files; empty when they did not. */
  pick_files: { args: Pick; result: Array<string> }
  /** Lets the user choose one file. */
  pick_file: { args: Pick; result: string | null }
  /** Lets the user choose one folder. */
  pick_folder: { args: Pick; result: string | null }
  /** Lets the user choose where to save a file; asks before an existing one is replaced. */
  pick_save: { args: PickSave; result: string | null }
  /** Copies to the clipboard. */
  copy_text: { args: CopyText; result: null }
  /** Opens a page of documentation in the browser. */
  open_help: { args: string; result: null }
  /** Opens the page of a sign-in in the browser. */
  open_sign_in: { args: string; result: null }
  /** Shows a portal's own sign-in pages in a window without any of Wherry's powers. Answers with a ticket when the user has signed in; null when they closed it. */
  hosted_sign_in: { args: HostedRequest; result: string | null }
  /** Closes that window: its sign-in was given up. */
  hosted_close: { args: null; result: null }
  /** Shows one of Wherry's own folders in the file manager. */
  show_folder: { args: KnownFolder; result: null }
  /** Shows where a finished download is, in the file manager. */
  show_download: { args: string; result: null }
  /** Hands the staged files of a job to the desktop, while the mouse button is down; they may still be on their way. Answers when the drag is over; false when it could not begin or nothing got the files. */
  drag_out: { args: string; result: boolean }
}

