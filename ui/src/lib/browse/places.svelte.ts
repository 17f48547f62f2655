/**
 * Choosing a folder of some bucket, of any account: typed as a path, or gone to step by step through
 * the buckets and folders there are. A folder that is not there yet is as good a place.
 */
import { asProblem, backend, type ListingView, type Location, type Problem } from '$lib/backend'
import { accounts, refreshBuckets } from '$lib/frame/accounts.svelte'

/** More folders than this are found by typing. */
const MOST = 500
const TYPED = 250

export interface Step {
  name: string
  /** As it would be typed. */
  path: string
}

export class Places {
  account = $state('')
  text = $state('')
  /** What was typed, understood; null while there is no bucket in it. */
  location = $state.raw<Location | null>(null)
  /** Why it was not understood. */
  wrong = $state.raw<Problem | null>(null)
  /** Typed, and not looked at yet: nothing is concluded from what was there before. */
  pending = $state(false)
  loading = $state(false)
  /** Why what is there cannot be shown; one may copy to where one may not look. */
  hidden = $state.raw<Problem | null>(null)
  #folders = $state.raw<Step[]>([])
  #more = $state(0)
  #listing: ListingView | null = null
  #round = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #stop: () => void

  constructor(start: { account: string; location: Location | null }) {
    this.account = start.account
    this.#stop = backend().events((event) => {
      if (event.kind === 'listing') this.#heard(event.listing)
    })
    this.#show(start.location)
  }

  end() {
    this.#round++
    clearTimeout(this.#timer)
    this.#stop()
    this.#close()
  }

  /** What one can step into from here. */
  get steps(): Step[] {
    if (this.location) return this.#folders
    return (accounts.shelf(this.account).view?.buckets ?? []).map(({ name }) => ({ name, path: `${name}/` }))
  }

  /** How many there are beyond those that are shown. */
  get more(): number {
    return this.location ? this.#more : 0
  }

  get busy(): boolean {
    return this.location ? this.loading : accounts.shelf(this.account).loading
  }

  get trouble(): Problem | null {
    if (this.location) return this.hidden
    const { problem, view } = accounts.shelf(this.account)
    return problem ?? view?.denied ?? null
  }

  set({ account, location }: { account: string; location: Location | null }) {
    this.account = account
    this.#show(location)
  }

  setAccount(account: string) {
    this.account = account
    this.#show(null)
  }

  go({ path }: Step) {
    this.text = path
    void this.settle()
  }

  /** One step up: null at the account's buckets, where there is none. */
  get above(): Step | null {
    if (!this.location) return null
    const { bucket, prefix } = this.location
    if (!prefix) return { name: 'All buckets', path: '' }
    const bare = prefix.replace(/\/$/, '')
    return { name: 'Up', path: `${bucket}/${bare.slice(0, bare.lastIndexOf('/') + 1)}` }
  }

  typed() {
    clearTimeout(this.#timer)
    this.pending = true
    this.#timer = setTimeout(() => void this.settle(), TYPED)
  }

  /** What is typed, understood now: before it is used, nobody waits for the pause in the typing. */
  async settle(): Promise<Location | null> {
    clearTimeout(this.#timer)
    const text = this.text.trim()
    const mine = ++this.#round
    this.wrong = null
    if (!text) {
      this.#show(null, false)
      return null
    }
    try {
      const { account, bucket, prefix } = await backend().call('parse_path', { account: this.account, text })
      if (mine !== this.#round) return null
      this.pending = false
      const location = { account, bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` }
      if (!same(location, this.location)) this.#show(location, false)
      return location
    } catch (error) {
      if (mine === this.#round) {
        this.wrong = asProblem(error)
        this.pending = false
        this.location = null
        this.#close()
      }
      return null
    }
  }

  #show(location: Location | null, write = true) {
    const mine = ++this.#round
    this.location = location
    this.pending = false
    this.wrong = null
    if (write) this.text = location ? `${location.bucket}/${location.prefix}` : ''
    this.#close()
    if (location) void this.#open(location, mine)
    else if (this.account) askForBuckets(this.account)
  }

  async #open(location: Location, mine: number) {
    this.loading = true
    try {
      const view = await backend().call('open_listing', location)
      if (mine !== this.#round) {
        void backend().call('close_listing', view.id).catch(() => undefined)
        return
      }
      this.#listing = view
      await this.#read(view, mine)
    } catch (error) {
      if (mine !== this.#round) return
      this.hidden = asProblem(error)
      this.loading = false
    }
  }

  #heard(view: ListingView) {
    if (view.id !== this.#listing?.id || view.generation < this.#listing.generation) return
    this.#listing = view
    void this.#read(view, this.#round)
  }

  async #read(view: ListingView, mine: number) {
    const look = { sort: 'name' as const, descending: false, filter: '' }
    try {
      const { rows } = await backend().call('rows', { listing: view.id, look, from: 0, count: MOST })
      if (mine !== this.#round || view.id !== this.#listing?.id) return
      // Folders come first, whichever way one looks.
      this.#folders = rows.filter(({ kind }) => kind === 'folder').map(({ name, key }) => ({ name, path: `${view.location.bucket}/${key}` }))
      this.#more = Math.max(0, view.folders - this.#folders.length)
      this.hidden = view.problem
      this.loading = !view.complete && !view.problem
    } catch (error) {
      if (mine !== this.#round) return
      this.hidden = asProblem(error)
      this.loading = false
    }
  }

  #close() {
    if (this.#listing) void backend().call('close_listing', this.#listing.id).catch(() => undefined)
    this.#listing = null
    this.#folders = []
    this.#more = 0
    this.hidden = null
    this.loading = false
  }
}

function same(a: Location, b: Location | null) {
  return !!b && a.account === b.account && a.bucket === b.bucket && a.prefix === b.prefix
}

/** Asks for an account's buckets, unless they were asked for. */
function askForBuckets(account: string) {
  const { view, loading } = accounts.shelf(account)
  if (!view && !loading) void refreshBuckets(account)
}
