/** What a problem's remedies do when their button is pressed. */
import { backend, type Problem, type Remedy } from '$lib/backend'
import { openDialog } from './dialogs.svelte'
import { navigate } from './navigation.svelte'
import { report, say } from './notice.svelte'
import { chooseDownloadFolder } from './settings.svelte'

const WORDS: Record<Remedy['kind'], string> = {
  retry: 'Try again',
  'sign-in': 'Sign in…',
  'new-key': 'Make a new key…',
  'give-secret': 'Type the secret…',
  'delete-orphan': 'Delete that key',
  'edit-account': 'Edit account…',
  'open-by-name': 'Open a bucket by name…',
  'choose-vault': 'Choose where to keep secrets…',
  'unlock-vault': 'Unlock…',
  'choose-folder': 'Choose another folder…',
  'show-log': 'Show log',
}

export function remedy(r: Remedy, onretry?: () => void): void {
  switch (r.kind) {
    case 'retry':
      onretry?.()
      break
    case 'sign-in':
      void openDialog({ kind: 'sign-in', account: r.account, purpose: 'To go on' }).then((done) => done && onretry?.())
      break
    case 'new-key':
      navigate({ keysOf: r.account })
      break
    case 'give-secret':
      void openDialog({ kind: 'secret', account: r.account }).then((done) => done && onretry?.())
      break
    case 'delete-orphan':
      backend()
        .call('delete_orphan', { session: r.session, accessKeyId: r.accessKeyId })
        .then((deleted) => say(deleted.words))
        .catch(report)
      break
    case 'edit-account':
      void openDialog({ kind: 'edit-account', account: r.account })
      break
    case 'open-by-name':
      void openDialog({ kind: 'open-bucket', account: r.account })
      break
    case 'choose-vault':
    case 'unlock-vault':
      void openDialog({ kind: 'vault' }).then((done) => done && onretry?.())
      break
    case 'choose-folder':
      void chooseDownloadFolder().then((folder) => folder && say(`Downloads go to ${folder} from now on`))
      break
    case 'show-log':
      backend().shell('show_folder', 'logs').catch(report)
      break
  }
}

export interface RemedyButton {
  label: string
  run: () => void
}

/** Where a problem stands, a remedy may have a meaning of its own: another folder for this download. */
export type Instead = Partial<Record<Remedy['kind'], () => void>>

/** A problem's buttons. Without a way to try again, none is offered. */
export function remedies(problem: Problem, onretry?: () => void, instead: Instead = {}): RemedyButton[] {
  const listed = problem.remedies.filter((r) => r.kind !== 'retry' || onretry)
  const buttons = listed.map((r) => ({ label: WORDS[r.kind], run: instead[r.kind] ?? (() => remedy(r, onretry)) }))
  if (onretry && problem.retry && !listed.some((r) => r.kind === 'retry'))
    buttons.push({ label: WORDS.retry, run: onretry })
  return buttons
}
