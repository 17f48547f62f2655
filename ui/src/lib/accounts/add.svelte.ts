/**
 * Adding an account, from choosing a place to the account being there.
 *
 * What was typed lives here as long as the dialog does, whichever step is shown, so that going back
 * or a refusal costs nobody their words. The steps' components only draw it.
 */
import { backend, type AccountView, type KeySource, type NewKey, type ProviderView } from '../backend'
import { Asking } from './asking.svelte'
import { KeyForm } from './keyform.svelte'
import { KeystoneForm } from './keystone.svelte'
import { KeySaving } from './save.svelte'
import { StoreForm } from './store.svelte'

export type Step = 'place' | 'way' | 'key' | 'sign-in' | 'store' | 'reveal'

/** What the person already said when the dialog was opened. */
export type Intent = 'any' | 'keystone' | 'typed'

export class AddFlow {
  step = $state<Step>('place')
  #before = $state<Step[]>([])
  readonly intent: Intent
  providers = $state<ProviderView[]>([])
  loading = new Asking()
  provider = $state<ProviderView | null>(null)
  search = $state('')
  /** The place in the list that Enter would take. */
  active = $state(0)

  readonly key: KeyForm
  readonly keystone = new KeystoneForm()
  readonly store: StoreForm
  readonly keySaving: KeySaving
  making = new Asking()
  signing = new Asking()
  practice = new Asking()

  newKey = $state<NewKey | null>(null)

  constructor(intent: Intent, taken: () => string[]) {
    this.intent = intent
    this.key = new KeyForm(taken)
    this.keySaving = new KeySaving(this.key)
    this.store = new StoreForm(taken)
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
    const wanted: KeySource = this.intent
    return this.providers.filter((place) => place.keySources.includes(wanted))
  }

  /** The place to name when none matches: any address will do there. */
  get fallback(): ProviderView | null {
    const open = this.offered.filter((place) => place.endpoints.every((endpoint) => endpoint.url === ''))
    return open.filter((place) => place.keySources[0] !== 'practice').at(-1) ?? null
  }

  get canGoBack(): boolean {
    return this.#before.length > 0
  }

  /** Something was typed that closing would lose. */
  get dirty(): boolean {
    const { key, keystone } = this
    return [key.accessKeyId, key.secret, key.endpoint, keystone.user, keystone.password, keystone.credentialId]
      .concat(keystone.imported ? [keystone.imported.file] : [])
      .some((text) => text !== '')
  }

  /** Nothing may pull the dialog away while a key is being made, or before its secret was seen. */
  get busy(): boolean {
    return this.making.busy || this.keySaving.saving.busy || this.practice.busy || this.step === 'reveal'
  }

  #go(step: Step) {
    this.#before.push(this.step)
    this.step = step
  }

  back() {
    this.keySaving.edited()
    this.signing.giveUp()
    const before = this.#before.pop()
    if (before) this.step = before
  }

  choosePlace(place: ProviderView): 'practice' | 'next' {
    this.provider = place
    if (place.keySources[0] === 'practice') return 'practice'
    this.key.choose(place)
    this.store.choose(place)
    this.keystone.suggestUrl(place.endpoints.find((endpoint) => endpoint.issuerUrl)?.issuerUrl ?? null)
    if (this.intent === 'keystone') this.#go('sign-in')
    else if (this.intent === 'typed' || !place.keySources.includes('keystone')) this.#go('key')
    else this.#go('way')
    return 'next'
  }

  chooseWay(way: 'keystone' | 'typed') {
    this.#go(way === 'keystone' ? 'sign-in' : 'key')
  }

  async startPractice(): Promise<AccountView | null> {
    const answered = await this.practice.ask(() => backend().call('start_practice'))
    return answered?.answer ?? null
  }

  async signIn() {
    const request = this.keystone.toRequest()
    const answered = await this.signing.ask(
      () => backend().call('portal_sign_in', request),
      (late) => void signOut(late.session),
    )
    if (!answered) return
    if (this.store.session) void signOut(this.store.session)
    this.store.begin(answered.answer, this.keystone)
    this.keystone.forgetSecrets()
    this.#go('store')
  }

  async makeKey() {
    const request = this.store.toAccount(this.keystone.caFile)
    const answered = await this.making.ask(() => backend().call('portal_add_account', request))
    if (!answered) return
    this.newKey = answered.answer
    // The account keeps this sign-in, so that its keys can be looked at without the password.
    this.store.session = ''
    this.#before = []
    this.step = 'reveal'
  }

  /** The dialog closes: nothing secret and no sign-in stays behind. */
  end() {
    this.signing.giveUp()
    this.keySaving.end()
    this.keystone.forgetSecrets()
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
