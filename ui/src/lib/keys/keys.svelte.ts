/**
 * The keys of one account: the one it uses, the others its portal has, and what is done about them.
 *
 * One instance per account and page, so that an answer for one account can never show under
 * another's name. A deed that the portal answers with "sign in first" waits for the sign-in and is
 * then done without being asked for again.
 */
import {
  backend,
  type AccountView,
  type KeyDeleted,
  type KeysView,
  type NewKey,
  type PortalKey,
  type Problem,
  type RegionKey,
  type Rotated,
} from '../backend'
import { Asking } from '../accounts/asking.svelte'
import { WishForm } from '../accounts/wish.svelte'

/** What somebody asked for and has not confirmed yet, or looks at now. */
export type Deed =
  | { kind: 'create' }
  | { kind: 'rotate'; account: string; name: string }
  | { kind: 'reset'; accessKeyId: string }
  | { kind: 'delete'; accessKeyId: string }
  | { kind: 'configure'; region: RegionKey }

/** What came of it, until it was looked at. */
export type Outcome = { kind: 'born'; newKey: NewKey; oldStays: boolean } | { kind: 'rotated'; rotated: Rotated }

/** A sign-in that must come first. */
export interface SignInFirst {
  account: string
  purpose: string
  then: () => void
}

export class AccountKeys {
  readonly account: AccountView
  view = $state.raw<KeysView | null>(null)
  loading = new Asking()
  deed = $state.raw<Deed | null>(null)
  doing = new Asking()
  outcome = $state.raw<Outcome | null>(null)
  deleted = $state.raw<(KeyDeleted & { accessKeyId: string }) | null>(null)
  first = $state.raw<SignInFirst | null>(null)
  readonly wish: WishForm
  /** Errors are shown from the first try on. */
  tried = $state(false)

  constructor(account: AccountView, now: () => number = () => Date.now()) {
    this.account = account
    this.wish = new WishForm(now)
  }

  async load() {
    const answered = await this.loading.ask(() => backend().call('account_keys', this.account.id))
    if (answered) this.#show(answered.answer)
  }

  #show(view: KeysView) {
    this.view = view
    if (view.rules) this.wish.follow(view.rules)
  }

  get ownId(): string | null {
    return this.view?.key.accessKeyId ?? null
  }

  key(accessKeyId: string): PortalKey | null {
    return this.view?.keys.find((key) => key.accessKeyId === accessKeyId) ?? null
  }

  /** A key is made: at once where there is nothing to ask or to warn of. */
  create() {
    if (this.#signInFirst(this.view?.cannotCreate ?? null, 'To make a new key', () => this.create())) return
    this.#begin({ kind: 'create' })
    if (!this.wish.asks && !this.view?.rules?.newKeyRevokesOld) void this.confirm()
  }

  rotate(account: { id: string; name: string } = this.account) {
    const own = account.id === this.account.id
    if (own && this.#signInFirst(this.view?.cannotRotate ?? null, 'To rotate the key', () => this.rotate())) return
    // The new key takes the old one's place, and so its name.
    const named = own && this.ownId !== null ? this.key(this.ownId)?.description : null
    if (named) this.wish.description = named
    this.#begin({ kind: 'rotate', account: account.id, name: account.name })
  }

  reset(accessKeyId: string) {
    if (this.#signInFirst(this.view?.cannotReset ?? null, 'To reset a key', () => this.reset(accessKeyId))) return
    this.#begin({ kind: 'reset', accessKeyId })
  }

  delete(accessKeyId: string) {
    if (this.#signInFirst(this.view?.cannotDelete ?? null, 'To delete a key', () => this.delete(accessKeyId))) return
    this.#begin({ kind: 'delete', accessKeyId })
  }

  configure(region: RegionKey) {
    if (this.#signInFirst(this.view?.cannotCreate ?? null, 'To make a key', () => this.configure(region))) return
    this.#begin({ kind: 'configure', region })
  }

  #begin(deed: Deed) {
    this.deed = deed
    this.tried = false
    this.doing.problem = null
    this.wish.again()
  }

  #signInFirst(problem: Problem | null, purpose: string, then: () => void, account = this.account.id): boolean {
    if (!asksSignIn(problem)) return false
    this.first = { account, purpose, then }
    return true
  }

  /** Signed in, or not. */
  signedIn(done: boolean) {
    const then = this.first?.then
    this.first = null
    if (done) void this.load().then(() => then?.())
  }

  /** True when there is nothing wrong with what was wished for. */
  get wishFits(): boolean {
    const asked = this.deed?.kind === 'create' || this.deed?.kind === 'rotate'
    return !asked || Object.keys(this.wish.errors()).length === 0
  }

  get wishErrors() {
    return this.tried ? this.wish.errors() : {}
  }

  /** Does what was asked for. */
  async confirm() {
    const deed = this.deed
    if (!deed || this.doing.busy) return
    this.tried = true
    if (!this.wishFits) return
    const account = this.account.id
    const wish = this.wish.wish
    switch (deed.kind) {
      case 'create':
        await this.#done(deed, 'To make a new key', () => backend().call('create_key', { account, wish }), (newKey) => {
          this.outcome = { kind: 'born', newKey, oldStays: this.ownId !== null && !this.view?.rules?.newKeyRevokesOld && !this.view?.rules?.lent }
        })
        break
      case 'rotate':
        await this.#done(deed, 'To rotate the key', () => backend().call('rotate_key', { account: deed.account, wish }), (rotated) => {
          this.outcome = { kind: 'rotated', rotated }
        })
        break
      case 'reset':
        await this.#done(deed, 'To reset the key', () => backend().call('reset_key', { account, accessKeyId: deed.accessKeyId }), (newKey) => {
          this.outcome = { kind: 'born', newKey, oldStays: false }
        })
        break
      case 'configure':
        await this.#done(deed, 'To make the key', () => backend().call('create_region_key', { account, region: deed.region.region }), (newKey) => {
          this.outcome = { kind: 'born', newKey, oldStays: false }
        })
        break
      case 'delete': {
        const { accessKeyId } = deed
        await this.#done(deed, 'To delete the key', () => backend().call('delete_key', { account, accessKeyId }), (gone) => {
          this.deleted = { ...gone, accessKeyId }
          void this.load()
        })
      }
    }
  }

  async #done<T>(deed: Deed, purpose: string, question: () => Promise<T>, then: (answer: T) => void) {
    const answered = await this.doing.ask(question)
    if (!answered) {
      // A sign-in can run out between looking and doing; another account's was never here.
      const account = deed.kind === 'rotate' ? deed.account : this.account.id
      const again = () => {
        this.deed = deed
        void this.confirm()
      }
      if (this.#signInFirst(this.doing.problem, purpose, again, account)) {
        this.doing.problem = null
        this.deed = null
      }
      return
    }
    if (deed.kind !== 'delete') this.deleted = null
    this.deed = null
    then(answered.answer)
  }

  /** The question was thought over. */
  leave() {
    if (!this.doing.busy) this.deed = null
  }

  end() {
    this.loading.giveUp()
  }
}

/** Signing in cures it; anything else is a reason why it cannot be done. */
export function asksSignIn(problem: Problem | null): boolean {
  return problem?.remedies.some(({ kind }) => kind === 'sign-in') ?? false
}

/** The reason to grey a button with; none when a sign-in would do. */
export function reasonOf(problem: Problem | null): string | null {
  return problem && !asksSignIn(problem) ? problem.what : null
}
