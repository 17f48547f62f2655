/**
 * Signed in to Keystone: which project, and at which address its objects are.
 *
 * The address comes from the cloud's own catalog, or from the preset where the catalog is silent;
 * a corrected one stays as it was typed.
 */
import {
  backend,
  type PortalAccount,
  type ScopePlaces,
  type ScopeView,
  type ProviderView,
  type SignedIn,
  type SigningView,
} from '../backend'
import { addressProblem, hostOf } from './address'
import { Asking } from './asking.svelte'
import type { KeystoneForm } from './keystone.svelte'

/** An address to choose from; regions alone do not tell them apart. */
interface Offer {
  label: string
  region: string
  url: string
}

export type StoreErrors = Partial<Record<'project' | 'region' | 'endpoint' | 'name', string>>

export class StoreForm {
  provider = $state<ProviderView | null>(null)
  session = ''
  signedIn = $state<SignedIn | null>(null)
  project = $state('')
  places = $state<ScopePlaces | null>(null)
  looking = new Asking()
  /** An index into `offers`, as text; empty when there is none. */
  choice = $state('')
  region = $state('')
  endpoint = $state('')
  #suggested = ''
  name = $state('')
  #nameTyped = false
  signing = $state<SigningView | ''>('')
  caFile = $state('')
  #asked = ''
  #taken: () => string[]

  constructor(taken: () => string[]) {
    this.#taken = taken
  }

  choose(provider: ProviderView) {
    this.provider = provider
  }

  begin(signedIn: SignedIn, by: KeystoneForm) {
    this.session = signedIn.session
    this.signedIn = signedIn
    this.#asked = hostOf(by.asked)
    this.places = null
    // The sign-in's own project comes first: a cloud in a file names the one it is for.
    const before = signedIn.scopes.find((project) => project.id === this.project)?.id
    const only = signedIn.scopes.length === 1 ? signedIn.scopes[0]?.id : undefined
    const next = signedIn.scope ?? before ?? only
    this.project = ''
    if (next) void this.chooseProject(next, by.chosenCloud?.region)
  }

  get projectView(): ScopeView | null {
    return this.signedIn?.scopes.find((project) => project.id === this.project) ?? null
  }

  async chooseProject(id: string, region?: string) {
    this.project = id
    this.places = null
    if (!this.#nameTyped) this.name = this.#suggestName()
    const request = { session: this.session, scope: id, password: null }
    const answered = await this.looking.ask(() => backend().call('portal_scope', request))
    if (!answered) return
    this.places = answered.answer
    const wanted = Math.max(0, this.offers.findIndex((one) => one.region === region || one.label === region))
    if (this.offers.length > 0) this.chooseOffer(String(wanted))
    else {
      this.choice = ''
      if (this.region === '') this.region = region || 'RegionOne'
    }
  }

  /** What the catalog says, else what the preset knows of this Keystone. */
  get offers(): Offer[] {
    const found = this.places?.endpoints ?? []
    if (found.length > 0) return found.map(({ region, url }) => ({ label: region, region, url }))
    return (this.provider?.endpoints ?? [])
      .filter(({ url, issuerUrl }) => url !== '' && !url.includes('{') && issuerUrl && hostOf(issuerUrl) === this.#asked)
      .map(({ label, region, url }) => ({ label, region, url }))
  }

  chooseOffer(choice: string) {
    this.choice = choice
    const offer = this.offers[Number(choice)]
    if (!offer) return
    this.region = offer.region
    if (this.endpoint.trim() === '' || this.endpoint === this.#suggested) this.endpoint = offer.url
    this.#suggested = offer.url
  }

  /** The typed address is given up for the one of the catalog. */
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

  errors(): StoreErrors {
    const errors: StoreErrors = {}
    if (this.project === '') errors.project = 'Choose the project the key is for.'
    if (this.region.trim() === '') errors.region = 'The region is missing.'
    const problem = addressProblem(this.endpoint)
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
      scope: this.project,
      region: this.region.trim(),
      endpoint: this.endpoint.trim(),
      name: this.name.trim(),
      provider: this.provider?.id ?? '',
      signing: this.signing === '' ? null : this.signing,
      caFile: caFile === '' ? null : caFile,
      wish: { description: null, expires: null },
    }
  }

  #names(): string[] {
    return this.#taken().map((name) => name.toLowerCase())
  }

  #suggestName(): string {
    const name = [this.provider?.name, this.projectView?.name].filter(Boolean).join(' – ')
    const taken = this.#names()
    if (!taken.includes(name.toLowerCase())) return name
    let n = 2
    while (taken.includes(`${name} ${n}`.toLowerCase())) n += 1
    return `${name} ${n}`
  }
}
