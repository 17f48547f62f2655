/** What can be done with an account and with a bucket, for their menus. */
import Archive from '@lucide/svelte/icons/archive'
import FolderSearch from '@lucide/svelte/icons/folder-search'
import Hourglass from '@lucide/svelte/icons/hourglass'
import KeyRound from '@lucide/svelte/icons/key-round'
import Pencil from '@lucide/svelte/icons/pencil'
import PlusIcon from '@lucide/svelte/icons/plus'
import RefreshCw from '@lucide/svelte/icons/refresh-cw'
import Trash2 from '@lucide/svelte/icons/trash-2'
import Wrench from '@lucide/svelte/icons/wrench'
import { backend, type AccountView, type BucketView } from '$lib/backend'
import type { MenuEntry } from '$lib/parts/menu'
import { savedSyncsEntry, syncMenu } from '$lib/sync/open'
import { refreshBuckets } from './accounts.svelte'
import { openDialog } from './dialogs.svelte'
import { forget, navigate, isPlace } from './navigation.svelte'
import { report, say } from './notice.svelte'

export function accountMenu({ id, provider }: AccountView): MenuEntry[] {
  return [
    { label: 'Refresh buckets', icon: RefreshCw, run: () => void refreshBuckets(id) },
    { label: 'New bucket…', icon: PlusIcon, run: () => void openDialog({ kind: 'new-bucket', account: id }) },
    { label: 'Open a bucket by name…', icon: FolderSearch, run: () => void openDialog({ kind: 'open-bucket', account: id }) },
    savedSyncsEntry(null),
    'line',
    { label: 'Use with other tools…', icon: Wrench, run: () => void openDialog({ kind: 'hand-over', account: id }) },
    { label: 'Keys', icon: KeyRound, run: () => navigate({ keysOf: id }) },
    {
      label: 'Edit account…',
      icon: Pencil,
      reason: provider === 'practice' ? 'Wherry looks after this one itself' : null,
      run: () => void openDialog({ kind: 'edit-account', account: id }),
    },
    { label: 'Remove account…', icon: Trash2, danger: true, run: () => void openDialog({ kind: 'remove-account', account: id }) },
  ]
}

export function bucketMenu(account: AccountView, bucket: BucketView): MenuEntry[] {
  const ref = { account: account.id, bucket: bucket.name }
  const entries: MenuEntry[] = [
    { label: 'Open', icon: Archive, run: () => navigate({ ...ref, prefix: '' }) },
    { label: 'Copy path', run: () => void copyPath(bucket.name) },
    'line',
    ...syncMenu({ ...ref, prefix: '' }),
    { label: 'Unfinished uploads…', icon: Hourglass, run: () => void openDialog({ kind: 'unfinished', bucket: ref }) },
    'line',
  ]
  if (bucket.byName) entries.push({ label: 'Forget this bucket', run: () => void forgetBucket(ref) })
  entries.push({ label: 'Delete bucket…', icon: Trash2, danger: true, run: () => void openDialog({ kind: 'delete-bucket', bucket: ref }) })
  return entries
}

async function copyPath(bucket: string) {
  try {
    await backend().shell('copy_text', { text: `s3://${bucket}/`, secret: false })
    say('Copied the path')
  } catch (error) {
    report(error)
  }
}

async function forgetBucket(ref: { account: string; bucket: string }) {
  try {
    await backend().call('forget_bucket', ref)
    forget((at) => isPlace(at) && at.account === ref.account && at.bucket === ref.bucket)
    await refreshBuckets(ref.account)
  } catch (error) {
    report(error)
  }
}
