/** Which keys mean "command" here, and how shortcuts are written. */
import { backend, type AppInfo } from '$lib/backend'

let info = $state.raw<AppInfo | null>(null)

export const app = {
  get info() {
    return info
  },
  get mac() {
    return info?.platform === 'macos'
  },
}

export async function loadAppInfo() {
  info = await backend().call('app_info')
}

interface Keys {
  ctrlKey: boolean
  metaKey: boolean
}

/** Ctrl, or ⌘ on a Mac. */
export function command(event: Keys): boolean {
  return app.mac ? event.metaKey : event.ctrlKey
}

const SYMBOLS: [RegExp, string][] = [
  [/Ctrl\+/g, '⌘'],
  [/Alt\+/g, '⌥'],
  [/Shift\+/g, '⇧'],
]

/** "Ctrl+L", or "⌘L" on a Mac. */
export function shortcut(keys: string): string {
  return app.mac ? SYMBOLS.reduce((text, [from, to]) => text.replace(from, to), keys) : keys
}
