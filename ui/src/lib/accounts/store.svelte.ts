/**
 * Signed in to a portal: what the key is for, at which address its objects are, and what the key shall
 * be like.
 *
 * The address comes from the portal, or from the preset where the portal is silent; a corrected one
 * stays as it was typed.
 */
import {
  backend,
  type PortalAccount,
  type ProviderView,
  type ScopePlaces,
  type ScopeView,
  type SignedIn,
  type SigningView,
} from '../backend'
import { addressProblem, hostOf } from './address'
import { Asking } from './asking.svelte'
import type { SignInForm } from './signin.svelte'
import { WishForm, type WishErrors } from './wish.svelte'

/** An address to choose from; regions alone do not tell them apart. */
export interface Offer {
  label: string
  region: string
  url: string
  unreachable: string | null
}

export type StoreErrors = WishErrors & Partial<Record<'scope' | 'password' | 'region' | 'endpoint' | 'name', string>>

export class StoreForm {
  provider = $state<ProviderView | null>(null)
  session = ''
  signedIn = $state<SignedIn | null>(null)
  /** Whose sign-in it is: a place may have several portals. */
  by = $state.raw<SignInForm | null>(null)
  scope = $state('')
  /** For a scope that asks for it once more. */
  password = $state('')
  places = $state<ScopePlaces | null>(null)
  looking = new Asking()
  /** An index into `offers`, as text; empty when there is none. */
  choice = $state('')
  region = $state('')
  endpoint = $state('')
  #suggested = $state('')
  name = $state('')
  #nameTyped = false
  signing = $state<SigningView | ''>('')
  caFile = $state('')
  readonly wish: WishForm
  #asked = ''
  #taken: () => string[]

  constructor(taken: () => string[], now: () => number = () => Date.now()) {
    this.#taken = taken
    this.wish = new WishForm(now)
  }

  choose(provider: ProviderView) {
    this.provider = provider
  }

  begin(signedIn: SignedIn, by: SignInForm, region: string | null = null) {
    this.session = signedIn.session
    this.signedIn = signedIn
    this.by = by
    this.#asked = hostOf(by.asked)
    this.places = null
    this.looking.giveUp()
    this.looking.problem = null
    // The sign-in's own scope comes first: a cloud in a file names the one it is for.
    const before = signedIn.scopes.find((scope) => scope.id === this.scope)?.id
    const only = signedIn.scopes.length === 1 ? signedIn.scopes[0]?.id : undefined
    const next = signedIn.scope ?? before ?? only
    this.scope = ''
    if (next !== undefined) this.chooseScope(next, by.chosenCloud?.region ?? region ?? undefined)
  }

  get scopeView(): ScopeView | null {
    return this.signedIn?.scopes.find((scope) => scope.id === this.scope) ?? null
  }

  /** Keys there are for everything one has: nothing to choose, and nothing to say. */
  get scopeless(): boolean {
    const scopes = this.signedIn?.scopes ?? []
    return scopes.length === 1 && scopes[0]?.id === ''
  }

  get lent(): boolean {
    return this.places?.rules.lent ?? false
  }

  /** The portal wants the password before it opens this scope. */
  get locked(): boolean {
    return this.places === null && (this.scopeView?.asksPassword ?? false)
  }

  chooseScope(id: string, region?: string) {
    this.scope = id
    this.places = null
    this.password = ''
    this.looking.giveUp()
    this.looking.problem = null
    if (!this.#nameTyped) this.name = this.#suggestName()
    if (!this.locked) void this.open(region)
  }

  async open(region?: string) {
    const request = { session: this.session, scope: this.scope, password: this.password || null }
    const answered = await this.looking.ask(() => backend().call('portal_scope', request))
    if (!answered) return
    this.password = ''
    this.places = answered.answer
    this.wish.follow(answered.answer.rules)
    const named = this.offers.findIndex((one) => one.region === region || one.label === region)
    // The one that answers from here comes first.
    if (this.offers.length > 0) this.chooseOffer(String(Math.max(0, named)))
    else {
      this.choice = ''
      if (this.region === '') this.region = region || (this.#needsRegion ? 'RegionOne' : '')
    }
  }

  /** What the portal says, else what the preset knows of it. */
  get offers(): Offer[] {
    const found = this.places?.endpoints ?? []
    if (found.length > 0) return found.map((one) => ({ ...one, label: one.region || hostOf(one.url) }))
    return (this.provider?.endpoints ?? [])
      .filter(({ url, issuerUrl }) => url !== '' && !url.includes('{') && issuerUrl && hostOf(issuerUrl) === this.#asked)
      .map(({ label, region, url }) => ({ label, region, url, unreachable: null }))
  }

  /** Some cannot be used from here: then each is worth a line of its own, with the reason. */
  get reachMatters(): boolean {
    return this.offers.some(({ unreachable }) => unreachable !== null)
  }

  chooseOffer(choice: string) {
    this.choice = choice
    const offer = this.offers[Number(choice)]
    if (!offer) return
    this.region = offer.region
    if (this.endpoint.trim() === '' || this.endpoint === this.#suggested) this.endpoint = offer.url
    this.#suggested = offer.url
  }

  /** The typed address is given up for the one of the portal. */
  takeSuggested() {
    this.endpoint = this.#suggested
  }

  get suggested(): string {
    return this.choice === '' ? '' : (this.offers[Number(this.choice)]?.url ?? '')
  }

  typeName(name: string) {
    this.name = name
    this.#nameTyped = true
  }

  /** Keystone's catalog is one of regions; elsewhere an address is enough. */
  get #needsRegion(): boolean {
    return this.by?.portal.kind === 'keystone'
  }

  get typesRegion(): boolean {
    return this.#needsRegion && this.offers.length <= 1
  }

  errors(): StoreErrors {
    if (this.locked) return this.password === '' ? { password: 'The password is missing.' } : {}
    const errors: StoreErrors = { ...this.wish.errors() }
    if (this.scopeView === null) errors.scope = `Choose the ${this.by?.portal.scope.one ?? 'project'} the key is for.`
    if (this.#needsRegion && this.region.trim() === '') errors.region = 'The region is missing.'
    // A token service may say where its keys are for, but only with the key.
    const problem = this.lent && this.endpoint.trim() === '' ? null : addressProblem(this.endpoint)
    if (problem) errors.endpoint = problem
    const name = this.name.trim()
    if (name === '') errors.name = 'Give the account a name, so that you know it in the list.'
    else if (this.#names().includes(name.toLowerCase())) errors.name = 'Another account has this name already.'
    return errors
  }

  toAccount(signInCaFile: string): PortalAccount {
    const caFile = this.caFile.trim() || signInCaFile.trim()
    return {
      session: this.session,
      scope: this.scope,
      region: this.region.trim(),
      endpoint: this.endpoint.trim(),
      name: this.name.trim(),
      provider: this.provider?.id ?? '',
      signing: this.signing === '' ? null : this.signing,
      caFile: caFile === '' ? null : caFile,
      wish: this.wish.wish,
    }
  }

  forgetSecrets() {
    this.password = ''
  }

  #names(): string[] {
    return this.#taken().map((name) => name.toLowerCase())
  }

  #suggestName(): string {
    const name = [this.provider?.name, this.scopeView?.name].filter(Boolean).join(' – ')
    const taken = this.#names()
    if (!taken.includes(name.toLowerCase())) return name
    let n = 2
    while (taken.includes(`${name} ${n}`.toLowerCase())) n += 1
    return `${name} ${n}`
  }
}
