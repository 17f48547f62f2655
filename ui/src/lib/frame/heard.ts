/** What Rust tells, to whom it matters. */
import type { Event, JobView } from '$lib/backend'
import { watch } from '$lib/browse/dragOut.svelte'
import { folder } from '$lib/browse/folder.svelte'
import { jobs, undoing } from '$lib/transfers/jobs.svelte'
import { heardPlanning, SHOW } from '$lib/transfers/planning.svelte'
import { stateWords } from '$lib/transfers/jobWords'
import { accounts, accountsChanged, expand, refreshAccounts } from './accounts.svelte'
import { navigate } from './navigation.svelte'
import { report, say, type LineAction } from './notice.svelte'
import { current } from './settings.svelte'
import { signInFor, waiting } from './waiting.svelte'

/** Several accounts may change at once, and asking for buckets may itself tell of a key. */
const TOGETHER = 200
let pending: ReturnType<typeof setTimeout> | undefined

export function heard(event: Event) {
  switch (event.kind) {
    case 'jobs':
      jobs.heard(event.jobs)
      watch()
      break
    case 'queue':
      void jobs.changed()
      break
    case 'listing':
      folder.heard(event.listing)
      break
    case 'accounts':
      clearTimeout(pending)
      pending = setTimeout(() => {
        accountsChanged()
        // A key may work again: what could not be opened is tried once more.
        if (folder.problem) void folder.refresh()
      }, TOGETHER)
      break
    case 'changed':
      folder.changed(event.location)
      break
    case 'planning':
      heardPlanning(event.ticket, event.files, event.bytes)
      break
    case 'vault':
      break
    case 'trouble':
      report(event.problem)
      break
    case 'show-keys':
      void showKeys(event.account)
      break
    case 'sign-in-needed':
      waiting.needed(event.account)
      sayWaiting(event.account)
      break
  }
}

/** Asked for outside the window, by a notification: the account may be newer than the list here. */
async function showKeys(account: string) {
  if (!accounts.byId(account)) await refreshAccounts()
  if (!accounts.byId(account)) return
  expand(account)
  navigate({ keysOf: account })
}

function sayWaiting(id: string) {
  const name = accounts.byId(id)?.name
  if (name === undefined) return
  const action = { label: 'Sign in…', run: () => void signInFor(id) }
  say(`“${name}” waits for you: its sign-in is over.`, action, { stays: true })
}

/** One quiet line at the end of a job; the panel says more when it is open. */
export function jobEnded(job: JobView) {
  if (current.settings.showTransfers || job.kind === 'stage') return
  const actions: LineAction[] = [undoing(job), SHOW]
  if (job.state === 'partial' || job.state === 'failed') say(`${job.title}: ${job.problem?.what ?? stateWords(job)}`, actions)
  else say(stateWords(job), actions)
}
