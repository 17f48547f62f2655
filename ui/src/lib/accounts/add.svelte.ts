/**
 * Adding an account, from choosing a place to the account being there.
 *
 * What was typed lives here as long as the dialog does, whichever step is shown, so that going back
 * or a refusal costs nobody their words. The steps' components only draw it.
 */
import { backend, type AccountView, type NewKey, type ProviderView } from '../backend'
import { Asking } from './asking.svelte'
import { AwaitKey } from './await.svelte'
import { KeyForm } from './keyform.svelte'
import { portalOf, portalsOf, type PortalKind } from './portals'
import { KeySaving } from './save.svelte'
import { SignInForm } from './signin.svelte'
import { StoreForm } from './store.svelte'

export type Step = 'place' | 'way' | 'sts' | 'key' | 'sign-in' | 'store' | 'reveal' | 'await'

/** What the person already said when the dialog was opened. */
export type Intent = 'any' | 'sign-in' | 'typed'

/** `sts` leads to the portals of that kind. */
export type WayToKey = PortalKind | 'typed' | 'sts'

export class AddFlow {
  step = $state<Step>('place')
  #before = $state<Step[]>([])
  readonly intent: Intent
  /** Which of the place's own portals, by the label of its endpoint. */
  readonly site: string | null
  providers = $state<ProviderView[]>([])
  loading = new Asking()
  provider = $state<ProviderView | null>(null)
  search = $state('')
  /** The place in the list that Enter would take. */
  active = $state(0)

  readonly key: KeyForm
  readonly store: StoreForm
  readonly keySaving: KeySaving
  /** One for each kind of portal that was looked at: going back and forth loses nothing. */
  #signIns = new Map<PortalKind, SignInForm>()
  signIn = $state.raw<SignInForm>(new SignInForm('keystone'))
  making = new Asking()
  signing = new Asking()
  practice = new Asking()

  newKey = $state<NewKey | null>(null)
  readonly waiting = new AwaitKey()

  constructor(intent: Intent, taken: () => string[], site: string | null = null) {
    this.intent = intent
    this.site = site
    this.key = new KeyForm(taken)
    this.keySaving = new KeySaving(this.key)
    this.store = new StoreForm(taken)
    this.#signIns.set('keystone', this.signIn)
  }

  async load() {
    const answered = await this.loading.ask(() => backend().call('providers'))
    if (answered) this.providers = answered.answer
  }

  /** The places that fit what was asked for and what is typed in the search field. */
  get places(): ProviderView[] {
    const words = this.search.trim().toLowerCase().split(/\s+/)
    return this.offered.filter((place) => {
      const endpoints = place.endpoints.map((endpoint) => `${endpoint.label} ${endpoint.url}`)
      const text = [place.name, place.description, ...endpoints].join(' ').toLowerCase()
      return words.every((word) => text.includes(word))
    })
  }

  get offered(): ProviderView[] {
    if (this.intent === 'any') return this.providers
    return this.providers.filter((place) =>
      this.intent === 'typed' ? place.keySources.includes('typed') : portalsOf(place).length > 0,
    )
  }

  /** The place to name when none matches: any address will do there. */
  get fallback(): ProviderView | null {
    const open = this.offered.filter(
      (place) => place.endpoints.every((endpoint) => endpoint.url === '') && place.keySources[0] !== 'practice',
    )
    // Whoever wants to sign in is more often at a cloud than at a store that lends keys.
    const makes = (place: ProviderView) => portalsOf(place).some((kind) => !portalOf(kind).sts)
    return (this.intent === 'sign-in' ? open.filter(makes).at(-1) : null) ?? open.at(-1) ?? null
  }

  /** The ways to a key at this place; those of its token service behind one card. */
  get ways(): WayToKey[] {
    const place = this.provider
    if (!place) return []
    const portals = portalsOf(place)
    const sts = portals.filter((kind) => portalOf(kind).sts)
    if (this.step === 'sts') return sts
    const ways: WayToKey[] = place.keySources.flatMap((source): WayToKey[] => {
      if (source === 'typed') return this.intent === 'sign-in' ? [] : ['typed']
      return portals.filter((kind) => kind === source && !portalOf(kind).sts)
    })
    return sts.length > 0 ? [...ways, 'sts'] : ways
  }

