/** Where the window is, where it was, and the way back. */
import type { Location, Place } from '$lib/backend'
import { changeSettings, saveNow } from './settings.svelte'

export type HistoryOf = 'transfers' | 'files'
export type Spot = Place | { keysOf: string } | { history: HistoryOf }

const DEPTH = 100

let spot = $state.raw<Spot | null>(null)
let previous: Spot | null = null
let behind = $state.raw<Spot[]>([])
let ahead = $state.raw<Spot[]>([])

/** In an account's buckets, and not on a page of its own. */
export function isPlace(at: Spot | null): at is Place {
  return at !== null && 'bucket' in at
}

export function samePlace(a: Spot | null, b: Spot | null): boolean {
  if (!a || !b) return a === b
  if ('keysOf' in a || 'keysOf' in b) return 'keysOf' in a && 'keysOf' in b && a.keysOf === b.keysOf
  if ('history' in a || 'history' in b) return 'history' in a && 'history' in b && a.history === b.history
  return a.account === b.account && a.bucket === b.bucket && a.prefix === b.prefix
}

export function locationOf(at: Spot | null): Location | null {
  if (!isPlace(at) || at.bucket === null) return null
  return { account: at.account, bucket: at.bucket, prefix: at.prefix }
}

export function accountAt(at: Spot | null): string | null {
  if (!at || 'history' in at) return null
  return 'keysOf' in at ? at.keysOf : at.account
}

export const navigation = {
  get spot() {
    return spot
  },
  get canGoBack() {
    return behind.length > 0
  },
  get canGoForward() {
    return ahead.length > 0
  },
  /** The folder that is open, if one is. */
  get location(): Location | null {
    return locationOf(spot)
  },
  get account(): string | null {
    return accountAt(spot)
  },
}

function settle(next: Spot | null) {
  previous = spot
  spot = next
  changeSettings({ place: isPlace(next) ? next : null })
  // Not "shortly after": who opens a folder and closes the window finds that folder again.
  saveNow()
}

export function navigate(to: Spot) {
  if (samePlace(spot, to)) return
  if (spot) behind = [...behind.slice(1 - DEPTH), spot]
  ahead = []
  settle(to)
}

export function back() {
  const to = behind.at(-1)
  if (!to) return
  behind = behind.slice(0, -1)
  if (spot) ahead = [spot, ...ahead]
  settle(to)
}

export function forward() {
  const to = ahead[0]
  if (!to) return
  ahead = ahead.slice(1)
  if (spot) behind = [...behind, spot]
  settle(to)
}

/** The folder above; above a bucket are the account's buckets. */
export function above(at: Spot | null): Place | null {
  if (!isPlace(at) || at.bucket === null) return null
  if (!at.prefix) return { account: at.account, bucket: null, prefix: '' }
  const bare = at.prefix.endsWith('/') ? at.prefix.slice(0, -1) : at.prefix
  return { ...at, prefix: bare.slice(0, bare.lastIndexOf('/') + 1) }
}

export function up() {
  const to = above(spot)
  if (to) navigate(to)
}

/** An account or a bucket is gone: no way leads back there. */
export function forget(gone: (at: Spot) => boolean) {
  behind = behind.filter((at) => !gone(at))
  ahead = ahead.filter((at) => !gone(at))
  if (spot && gone(spot)) settle(behind.at(-1) ?? null)
}

/**
 * Coming up to this folder from inside it: the row one came from, where the cursor should stand.
 */
export function leftFrom(location: Location | null): string | null {
  const was = locationOf(previous)
  if (!location || !was || was.account !== location.account || was.bucket !== location.bucket) return null
  if (!was.prefix.startsWith(location.prefix) || was.prefix === location.prefix) return null
  const slash = was.prefix.indexOf('/', location.prefix.length)
  return slash < 0 ? null : was.prefix.slice(0, slash + 1)
}

/** The start: the place of last time, without a way back. */
export function restore(place: Spot | null) {
  behind = []
  ahead = []
  spot = place
}
