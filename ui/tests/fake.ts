/**
 * A backend in memory, for looking at screens and for tests of components. It is not shipped, and it
 * promises nothing about real stores: those tests run against the real engine.
 */
import type {
  Backend,
  Commands,
  DropListener,
  Event,
  JobView,
  ListingView,
  Location,
  LookAt,
  PlanView,
  PlanWhat,
  Problem,
  Row,
  SelectedKey,
  Selection,
  Settings,
  ShellCommands,
} from '$lib/backend'
import type { AccountView, BucketView, VaultView } from '$lib/backend'
import { transferHandlers, type FakeHistory } from './fake-transfers'
import { jobView, NOW, planView, providers, thesis, TRANSFERS, type StoredObject } from './fake-data'

export type Handlers = {
  [K in keyof Commands]?: (args: Commands[K]['args']) => Promise<Commands[K]['result']> | Commands[K]['result']
}
type ShellHandlers = {
  [K in keyof ShellCommands]?: (
    args: ShellCommands[K]['args'],
  ) => Promise<ShellCommands[K]['result']> | ShellCommands[K]['result']
}

export interface FakeOptions {
  accounts?: AccountView[]
  /** account → bucket → objects */
  stores?: Record<string, Record<string, Map<string, StoredObject>>>
  settings?: Partial<Settings>
  vault?: Partial<VaultView>
  /** Commands that answer in their own way; a thrown `Problem` is the answer too. */
  handlers?: Handlers
  shell?: ShellHandlers
  /** Jobs that are there from the start. */
  jobs?: JobView[]
  /** What the history has beside them, newest first: made when it is asked for. */
  history?: FakeHistory
}

export function problem(code: string, what: string, todo: string, change: Partial<Problem> = {}): Problem {
  return { code, what, todo, remedies: [], retry: false, context: [], ...change }
}

const compare: Record<LookAt['sort'], (a: Row, b: Row) => number> = {
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  size: (a, b) => (a.size ?? -1) - (b.size ?? -1),
  modified: (a, b) => (a.modified ?? 0) - (b.modified ?? 0),
  'storage-class': (a, b) => (a.storageClass ?? '').localeCompare(b.storageClass ?? ''),
}

/** Where a plan's objects are, or will be. */
function placeOf(what: Exclude<PlanWhat, { kind: 'sync' | 'saved-sync' }>): Location {
  return what.kind === 'upload' ? what.to : what.kind === 'rename' ? what.location : what.selection.location
}

export class Fake implements Backend {
  readonly calls: { name: string; args: unknown }[] = []
  accounts: AccountView[]
  settings: Settings
  vault: VaultView
  jobs: JobView[]
  clipboard: string | null = null
  stores: Record<string, Record<string, Map<string, StoredObject>>>
  #looks = new WeakMap<object, { name: string; rows: Row[] }>()
  #listings = new Map<string, { view: ListingView; rows: Row[] }>()
  #plans = new Map<string, { view: PlanView; what: PlanWhat; keys: string[] }>()
  #listeners = new Set<(event: Event) => void>()
  #drop: DropListener | null = null
  #next = 1

  constructor(readonly options: FakeOptions = {}) {
    this.accounts = options.accounts ?? []
    this.stores = options.stores ?? Object.fromEntries(this.accounts.map((a) => [a.id, { thesis: thesis(), scratch: new Map() }]))
    this.jobs = options.jobs ?? []
    this.settings = {
      theme: 'system',
      textScale: 1,
      downloadFolder: null,
      vault: null,
      place: null,
      sidebarWidth: 240,
      showInspector: false,
      showTransfers: false,
      transfers: TRANSFERS,
      ...options.settings,
    }
    this.vault = { choice: 'keychain', state: 'ready', name: 'GNOME Keyring', problem: null, ...options.vault }
  }

  async call<K extends keyof Commands>(name: K, args?: unknown): Promise<Commands[K]['result']> {
    this.calls.push({ name, args })
    const handler = (this.options.handlers?.[name] ?? this.handlers[name]) as
      | ((args: unknown) => Commands[K]['result'])
      | undefined
    if (!handler) throw problem('fake.command', `The fake does not know “${name}”.`, '')
    await Promise.resolve()
    return handler(args)
  }

