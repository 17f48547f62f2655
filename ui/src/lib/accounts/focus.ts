/** Where the keyboard goes when a dialog's content changes under it. */
import { tick } from 'svelte'

/** To the first field that is wrong, opening the disclosure it may be in. */
export async function focusFirstError(root: HTMLElement | null) {
  await tick()
  const wrong = root?.querySelector<HTMLElement>('[aria-invalid="true"]')
  const folded = wrong?.closest('details:not([open])')
  if (folded instanceof HTMLDetailsElement) folded.open = true
  wrong?.focus()
}

/** To the first empty field of a new step, else its first field, else its first button. */
export async function focusFirst(root: HTMLElement | null) {
  await tick()
  const all = root?.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input:not(:disabled), select:not(:disabled)')
  const fields = [...(all ?? [])].filter(
    (field) => !field.closest('details:not([open])') && ['text', 'password', 'select-one'].includes(field.type),
  )
  const wanted = fields.find((field) => field.value === '') ?? fields[0] ?? root?.querySelector('button')
  wanted?.focus()
}

/** For what appears below the fold of a dialog and must not be missed: `{@attach intoView}`. */
export function intoView(node: HTMLElement) {
  // jsdom has no layout and no such function.
  node.scrollIntoView?.({ block: 'nearest' })
}
