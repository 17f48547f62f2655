/** The accounts and, once they were asked for, the buckets of each. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import { asProblem, backend, type AccountView, type BucketsView, type Problem } from '$lib/backend'
import { accountAt, forget } from './navigation.svelte'
import { waiting } from './waiting.svelte'

export interface Shelf {
  loading: boolean
  view: BucketsView | null
  problem: Problem | null
}

let list = $state.raw<AccountView[]>([])
let loaded = $state(false)
let problem = $state.raw<Problem | null>(null)
const shelves = new SvelteMap<string, Shelf>()
const open = new SvelteSet<string>()
/** Counts the asking, so that a late answer cannot overwrite a newer one. */
const asked = new Map<string, number>()

export const accounts = {
  get list() {
    return list
  },
  /** False until the first answer: not the same as having none. */
  get loaded() {
    return loaded
  },
  get problem() {
    return problem
  },
  byId(id: string | null): AccountView | null {
    return list.find((account) => account.id === id) ?? null
  },
  shelf(id: string): Shelf {
    return shelves.get(id) ?? { loading: false, view: null, problem: null }
  },
  isOpen(id: string) {
    return open.has(id)
  },
}

let round = 0
export async function refreshAccounts() {
  const mine = ++round
  try {
    const fresh = await backend().call('accounts')
    if (mine !== round) return
    list = fresh
    loaded = true
    problem = null
    waiting.look(fresh)
    const ids = new Set(fresh.map((account) => account.id))
    for (const id of shelves.keys()) if (!ids.has(id)) shelves.delete(id)
    forget((at) => {
      const account = accountAt(at)
      return account !== null && !ids.has(account)
    })
  } catch (error) {
    if (mine === round) problem = asProblem(error)
  }
}

export async function refreshBuckets(account: string) {
  const mine = (asked.get(account) ?? 0) + 1
  asked.set(account, mine)
  const before = accounts.shelf(account)
  shelves.set(account, { ...before, loading: true, problem: null })
  let shelf: Shelf
  try {
    shelf = { loading: false, view: await backend().call('buckets', account), problem: null }
  } catch (error) {
    shelf = { loading: false, view: before.view, problem: asProblem(error) }
  }
  if (asked.get(account) === mine) shelves.set(account, shelf)
}

/** Opening an account shows its buckets; they are asked for the first time it happens. */
export function expand(account: string) {
  open.add(account)
  // Not a look at the shelf: effects call this, and a refusal would be asked for over and over.
  if (!asked.has(account)) void refreshBuckets(account)
}

export function collapse(account: string) {
  open.delete(account)
}

/** Rust says that accounts or buckets changed: everything that is shown is asked for again. */
export function accountsChanged() {
  void refreshAccounts()
  for (const id of shelves.keys()) void refreshBuckets(id)
}