  async shell<K extends keyof ShellCommands>(name: K, args?: unknown): Promise<ShellCommands[K]['result']> {
    this.calls.push({ name, args })
    const handler = (this.options.shell?.[name] ?? this.#shell[name]) as
      | ((args: unknown) => ShellCommands[K]['result'])
      | undefined
    if (!handler) throw problem('fake.command', `The fake does not know “${name}”.`, '')
    await Promise.resolve()
    return handler(args)
  }

  events(listener: (event: Event) => void) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onDrop(listener: DropListener) {
    this.#drop = listener
    return () => (this.#drop = null)
  }

  /** For tests: says something as Rust would. */
  tell(event: Event) {
    this.#listeners.forEach((hear) => hear(event))
  }

  /** For tests: a drag from the desktop. */
  get drag(): DropListener {
    if (!this.#drop) throw new Error('nobody listens for drops')
    return this.#drop
  }

  #objects({ account, bucket }: { account: string; bucket: string }): Map<string, StoredObject> {
    const objects = this.stores[account]?.[bucket]
    if (!objects)
      throw problem('store.no-bucket', `There is no bucket “${bucket}” here.`, 'Check its name, or refresh the list of buckets.')
    return objects
  }

  #rowsOf(location: Location): Row[] {
    const folders = new Set<string>()
    const rows: Row[] = []
    for (const [key, object] of this.#objects(location)) {
      if (!key.startsWith(location.prefix)) continue
      const rest = key.slice(location.prefix.length)
      const slash = rest.indexOf('/')
      if (slash >= 0 && rest !== '') {
        const prefix = location.prefix + rest.slice(0, slash + 1)
        if (!folders.has(prefix))
          rows.push({ kind: 'folder', key: prefix, name: rest.slice(0, slash), size: null, modified: null, storageClass: null })
        folders.add(prefix)
      } else {
        rows.push({ kind: rest === '' ? 'marker' : 'object', key, name: rest, ...object })
      }
    }
    return rows
  }

  #relist(id: string, location: Location, generation: number): ListingView {
    const rows = this.#rowsOf(location)
    const objects = rows.filter((row) => row.kind !== 'folder')
    const view: ListingView = {
      id,
      location,
      folders: rows.length - objects.length,
      objects: objects.length,
      bytes: objects.reduce((sum, row) => sum + (row.size ?? 0), 0),
      complete: true,
      generation,
      problem: null,
    }
    this.#listings.set(id, { view, rows })
    return view
  }

  #look(listing: string, look: LookAt): { view: ListingView; rows: Row[] } {
    const found = this.#listings.get(listing)
    if (!found) throw problem('browse.listing-closed', 'This listing was closed.', 'Open the folder again.')
    const name = JSON.stringify([look, found.view.generation])
    const known = this.#looks.get(found)
    if (known?.name === name) return { view: found.view, rows: known.rows }
    const wanted = look.filter.toLowerCase()
    const sign = look.descending ? -1 : 1
    const rows = found.rows
      .filter((row) => row.name.toLowerCase().includes(wanted))
      .sort((a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || sign * (compare[look.sort](a, b) || compare.name(a, b)))
    this.#looks.set(found, { name, rows })
    return { view: found.view, rows }
  }

