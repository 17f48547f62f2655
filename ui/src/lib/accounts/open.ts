/** Going to an account that was just added or mended: the list first, so that the place exists. */
import type { AccountView } from '../backend'
import { expand, refreshAccounts } from '../frame/accounts.svelte'
import { navigate } from '../frame/navigation.svelte'

export async function openAccount(account: AccountView) {
  await refreshAccounts()
  expand(account.id)
  navigate({ account: account.id, bucket: null, prefix: '' })
}
