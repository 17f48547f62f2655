/**
 * The one door to Rust. Nothing outside this folder knows whether it is a Tauri window or a plain
 * browser under test, and nothing outside it imports @tauri-apps.
 */
import type { Commands, Event, Problem, ShellCommands } from './contract'

export type * from './contract'

/** Call without arguments where there are none; the contract writes those as `null`. */
type Args<T> = [T] extends [null] ? [] : [args: T]

export type Unsubscribe = () => void

/** In CSS pixels of the window. */
export interface Point {
  x: number
  y: number
}

export interface DropListener {
  /** Something with files in it came over the window. */
  enter(paths: string[], at: Point): void
  over(at: Point): void
  leave(): void
  drop(paths: string[], at: Point): void
}

export interface Backend {
  /** Rejects with a `Problem`, never with anything else. */
  call<K extends keyof Commands>(name: K, ...args: Args<Commands[K]['args']>): Promise<Commands[K]['result']>
  shell<K extends keyof ShellCommands>(
    name: K,
    ...args: Args<ShellCommands[K]['args']>
  ): Promise<ShellCommands[K]['result']>
  events(listener: (event: Event) => void): Unsubscribe
  onDrop(listener: DropListener): Unsubscribe
}

/** Set by Vite: see vite.config.ts. */
declare const __BRIDGE__: boolean

let chosen: Backend | null = null

/** Before anything is mounted: picks the window's backend, or the one a test brings. */
export async function connect(given?: Backend): Promise<Backend> {
  if (given) chosen = given
  else if ('__TAURI_INTERNALS__' in window) chosen = (await import('./tauri')).tauriBackend()
  else if (__BRIDGE__) chosen = (await import('./bridge')).bridgeBackend()
  else throw new Error('these pages are for the Wherry window')
  return chosen
}

export function backend(): Backend {
  if (!chosen) throw new Error('connect() comes before backend()')
  return chosen
}

export function isProblem(value: unknown): value is Problem {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Problem).code === 'string' &&
    typeof (value as Problem).what === 'string'
  )
}

/** Whatever was thrown, as something that can be shown. */
export function asProblem(value: unknown): Problem {
  if (isProblem(value)) return value
  const reason = value instanceof Error ? value.message : String(value)
  return {
    code: 'app.window',
    what: 'Something went wrong inside Wherry.',
    todo: 'Try again; if it stays, the log says more.',
    remedies: [{ kind: 'show-log' }],
    retry: true,
    context: [['reason', reason]],
  }
}
