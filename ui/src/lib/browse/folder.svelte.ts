/**
 * The folder that is open: its listing in Rust, the look at it, the rows that can be seen, and what is
 * selected. All of it belongs to one location; opening another one begins with nothing, and answers
 * that come late for the old one are dropped.
 */
import {
  asProblem,
  backend,
  type ListingView,
  type Location,
  type LookAt,
  type Problem,
  type Row,
  type SelectedKey,
  type Selection,
  type SortBy,
} from '$lib/backend'
import { Pages } from './pages'
import * as select from './selection'

/** Beyond this, a range is selected without the sizes of its rows. */
const SIZED_RANGE = 5_000
const ROWS_AT_ONCE = 500
/** Beyond this many, selected keys are not looked up again after a refresh. */
const LOOKED_UP = 100

const PLAIN: LookAt = { sort: 'name', descending: false, filter: '' }

export function sameLocation(a: Location | null, b: Location | null): boolean {
  return a === b || (!!a && !!b && a.account === b.account && a.bucket === b.bucket && a.prefix === b.prefix)
}

/** Listings that somebody still needs when their folder has been left, and whether it has. */
const held = new Map<string, { by: number; left: boolean }>()

/** Keeps a listing after its folder was left: "all of it" may have been copied, and is pasted elsewhere. */
export function hold(listing: string): () => void {
  const mine = held.get(listing) ?? { by: 0, left: false }
  mine.by++
  held.set(listing, mine)
  let over = false
  return () => {
    if (over) return
    over = true
    if (--mine.by > 0) return
    held.delete(listing)
    if (mine.left) close(listing)
  }
}

/** Frees a listing; one that is gone already is as good. */
function close(listing: string) {
  const needed = held.get(listing)
  if (needed) {
    needed.left = true
    return
  }
  void backend().call('close_listing', listing).catch(() => undefined)
}

export class Folder {
  location = $state.raw<Location | null>(null)
  view = $state.raw<ListingView | null>(null)
  /** Why the folder could not be opened, or its rows not be fetched. */
  problem = $state.raw<Problem | null>(null)
  /** What the user asked for; `shown` is what the rows on the screen are. */
  look = $state.raw<LookAt>(PLAIN)
  shown = $state.raw<LookAt>(PLAIN)
  chosen = $state.raw<select.Chosen>(select.nothing)
  /** The row that has the keyboard. */
  cursor = $state(0)
  /** Grows whenever the cursor was moved by a person: then it must be seen. */
  moves = $state(0)
  refreshing = $state(false)
  /** The listing was given up by the user. */
  stopped = $state(false)
  /** The first rows of the present look are here. */
  ready = $state(false)

  #version = $state(0)
  #pages: Pages | null = null
  #anchor = 0
  /** A name to go to when it appears: the folder one came up from. */
  #seek: string | null = null
  #session = 0
  #wanted: number | null = null
  #early: ListingView | null = null
  /** Something changed while it was being listed. */
  #again = false

  get total(): number {
    void this.#version
    return this.#pages?.total ?? 0
  }

  row(index: number): Row | undefined {
    void this.#version
    return this.#pages?.row(index)
  }

  need(from: number, to: number) {
    void this.#version
    this.#pages?.need(from, to)
  }

  get listing(): string | null {
    return this.view?.id ?? null
  }

  /** Objects and folders are still being found. */
  get growing(): boolean {
    return this.view !== null && !this.view.complete && !this.view.problem
  }

  get current(): Row | undefined {
    return this.row(this.cursor)
  }

  /** What an action would be about. */
  get selection(): Selection | null {
    if (!this.location || !this.view || select.count(this.chosen) === 0) return null
    return select.asSelection(this.chosen, this.location, this.view.id)
  }

