/** What a menu is made of, so that a command is written once and shown in several menus. */
import type { Component } from 'svelte'

export interface MenuCommand {
  label: string
  icon?: Component<{ size?: string | number }>
  /** Only shown; the key itself is heard where the focus is. */
  shortcut?: string
  /** Why it cannot be done: greyed out, with this beside it. */
  reason?: string | null | undefined
  danger?: boolean
  /** For a choice that is on or off. */
  checked?: boolean
  run: () => void
}

export type MenuEntry = MenuCommand | 'line'
