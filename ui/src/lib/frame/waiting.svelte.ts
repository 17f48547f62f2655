/**
 * Accounts whose transfers wait until the user has signed in to their portal again.
 *
 * Rust says when one begins to wait. It is over when somebody has signed in, here or in another part
 * of the window, which shows in the account's own sign-in.
 */
import { SvelteMap } from 'svelte/reactivity'
import type { AccountView } from '$lib/backend'
import { openDialog } from './dialogs.svelte'
import { hush } from './notice.svelte'

/** The value: whether the account was seen signed out since. */
const accounts = new SvelteMap<string, boolean>()

export const waiting = {
  has(account: string): boolean {
    return accounts.has(account)
  },
  needed(account: string) {
    accounts.set(account, false)
  },
  signedIn(account: string) {
    accounts.delete(account)
  },
  /** The accounts as they are now. */
  look(all: AccountView[]) {
    for (const [id, out] of accounts) {
      const account = all.find((one) => one.id === id)
      if (!account || (account.issuer?.signedIn && out)) accounts.delete(id)
      else if (!account.issuer?.signedIn) accounts.set(id, true)
    }
  },
}

/** Asks for the sign-in that an account waits for. */
export async function signInFor(account: string): Promise<boolean> {
  const done = await openDialog({ kind: 'sign-in', account, purpose: 'So that its transfers go on' })
  // The line that asked for it stays until then.
  if (done) hush()
  return done
}
