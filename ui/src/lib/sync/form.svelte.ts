/** What a sync shall be, as it is being typed. */
import { asProblem, backend, type Compare, type Location, type Problem, type SavedSync, type SyncEnd, type SyncSpec } from '$lib/backend'
import { Places } from '$lib/browse/places.svelte'
import { current } from '$lib/frame/settings.svelte'
import { directionOf, patterns, type Direction } from './syncWords'

export type Start = Location | SyncSpec | SavedSync

function savedOf(start: Start): SavedSync | null {
  return 'sync' in start ? start : null
}

export class SyncForm {
  direction = $state<Direction>('upload')
  /** On this computer. */
  folder = $state('')
  compare = $state<Compare>('size-and-time')
  remove = $state(false)
  include = $state('')
  exclude = $state('')
  withLitter = $state(false)
  /** It gets a name, or has one. */
  keep = $state(false)
  name = $state('')
  problem = $state.raw<Problem | null>(null)
  busy = $state(false)
  readonly saved: SavedSync | null
  /** The place in a store; of a copy, where it comes from. */
  readonly place: Places
  /** Of a copy, where it goes. */
  readonly target: Places

  constructor(start: Start) {
    this.saved = savedOf(start)
    const spec = this.saved?.sync ?? ('from' in start ? start : null)
    const ends: SyncEnd[] = spec ? [spec.from, spec.to] : []
    const locations = 'bucket' in start ? [start] : ends.flatMap((end) => (end.kind === 'place' ? [end.location] : []))
    const first = locations[0] ?? null
    const account = first?.account ?? ''
    this.place = new Places({ account, location: first })
    this.target = new Places({ account: locations[1]?.account ?? account, location: locations[1] ?? null })
    if (!spec) return
    this.direction = directionOf(spec)
    this.folder = ends.flatMap((end) => (end.kind === 'folder' ? [end.path] : []))[0] ?? ''
    this.compare = spec.compare
    this.remove = spec.delete
    this.include = spec.include.join('\n')
    this.exclude = spec.exclude.join('\n')
    this.withLitter = spec.withLitter
    if (this.saved) {
      this.keep = true
      this.name = this.saved.name
    }
  }

  /** Under a name, and at first under one that is as good as any. */
  setKeep(keep: boolean) {
    this.keep = keep
    if (keep && !this.name) this.name = this.#nameOfFolder()
  }

  #nameOfFolder(): string {
    const path = this.direction === 'copy' ? (this.place.location?.prefix ?? '') : this.folder
    const last = path.split(/[\\/]/).filter(Boolean).at(-1)
    return last ?? this.place.location?.bucket ?? ''
  }

  end() {
    this.place.end()
    this.target.end()
  }

  get wrong(): string | null {
    if (this.direction !== 'copy' && !this.folder) return 'Choose the folder on this computer'
    if (this.place.pending || (this.direction === 'copy' && this.target.pending)) return null
    if (!this.place.location) return this.direction === 'copy' ? 'Choose the bucket it comes from' : 'Choose the bucket'
    if (this.direction === 'copy') {
      if (!this.target.location) return 'Choose the bucket it goes to'
      const [from, to] = [this.place.location, this.target.location]
      if (from.account === to.account && from.bucket === to.bucket && (from.prefix.startsWith(to.prefix) || to.prefix.startsWith(from.prefix)))
        return 'One of the two folders is inside the other'
    }
    if (this.keep && !this.name.trim()) return 'Give it a name'
    return null
  }

  async chooseFolder() {
    try {
      const folder = await backend().shell('pick_folder', { title: 'The folder on this computer', folder: this.folder || current.settings.downloadFolder })
      if (folder) this.folder = folder
    } catch (error) {
      this.problem = asProblem(error)
    }
  }

  /** The other way round. */
  swap() {
    if (this.direction === 'upload') this.direction = 'download'
    else if (this.direction === 'download') this.direction = 'upload'
    else {
      const [from, to] = [this.place, this.target].map(({ account, location }) => ({ account, location }))
      if (from && to) {
        this.place.set(to)
        this.target.set(from)
      }
    }
  }

  /** Null when something is missing, which `wrong` says. */
  async spec(): Promise<SyncSpec | null> {
    // What was typed a moment ago counts.
    const place = await this.place.settle()
    const target = this.direction === 'copy' ? await this.target.settle() : null
    if (this.wrong || !place || (this.direction === 'copy' && !target)) return null
    const here: SyncEnd = { kind: 'folder', path: this.folder }
    const there: SyncEnd = { kind: 'place', location: place }
    const ends: Record<Direction, [SyncEnd, SyncEnd]> = {
      upload: [here, there],
      download: [there, here],
      copy: [there, target ? { kind: 'place', location: target } : there],
    }
    const [from, to] = ends[this.direction]
    return {
      from,
      to,
      compare: this.compare,
      delete: this.remove,
      include: patterns(this.include),
      exclude: patterns(this.exclude),
      withLitter: this.withLitter,
    }
  }

  /** Under its name; null when that did not go, which `problem` says. */
  async save(sync: SyncSpec): Promise<SavedSync | null> {
    this.busy = true
    this.problem = null
    try {
      return await backend().call('save_sync', { id: this.saved?.id ?? null, name: this.name.trim(), sync })
    } catch (error) {
      this.problem = asProblem(error)
      return null
    } finally {
      this.busy = false
    }
  }
}
