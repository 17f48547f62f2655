/** What Rust tells, to whom it matters. */
import type { Event, JobView } from '$lib/backend'
import { watch } from '$lib/browse/dragOut.svelte'
import { folder } from '$lib/browse/folder.svelte'
import { jobs } from '$lib/transfers/jobs.svelte'
import { heardPlanning } from '$lib/transfers/planning.svelte'
import { stateWords } from '$lib/transfers/jobWords'
import { accountsChanged } from './accounts.svelte'
import { say } from './notice.svelte'
import { changeSettings, current } from './settings.svelte'

/** Several accounts may change at once, and asking for buckets may itself tell of a key. */
const TOGETHER = 200
let pending: ReturnType<typeof setTimeout> | undefined

export function heard(event: Event) {
  switch (event.kind) {
    case 'jobs':
      jobs.heard(event.jobs)
      watch()
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
  }
}

/** One quiet line at the end of a job; the panel says more when it is open. */
export function jobEnded(job: JobView) {
  if (current.settings.showTransfers || job.kind === 'stage') return
  const show = { label: 'Show', run: () => changeSettings({ showTransfers: true }) }
  if (job.state === 'partial' || job.state === 'failed') say(`${job.title}: ${job.problem?.what ?? stateWords(job)}`, show)
  else say(stateWords(job), show)
}