  get canGoBack(): boolean {
    return this.#before.length > 0
  }

  /** Something was typed that closing would lose. */
  get dirty(): boolean {
    const { key } = this
    return (
      [key.accessKeyId, key.secret, key.endpoint].some((text) => text !== '') ||
      [...this.#signIns.values()].some((form) => form.dirty) ||
      this.step === 'store'
    )
  }

  /** Nothing may pull the dialog away while a key is being made, or before its secret was seen. */
  get busy(): boolean {
    return this.making.busy || this.keySaving.saving.busy || this.practice.busy || this.step === 'reveal'
  }

  /** Signing in, in whatever way. */
  get signingIn(): boolean {
    return this.signing.busy || this.signIn.hosted.busy || this.signIn.browser.busy
  }

  #go(step: Step) {
    this.#before.push(this.step)
    this.step = step
  }

  back() {
    this.keySaving.edited()
    this.giveUpSigningIn()
    const before = this.#before.pop()
    if (before) this.step = before
  }

  choosePlace(place: ProviderView): 'practice' | 'next' {
    this.provider = place
    if (place.keySources[0] === 'practice') return 'practice'
    this.key.choose(place)
    this.store.choose(place)
    const { ways } = this
    const only = ways.length === 1 ? ways[0] : undefined
    if (this.intent === 'typed') this.#go('key')
    else if (only) this.chooseWay(only)
    else this.#go('way')
    return 'next'
  }

  chooseWay(way: WayToKey) {
    if (way === 'typed') return this.#go('key')
    if (way === 'sts') return this.#go('sts')
    const form = this.#signIns.get(way) ?? new SignInForm(way)
    this.#signIns.set(way, form)
    if (this.provider) form.choose(this.provider, this.site)
    this.signing.problem = null
    this.signIn = form
    this.#go('sign-in')
  }

  async startPractice(): Promise<AccountView | null> {
    const answered = await this.practice.ask(() => backend().call('start_practice'))
    return answered?.answer ?? null
  }

  async signInToPortal() {
    const form = this.signIn
    this.signing.problem = null
    const proof = await form.proof()
    if (!proof || form !== this.signIn || this.step !== 'sign-in') return
    const request = form.toRequest(proof)
    const answered = await this.signing.ask(
      () => backend().call('portal_sign_in', request),
      (late) => void signOut(late.session),
    )
    if (!answered) return
    if (this.store.session) void signOut(this.store.session)
    this.store.begin(answered.answer, form, this.site)
    form.forgetSecrets()
    this.#go('store')
  }

  giveUpSigningIn() {
    this.signIn.giveUp()
    this.signing.giveUp()
  }

  async makeKey() {
    const request = this.store.toAccount(this.store.by?.caFile ?? '')
    const answered = await this.making.ask(() => backend().call('portal_add_account', request))
    if (!answered) return
    this.newKey = answered.answer
    this.waiting.begin(answered.answer)
    // The account keeps this sign-in, so that its keys can be looked at without the password.
    this.store.session = ''
    this.#before = []
    this.step = 'reveal'
  }

  /** The secret was seen. True when there is nothing left to wait for. */
  seen(): boolean {
    if (this.waiting.done) return true
    this.step = 'await'
    return false
  }

  /** The dialog closes: nothing secret and no sign-in stays behind. */
  end() {
    this.giveUpSigningIn()
    this.keySaving.end()
    this.store.forgetSecrets()
    this.waiting.end()
    for (const form of this.#signIns.values()) form.forgetSecrets()
    if (this.store.session) void signOut(this.store.session)
  }
}

async function signOut(session: string) {
  try {
    await backend().call('portal_sign_out', session)
  } catch {
    // Nobody waits for this: the token expires by itself.
  }
}