  async open(location: Location | null, seek: string | null = null) {
    const session = ++this.#session
    this.#leave()
    this.location = location
    this.#seek = seek
    if (!location) return
    try {
      const view = await backend().call('open_listing', location)
      if (session !== this.#session) return close(view.id)
      this.view = view
      this.#lookAgain()
      if (this.#early?.id === view.id) this.heard(this.#early)
    } catch (error) {
      if (session === this.#session) this.problem = asProblem(error)
    }
  }

  /**
   * Lists again. What is shown stays until the new rows are complete, so a folder that is looked at does
   * not blink, and keeps its cursor and what is selected.
   */
  async refresh() {
    const { view, location } = this
    if (!location) return
    if (!view || view.problem) return this.open(location, this.current?.key ?? null)
    if (this.refreshing || this.growing) {
      this.#again = true
      return
    }
    const session = this.#session
    this.refreshing = true
    this.problem = null
    try {
      const fresh = await backend().call('refresh_listing', view.id)
      if (session !== this.#session) return
      this.refreshing = false
      this.view = fresh
      this.#lookAgain(true)
      this.#refreshAgain()
    } catch (error) {
      if (session !== this.#session) return
      this.#again = this.refreshing = false
      this.problem = asProblem(error)
    }
  }

  /** Gives up a first listing. Its rows go with it: a part of a folder must not look like the folder. */
  stop() {
    if (!this.growing) return
    this.#session++
    this.#leave()
    this.stopped = true
  }

  /** Rust says how far a listing is. */
  heard(view: ListingView) {
    // A small folder can be listed to its end before we hear what its listing is called.
    if (!this.view && sameLocation(view.location, this.location)) this.#early = view
    if (view.id !== this.view?.id || view.generation < this.view.generation) return
    this.view = view
    this.#pages?.outdate(view.generation)
    // While there are no rows there is no table that would ask for them.
    if (this.total === 0) this.#pages?.need(0, 1)
    this.#version++
    if (this.refreshing || !(view.complete || view.problem)) return
    if (this.chosen.all) this.chooseAll()
    void this.#goSeek()
    this.#refreshAgain()
  }

  /** Rust says that a job changed a folder: it, what is in it, or the one it is in may look different. */
  changed({ account, bucket, prefix }: Location) {
    const here = this.location
    if (!here || here.account !== account || here.bucket !== bucket) return
    if (here.prefix.startsWith(prefix) || prefix.startsWith(here.prefix)) void this.refresh()
  }

  #refreshAgain() {
    if (!this.#again) return
    this.#again = false
    void this.refresh()
  }

  sortBy(sort: SortBy) {
    const descending = this.look.sort === sort ? !this.look.descending : sort === 'size' || sort === 'modified'
    this.#setLook({ ...this.look, sort, descending })
  }

  filter(text: string) {
    if (text !== this.look.filter) this.#setLook({ ...this.look, filter: text })
  }

  // Selection. Indexes are rows of `shown`.

  isChosen(key: string): boolean {
    return select.has(this.chosen, key)
  }

  choose(index: number) {
    const row = this.row(index)
    if (!row) return
    this.#moveCursor(index)
    this.#anchor = index
    this.chosen = select.only([select.pick(row)])
  }

  /** A row the keyboard went to before it was fetched is selected when it comes, if the cursor stayed. */
  chooseWhenHere(index: number) {
    this.#wanted = index
    this.need(index, index + 1)
  }

  async toggle(index: number) {
    const row = this.row(index)
    if (!row) return
    this.#moveCursor(index)
    this.#anchor = index
    if (this.chosen.all) {
      const session = this.#session
      const rows = await this.#range(0, this.total)
      if (session !== this.#session || !rows) return
      this.chosen = select.only(rows)
    }
    this.chosen = select.toggled(this.chosen, select.pick(row))
  }

  /** Everything from the row a selection began at. `add` keeps what was selected before. */
  async extend(index: number, add = false) {
    if (index < 0 || index >= this.total) return
    this.#moveCursor(index)
    const [from, to] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index) + 1]
    if (from === 0 && to === this.total && to > SIZED_RANGE) return this.chooseAll()
    const session = this.#session
    const rows = await this.#range(from, to)
    // The cursor has moved on: a later range is on its way.
    if (!rows || session !== this.#session || this.cursor !== index) return
    this.chosen = add ? select.added(this.chosen, rows) : select.only(rows)
  }

  chooseAll() {
    if (!this.view || this.total === 0) return this.chooseNone()
    const bytes = this.shown.filter === '' ? this.view.bytes : null
    this.chosen = select.everything(this.shown, this.total, bytes)
  }

  chooseNone() {
    this.chosen = select.nothing
  }

  moveTo(index: number) {
    this.#moveCursor(Math.max(0, Math.min(this.total - 1, index)))
  }

  /** A right click or a drag acts on the selection when it hits it, else on that row alone. */
  aim(index: number) {
    const row = this.row(index)
    if (row && !this.isChosen(row.key)) this.choose(index)
    else this.cursor = index
  }

  /** Type-ahead: the next row whose name begins so. */
  async find(startsWith: string, from: number): Promise<number | null> {
    if (!this.view) return null
    const session = this.#session
    const request = { listing: this.view.id, look: this.shown, startsWith, key: null, from }
    const found = await backend().call('find', request)
    return session === this.#session ? found : null
  }

  async #findKey(key: string): Promise<number | null> {
    if (!this.view) return null
    return backend().call('find', { listing: this.view.id, look: this.shown, startsWith: null, key, from: 0 })
  }

  #moveCursor(index: number) {
    this.#seek = null
    this.cursor = index
    this.moves++
  }

  async #range(from: number, to: number): Promise<select.Picked[] | null> {
    const { view, shown: look } = this
    if (!view) return null
    try {
      const here = Array.from({ length: Math.min(to - from, SIZED_RANGE) }, (_, i) => this.row(from + i))
      if (to - from <= SIZED_RANGE && here.every((row) => row !== undefined)) return here.map(select.pick)
      if (to - from > SIZED_RANGE) {
        const keys: SelectedKey[] = await backend().call('range', { listing: view.id, look, from, to })
        return keys.map((key) => ({ ...key, size: null }))
      }
      const picked: select.Picked[] = []
      for (let at = from; at < to; at += ROWS_AT_ONCE) {
        const request = { listing: view.id, look, from: at, count: Math.min(ROWS_AT_ONCE, to - at) }
        picked.push(...(await backend().call('rows', request)).rows.map(select.pick))
      }
      return picked
    } catch (error) {
      this.problem = asProblem(error)
      return null
    }
  }

  #setLook(look: LookAt) {
    this.look = look
    this.chosen = select.nothing
    this.#lookAgain()
  }

  /** Fetches the first rows of the look; they take the place of the old ones at once, when they are here. */
  #lookAgain(refreshed = false) {
    const { view, look } = this
    if (!view) return
    const session = this.#session
    const old = this.#pages
    const key = this.current?.key ?? null
    const pages: Pages = new Pages(
      (from, count) => backend().call('rows', { listing: view.id, look, from, count }),
      (failure) => {
        if (session !== this.#session || look !== this.look) return
        if (failure) {
          this.problem = asProblem(failure)
          return
        }
        if (this.#pages !== pages) {
          this.#pages?.close()
          this.#pages = pages
          pages.outdate(this.view?.generation ?? 0)
          this.shown = look
          this.ready = true
          if (!refreshed) this.cursor = this.#anchor = 0
          if (old && key) void this.#keepCursor(key)
          if (refreshed) void this.#prune()
        }
        void this.#goSeek()
        if (this.cursor >= pages.total) this.cursor = Math.max(0, pages.total - 1)
        this.#version++
        const wanted = this.#wanted
        if (wanted !== null && this.row(wanted)) {
          this.#wanted = null
          if (wanted === this.cursor) this.choose(wanted)
        }
      },
      view.generation,
    )
    pages.need(0, 1)
  }

  /** Goes to a row that is expected to appear, such as a folder that was just made, unless one moves on before. */
  showWhenThere(key: string) {
    this.#seek = key
    void this.refresh()
  }

  async #keepCursor(key: string) {
    const session = this.#session
    const { moves } = this
    const index = await this.#findKey(key).catch(() => null)
    if (session === this.#session && moves === this.moves && index !== null) this.cursor = this.#anchor = index
  }

  async #goSeek() {
    const key = this.#seek
    if (!key) return
    const session = this.#session
    const index = await this.#findKey(key).catch(() => null)
    if (session !== this.#session || this.#seek !== key || index === null) return
    const row = this.row(index)
    // The answer may be of a newer listing than the rows that are here: then one goes there when they have come.
    if (row?.key !== key) return this.need(index, index + 1)
    this.#moveCursor(index)
    this.#anchor = index
    this.chosen = select.only([select.pick(row)])
  }

  /** After a refresh: what is selected and no longer there is not selected any more. */
  async #prune() {
    const { chosen } = this
    if (chosen.all) {
      this.chooseAll()
      return
    }
    if (chosen.keys.size === 0) return
    if (chosen.keys.size > LOOKED_UP) {
      this.chosen = select.nothing
      return
    }
    const session = this.#session
    const kept: select.Picked[] = []
    for (const picked of chosen.keys.values())
      if ((await this.#findKey(picked.key).catch(() => 0)) !== null) kept.push(picked)
    if (session === this.#session && this.chosen === chosen && kept.length < chosen.keys.size)
      this.chosen = select.only(kept)
  }

  #leave() {
    const id = this.view?.id
    if (id) close(id)
    this.#pages?.close()
    this.#pages = null
    this.view = null
    this.#early = null
    this.#again = false
    this.problem = null
    this.refreshing = false
    this.stopped = false
    this.ready = false
    this.chosen = select.nothing
    this.cursor = this.#anchor = 0
    this.look = this.shown = { ...this.look, filter: '' }
    this.#version++
  }
}

export const folder = new Folder()
