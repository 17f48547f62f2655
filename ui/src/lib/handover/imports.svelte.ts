/**
 * Accounts from the file of another tool. The secrets stay in Rust: here is only which entries are
 * wanted, what they shall be called, and what the file does not say.
 */
import { backend, type AccountView, type AddImported, type ImportedKeyView, type KeysImportView } from '../backend'
import { Asking } from '../accounts/asking.svelte'

export class ImportRow {
  readonly key: ImportedKeyView
  readonly index: number
  wanted = $state(false)
  name = $state('')
  endpoint = $state('')
  secret = $state('')
  adding = new Asking()
  added = $state.raw<AccountView | null>(null)

  constructor(key: ImportedKeyView, index: number, taken: (name: string) => boolean) {
    this.key = key
    this.index = index
    this.name = freeName(key.name, taken)
    this.wanted = key.unusable === null
  }

  get needsEndpoint(): boolean {
    return this.key.endpoint === null
  }

  get needsSecret(): boolean {
    return !this.key.hasSecret && this.key.signing !== 'anonymous'
  }

  get open(): boolean {
    return this.wanted && this.added === null
  }

  errors(): { name?: string; endpoint?: string; secret?: string } {
    const errors: { name?: string; endpoint?: string; secret?: string } = {}
    if (this.name.trim() === '') errors.name = 'The account needs a name.'
    if (this.needsEndpoint && this.endpoint.trim() === '') errors.endpoint = 'The address of the store is missing.'
    if (this.needsSecret && this.secret.trim() === '') errors.secret = 'The secret is missing.'
    return errors
  }
}

/** `lab`, or `lab 2` when there is one. */
function freeName(name: string, taken: (name: string) => boolean): string {
  if (!taken(name)) return name
  for (let i = 2; ; i++) if (!taken(`${name} ${i}`)) return `${name} ${i}`
}

export class ImportFlow {
  path = $state('')
  found = $state.raw<KeysImportView | null>(null)
  rows = $state.raw<ImportRow[]>([])
  /** Mistakes are shown from the first attempt on. */
  tried = $state(false)
  reading = new Asking()
  readonly #taken: () => string[]

  constructor(taken: () => string[]) {
    this.#taken = taken
  }

  get wanted(): ImportRow[] {
    return this.rows.filter((row) => row.open)
  }

  get busy(): boolean {
    return this.rows.some((row) => row.adding.busy)
  }

  get added(): AccountView[] {
    return this.rows.flatMap((row) => row.added ?? [])
  }

  async choose() {
    const picked = await this.reading.ask(() =>
      backend().shell('pick_file', { title: 'Choose the other tool’s file', folder: null }),
    )
    if (!picked || picked.answer === null) return
    this.path = picked.answer
    await this.read()
  }

  async read() {
    const path = this.path.trim()
    if (path === '') return
    this.end()
    const answered = await this.reading.ask(() => backend().call('import_keys', path))
    if (!answered) return
    const names = new Set(this.#taken())
    this.found = answered.answer
    this.tried = false
    this.rows = answered.answer.keys.map((key, index) => {
      const row = new ImportRow(key, index, (name) => names.has(name))
      if (row.wanted) names.add(row.name)
      return row
    })
  }

  /** One after the other; true when all that were wanted are there. */
  async add(): Promise<boolean> {
    const found = this.found
    if (!found || this.busy) return false
    this.tried = true
    if (this.wanted.some((row) => Object.keys(row.errors()).length > 0)) return false
    for (const row of this.wanted) {
      const endpoint = row.endpoint.trim()
      const secret = row.secret.trim()
      const request: AddImported = {
        import: found.import,
        key: row.index,
        name: row.name.trim(),
        ...(endpoint === '' ? {} : { endpoint }),
        ...(secret === '' ? {} : { secret }),
      }
      const answered = await row.adding.ask(() => backend().call('add_imported', request))
      if (!answered) continue
      row.added = answered.answer
      row.secret = ''
    }
    return this.wanted.length === 0
  }

  /** Forgets the file, and its secrets in Rust with it. */
  end() {
    const found = this.found
    this.found = null
    for (const row of this.rows) row.secret = ''
    this.rows = []
    // Nothing to say to anybody when that fails: they are gone with the process at the latest.
    if (found) backend().call('forget_import', found.import).catch(() => undefined)
  }
}
