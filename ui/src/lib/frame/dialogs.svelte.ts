/**
 * The one dialog that is open. Whoever wants one asks here; `Dialogs.svelte` shows it. There is never a
 * stack of them: a remedy inside a dialog replaces it.
 */
import type { AccountView, BucketRef, JobView, Location, PlanView, PlanWhat, Row, SavedSync, Selection, SyncSpec } from '$lib/backend'

export type DialogRequest =
  | { kind: 'add-account'; providerId?: string; site?: string; intent?: 'any' | 'sign-in' | 'typed' }
  | { kind: 'edit-account'; account: string }
  | { kind: 'remove-account'; account: string }
  /** The secret of an account whose vault does not have it. */
  | { kind: 'secret'; account: string }
  /** The portal of an account, once more; `purpose` begins a sentence: "To make a new key". */
  | { kind: 'sign-in'; account: string; purpose: string }
  | { kind: 'hand-over'; account: string }
  | { kind: 'import-keys' }
  | { kind: 'vault' }
  | { kind: 'settings'; tab?: 'general' | 'transfers' }
  /** What arrived with a job, and how that is known; `local`: one side of it is on this computer. */
  | { kind: 'receipts'; job: string; title: string; local: boolean }
  /** What became of each file of a transfer that has ended. */
  | { kind: 'job-files'; job: JobView }
  | { kind: 'verify-file' }
  /** One entry of the history, or all of it. */
  | { kind: 'forget-history'; job: JobView | null }
  | { kind: 'new-bucket'; account: string }
  | { kind: 'open-bucket'; account: string }
  | { kind: 'delete-bucket'; bucket: BucketRef }
  | { kind: 'new-folder'; location: Location }
  | { kind: 'rename'; location: Location; row: Row }
  | { kind: 'shortcuts' }
  | { kind: 'planning' }
  | { kind: 'plan'; plan: PlanView; what: PlanWhat }
  | { kind: 'copy-to'; selection: Selection; items: number; way: 'copy' | 'move' }
  /** A new one beginning at a place, one to be changed before it runs, or one that has a name. */
  | { kind: 'sync'; start: Location | SyncSpec | SavedSync }
  | { kind: 'saved-syncs'; start: Location | null }
  | { kind: 'unfinished'; bucket: BucketRef }

let open = $state.raw<DialogRequest | null>(null)
let settle: ((done: boolean) => void) | null = null

export const dialog = {
  get open() {
    return open
  },
}

/** Resolves when the dialog is closed: true when it did what it was for. */
export function openDialog(request: DialogRequest): Promise<boolean> {
  settle?.(false)
  open = request
  return new Promise((resolve) => (settle = resolve))
}

export function closeDialog(done = false) {
  open = null
  const tell = settle
  settle = null
  tell?.(done)
}

/** For dialogs about an account that may have gone meanwhile. */
export function accountOf(accounts: AccountView[], id: string): AccountView | null {
  return accounts.find((account) => account.id === id) ?? null
}
