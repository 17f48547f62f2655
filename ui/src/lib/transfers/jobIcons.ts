/** What each kind of job looks like. */
import ArrowDownToLine from '@lucide/svelte/icons/arrow-down-to-line'
import ArrowUpFromLine from '@lucide/svelte/icons/arrow-up-from-line'
import Copy from '@lucide/svelte/icons/copy'
import FolderInput from '@lucide/svelte/icons/folder-input'
import FolderSync from '@lucide/svelte/icons/folder-sync'
import Pencil from '@lucide/svelte/icons/pencil'
import ShieldCheck from '@lucide/svelte/icons/shield-check'
import Trash2 from '@lucide/svelte/icons/trash-2'
import type { JobKind } from '$lib/backend'
import type { MenuCommand } from '$lib/parts/menu'

type Icon = NonNullable<MenuCommand['icon']>

export const ICON: Record<JobKind, Icon> = {
  upload: ArrowUpFromLine,
  download: ArrowDownToLine,
  stage: ArrowDownToLine,
  delete: Trash2,
  rename: Pencil,
  copy: Copy,
  move: FolderInput,
  sync: FolderSync,
  verify: ShieldCheck,
}