  #selected({ keys, allOf }: Selection): SelectedKey[] {
    return allOf ? this.#look(allOf.listing, allOf.look).rows.map(({ kind, key }) => ({ kind, key })) : keys
  }

  #below(location: Location, keys: SelectedKey[]): string[] {
    const all = [...this.#objects(location).keys()]
    return keys.flatMap(({ kind, key }) => (kind === 'folder' ? all.filter((k) => k.startsWith(key)) : [key]))
  }

  #plan(what: PlanWhat): PlanView {
    const id = `plan-${this.#next++}`
    if (what.kind === 'sync' || what.kind === 'saved-sync') throw problem('fake.command', 'The fake does not sync.', '')
    const location = placeOf(what)
    const keys =
      what.kind === 'upload'
        ? what.paths.map((path) => location.prefix + (path.split('/').pop() ?? path))
        : this.#below(location, what.kind === 'rename' ? [what.item] : this.#selected(what.selection))
    const objects = this.#objects(location)
    const there = what.kind === 'upload' ? keys.filter((key) => objects.has(key)) : []
    const bytes = keys.reduce((sum, key) => sum + (objects.get(key)?.size ?? 1_234_567), 0)
    const verb = { upload: 'Upload', download: 'Download', delete: 'Delete', rename: 'Rename', stage: 'Fetch', copy: 'Copy' }[what.kind]
    const view = planView({
      id,
      kind: what.kind === 'copy' && what.removeOriginals ? 'move' : what.kind,
      title: `${verb} ${keys.length} ${keys.length === 1 ? 'object' : 'objects'} ${what.kind === 'upload' ? 'to' : 'from'} ${location.bucket}/${location.prefix}`,
      files: keys.length,
      bytes,
      conflicts: there.length,
      conflictExamples: there.map((key, item) => ({
        item,
        name: key.slice(location.prefix.length),
        hereSize: 1_234_567,
        hereModified: NOW,
        thereSize: objects.get(key)?.size ?? 0,
        thereModified: objects.get(key)?.modified ?? null,
      })),
      examples: keys.slice(0, 5).map((key) => key.slice(location.prefix.length)),
      clean: what.kind !== 'delete' && what.kind !== 'rename' && there.length === 0 && keys.length < 100,
    })
    this.#plans.set(id, { view, what, keys })
    return view
  }

  #run(id: string): JobView {
    const plan = this.#plans.get(id)
    if (!plan) throw problem('transfer.plan-gone', 'This plan is no longer there.', 'Make it again.')
    const { what, keys, view } = plan
    if (what.kind === 'sync' || what.kind === 'saved-sync') throw problem('fake.command', 'The fake does not sync.', '')
    const location = placeOf(what)
    const objects = this.#objects(location)
    if (what.kind === 'upload') for (const key of keys) objects.set(key, { size: 1_234_567, modified: NOW, storageClass: 'STANDARD' })
    if (what.kind === 'delete') for (const key of keys) objects.delete(key)
    if (what.kind === 'rename')
      for (const key of keys) {
        const object = objects.get(key)
        objects.delete(key)
        const to = location.prefix + what.name + (what.item.kind === 'folder' ? '/' + key.slice(what.item.key.length) : '')
        if (object) objects.set(to, object)
      }
    const job = jobView(`job-${this.#next++}`, {
      kind: view.kind,
      title: view.title,
      account: location.account,
      location,
      to: what.kind === 'copy' ? what.to : null,
      folder: what.kind === 'download' ? what.folder : null,
      state: 'done',
      filesTotal: view.files,
      filesDone: view.files,
      bytesTotal: view.bytes,
      bytesDone: view.bytes,
      ended: NOW,
    })
    if (what.kind === 'copy') {
      const there = this.#objects(what.to)
      for (const key of keys) {
        const object = objects.get(key)
        if (object) there.set(what.to.prefix + key.slice(location.prefix.length), object)
        if (what.removeOriginals) objects.delete(key)
      }
    }
    this.jobs = [job, ...this.jobs]
    queueMicrotask(() => {
      this.tell({ kind: 'jobs', jobs: [job] })
      if (what.kind !== 'download' && what.kind !== 'stage') this.tell({ kind: 'changed', location: what.kind === 'copy' ? what.to : location })
    })
    return { ...job, state: 'running', filesDone: 0, bytesDone: 0, ended: null }
  }

  readonly handlers: Handlers = {
    app_info: () => ({
      version: '0.1.0',
      platform: 'linux',
      configFolder: '/home/ada/.config/wherry',
      practiceFolder: '/home/ada/.local/share/wherry/practice',
      logFolder: '/home/ada/.local/state/wherry',
      vault: this.vault,
    }),
    settings: () => ({ ...this.settings }),
    save_settings: (settings) => {
      this.settings = { ...settings }
      return null
    },
    vault: () => this.vault,
    providers: () => providers,
    accounts: () => this.accounts,
    remove_account: (id) => {
      this.accounts = this.accounts.filter((a) => a.id !== id)
      this.tell({ kind: 'accounts' })
      return null
    },
    buckets: (id) => {
      const buckets: BucketView[] = Object.keys(this.stores[id] ?? {}).map((name) => ({ name, created: NOW, byName: false }))
      return { buckets, denied: null }
    },
    check_bucket_name: (name) => (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) ? null : '3 to 63 small letters, digits, dots and hyphens'),
    create_bucket: ({ account, bucket }) => {
      ;(this.stores[account] ??= {})[bucket] = new Map()
      this.tell({ kind: 'accounts' })
      return null
    },
    delete_bucket: ({ account, bucket }) => {
      delete this.stores[account]?.[bucket]
      this.tell({ kind: 'accounts' })
      return null
    },
    open_bucket: (ref) => {
      this.#objects(ref)
      return null
    },
    forget_bucket: () => null,
    parse_path: ({ account, text }) => {
      const bare = text.replace(/^s3:\/\//, '').replace(/^\//, '')
      const slash = bare.indexOf('/')
      if (!bare) throw problem('browse.path', 'This is not a path.', 'Write it as bucket/folder/.')
      return { account, bucket: slash < 0 ? bare : bare.slice(0, slash), prefix: slash < 0 ? '' : bare.slice(slash + 1) }
    },
    open_listing: (location) => this.#relist(`listing-${this.#next++}`, location, 1),
    refresh_listing: (id) => {
      const { view } = this.#look(id, { sort: 'name', descending: false, filter: '' })
      return this.#relist(id, view.location, view.generation + 1)
    },
    close_listing: (id) => {
      this.#listings.delete(id)
      return null
    },
    rows: ({ listing, look, from, count }) => {
      const { view, rows } = this.#look(listing, look)
      return { total: rows.length, from, rows: rows.slice(from, from + count), generation: view.generation }
    },
    range: ({ listing, look, from, to }) =>
      this.#look(listing, look)
        .rows.slice(from, to)
        .map(({ kind, key }) => ({ kind, key })),
    find: ({ listing, look, startsWith, key, from }) => {
      const { rows } = this.#look(listing, look)
      for (let i = 0; i < rows.length; i++) {
        const at = (from + i) % rows.length
        const row = rows[at]
        if (!row) continue
        if (key !== null ? row.key === key : row.name.toLowerCase().startsWith((startsWith ?? '').toLowerCase())) return at
      }
      return null
    },
    create_folder: ({ location, name }) => {
      this.#objects(location).set(`${location.prefix}${name}/`, { size: 0, modified: NOW, storageClass: null })
      this.tell({ kind: 'changed', location })
      return null
    },
    object_details: ({ account, bucket, key }) => {
      const object = this.#objects({ account, bucket }).get(key)
      if (!object) throw problem('store.no-object', 'This object is not there any more.', 'Refresh the folder.')
      return {
        key,
        size: object.size,
        modified: object.modified,
        etag: '"9b2cf535f27731c974343645a3985328"',
        contentType: 'text/csv',
        storageClass: object.storageClass,
        versionId: null,
        metadata: [
          ['instrument', 'CNR4'],
          ['campaign', 'winter 2025'],
        ],
        path: `s3://${bucket}/${key}`,
        url: `https://s3.example.org/${bucket}/${encodeURI(key)}`,
      }
    },
    object_link: ({ object, seconds }) => ({
      url: `https://s3.example.org/${object.bucket}/${encodeURI(object.key)}?X-Amz-Expires=${seconds}&X-Amz-Signature=0f1e2d`,
      expires: NOW + seconds * 1000,
    }),
    plan: ({ what }) => this.#plan(what),
    cancel_planning: () => null,
    drop_plan: (id) => {
      this.#plans.delete(id)
      return null
    },
    run_plan: ({ plan }) => this.#run(plan),
    ...transferHandlers(this),
  }

  readonly #shell: ShellHandlers = {
    pick_files: () => ['/home/ada/Desktop/results.csv', '/home/ada/Desktop/notes.txt'],
    pick_file: () => '/home/ada/clouds.yaml',
    pick_folder: () => '/home/ada/Downloads',
    pick_save: ({ name }) => `/home/ada/${name}`,
    copy_text: ({ text }) => {
      this.clipboard = text
      return null
    },
    open_help: () => null,
    hosted_close: () => null,
    show_folder: () => null,
    show_download: () => null,
    drag_out: () => true,
  }
}
