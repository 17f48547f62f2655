/**
 * Signing in to a portal of any kind: what was typed, and the proof it makes.
 *
 * Used when an account is added and when the portal of an existing one is asked again. Passwords
 * live here only until the portal has answered well; tokens and cookies never leave Rust.
 */
import {
  backend,
  type CloudView,
  type ImportView,
  type IssuerView,
  type PortalOptions,
  type PortalRequest,
  type PortalSignIn,
  type ProviderView,
} from '../backend'
import { addressProblem, fillTemplate, hostOf } from './address'
import { Asking } from './asking.svelte'
import { BrowserSignIn } from './browser.svelte'
import {
  fieldWords,
  isOption,
  isPortal,
  NO_OPTIONS,
  OPTION_NAMES,
  portalOf,
  waysAgain,
  type FieldName,
  type Portal,
  type PortalKind,
  type Through,
  type Way,
  type WayIn,
} from './portals'

export type SignInErrors = Partial<Record<FieldName | 'url' | 'cloud', string>> & { slots?: Record<string, string> }

/** Wiped as soon as they have done their work. */
const SECRETS: FieldName[] = ['password', 'totp', 'credentialSecret', 'secret', 'sessionToken', 'clientSecret', 'scopePassword']

export class SignInForm {
  readonly portal: Portal
  readonly ways: WayIn[]
  /** Set for an account that exists: what its portal was told then is told again by Rust. */
  readonly issuer: IssuerView | null
  way = $state<Way>('password')
  through = $state<Through>('browser')
  url = $state('')
  /** A prefilled address gives way to a better one; a typed one never does. */
  #urlTyped = $state(false)
  /** Words the place's own template of the address wants, such as the tenancy. */
  slots = $state<Record<string, string>>({})
  place = $state.raw<ProviderView | null>(null)
  values = $state<Partial<Record<FieldName, string>>>({})
  /** What the place or the account knows already. */
  #known = $state.raw<PortalOptions>(NO_OPTIONS)
  imported = $state.raw<ImportView | null>(null)
  cloud = $state('')
  caFile = $state('')
  proxy = $state('')
  readonly browser = new BrowserSignIn()
  /** The portal's own pages, in a window of their own. */
  readonly hosted = new Asking()
  /** That window was closed before anybody signed in. */
  closed = $state(false)

  constructor(kind: PortalKind, issuer: IssuerView | null = null) {
    this.portal = portalOf(kind)
    this.issuer = issuer
    this.ways = issuer ? waysAgain({ ...issuer, kind }) : this.portal.ways
    this.url = issuer?.url ?? this.portal.address.usual ?? ''
    this.values.domain = issuer?.domain ?? 'Default'
    if (issuer) {
      this.values.user = issuer.user
      this.#know(issuer.options)
    }
    const first = issuer?.options.oidcIssuer && this.ways.some(({ way }) => way === 'sso') && kind === 'keystone' ? 'sso' : this.ways[0]?.way
    if (first) this.way = first
  }

  /** The form for the portal of an account; null for keys that came from none. */
  static again(issuer: IssuerView | null): SignInForm | null {
    return issuer && isPortal(issuer.kind) ? new SignInForm(issuer.kind, issuer) : null
  }

  /** What this place says of its portal; what a person typed stays. */
  choose(place: ProviderView, site: string | null = null) {
    this.place = place
    this.#know(place.issuerOptions)
    const wanted = place.endpoints.find(({ label, issuerUrl }) => issuerUrl && label === site)
    if (wanted?.issuerUrl) this.typeUrl(wanted.issuerUrl)
    else if (!this.#urlTyped) {
      const known = this.portal.sts || this.portal.kind === 'swarm' ? null : place.endpoints.find(({ issuerUrl }) => issuerUrl)?.issuerUrl
      this.url = known ?? this.portal.address.usual ?? ''
    }
  }

  #know(options: PortalOptions) {
    this.#known = options
    for (const name of OPTION_NAMES) {
      const value = options[name]
      if (value !== null && value !== '' && !this.values[name]) this.values[name] = String(value)
    }
  }

  typeUrl(url: string) {
    this.url = url
    this.#urlTyped = true
  }

  get wayIn(): WayIn {
    return this.ways.find(({ way }) => way === this.way) ?? (this.ways[0] as WayIn)
  }

  /** On the button. */
  get action(): string {
    if (this.way === 'sso' && this.through === 'browser') return 'Open the browser…'
    if (this.way === 'sso' && this.through === 'device-code') return 'Get a code…'
    return this.wayIn.action ?? 'Sign in'
  }

  /** The single sign-on without a browser is a user name and a password. */
  get asksPassword(): boolean {
    return this.way === 'sso' && this.through === 'password'
  }

  get #wanted(): FieldName[] {
    const { fields } = this.wayIn
    const extra: FieldName[] = this.asksPassword ? ['user', 'password', 'totp'] : []
    // An account's portal asks for the scope's own password once more; a new one does when it is chosen.
    if (this.issuer && this.portal.kind === 'jasmin-portal') extra.push('scopePassword')
    return [...fields, ...extra]
  }

  #may(name: FieldName): boolean {
    return (this.wayIn.optional ?? []).includes(name) || (this.asksPassword && name === 'totp')
  }

  /** The fields to show at once. What is known is not asked for. */
  get fields(): { name: FieldName; optional: boolean }[] {
    return this.#wanted
      .filter((name) => !isOption(name) || (!this.issuer && !this.#known[name]))
      .map((name) => ({ name, optional: this.#may(name) }))
  }

  /** The fields for those who know better. */
  get more(): FieldName[] {
    const more = this.wayIn.more ?? []
    if (this.issuer) return more.filter((name) => !isOption(name))
    return [...this.#wanted.filter((name) => isOption(name) && this.#known[name]), ...more]
  }

  value(name: FieldName): string {
    return this.values[name] ?? ''
  }

  /** The address of the portal as this place makes it from a tenancy's name; null where it is typed. */
  get template(): string | null {
    if (this.issuer || this.portal.kind !== 'swarm') return null
    const inside = this.place?.endpoints.find(({ url }) => /^http:/.test(url) && url.includes('{'))
    return inside ? `${inside.url}:81` : null
  }

  get neededSlots() {
    const template = this.template ?? ''
    return (this.place?.fields ?? []).filter(({ name }) => template.includes(`{${name}}`))
  }

  /** The portal that will be asked, as far as it is known. */
  get asked(): string {
    if (this.way === 'file') return this.chosenCloud?.url ?? ''
    const typed = this.url.trim()
    return typed === '' && this.template ? fillTemplate(this.template, this.slots) : typed
  }

  get host(): string {
    return hostOf(this.asked)
  }

  take(imported: ImportView) {
    this.imported = imported
    const usable = imported.clouds.filter((cloud) => cloud.unusable === null)
    this.cloud = usable[0]?.name ?? ''
    this.values.password = ''
  }

  get chosenCloud(): CloudView | null {
    return this.imported?.clouds.find((cloud) => cloud.name === this.cloud) ?? null
  }

  errors(): SignInErrors {
    const errors: SignInErrors = {}
    if (this.way === 'file') {
      const cloud = this.chosenCloud
      if (!this.imported) errors.cloud = 'Choose the file first.'
      else if (!cloud || cloud.unusable !== null) errors.cloud = 'Choose one of the clouds in the file.'
      else if (!cloud.hasSecret && this.value('password') === '') errors.password = 'The file has no password: please type it.'
      return errors
    }
    if (!this.issuer) this.#checkAddress(errors)
    for (const { name, optional } of this.fields) {
      const { missing } = fieldWords(this.wayIn, name)
      if (!optional && missing && this.value(name).trim() === '') errors[name] = missing
    }
    const shown = [...this.fields.map(({ name }) => name), ...this.more]
    const issuer = this.value('oidcIssuer').trim()
    if (shown.includes('oidcIssuer') && issuer !== '') {
      const problem = addressProblem(issuer)
      if (problem) errors.oidcIssuer = problem
    }
    if (shown.includes('totp') && !/^(\d{6,8})?$/.test(this.value('totp').replaceAll(' ', '')))
      errors.totp = 'A one-time code has six to eight digits.'
    if (shown.includes('duration') && !/^(\d{3,6})?$/.test(this.value('duration').trim()))
      errors.duration = 'A number of seconds: 3600 is an hour.'
    return errors
  }

  #checkAddress(errors: SignInErrors) {
    if (this.template && this.url.trim() === '') {
      const slots: Record<string, string> = {}
      for (const { name, label } of this.neededSlots) {
        const text = (this.slots[name] ?? '').trim()
        if (text === '') slots[name] = `Please fill in: ${label}.`
        else if (!/^[A-Za-z0-9.-]+$/.test(text)) slots[name] = 'Only letters, digits, dots and hyphens.'
      }
      if (Object.keys(slots).length > 0) errors.slots = slots
      return
    }
    const problem = addressProblem(this.url)
    if (problem) errors.url = problem
  }

  /** What the portal is told beside its address: the words of this way, and no other's. */
  get options(): PortalOptions {
    const told = { ...NO_OPTIONS }
    const words: FieldName[] = [...this.#wanted, ...(this.wayIn.more ?? [])]
    for (const name of OPTION_NAMES) {
      if (!words.includes(name)) continue
      const text = this.value(name).trim()
      if (name === 'duration') told.duration = text === '' ? null : Number(text)
      else told[name] = text
    }
    return told
  }

  get #clientSecret(): string | null {
    return orNull(this.value('clientSecret'))
  }

  /** What Rust shows the portal; null when the person gave up, or it went wrong on the way. */
  async proof(): Promise<PortalSignIn | null> {
    this.closed = false
    if (this.way === 'hosted') return this.#window()
    if (this.way === 'sso' && this.through !== 'password') {
      const ticket = await this.browser.run({
        issuer: this.portal.kind,
        url: this.asked,
        way: this.through,
        options: this.issuer?.options ?? this.options,
        clientSecret: this.#clientSecret,
        caFile: orNull(this.caFile),
        proxy: orNull(this.proxy),
      })
      return ticket === null ? null : { kind: 'oidc', ticket }
    }
    switch (this.way) {
      case 'application-credential':
        return { kind: 'application-credential', id: this.value('credentialId').trim(), secret: this.value('credentialSecret').trim() }
      case 'file':
        return { kind: 'imported', import: this.imported?.import ?? '', cloud: this.cloud, password: this.value('password') || null }
      case 'access-key':
        return {
          kind: 'access-key',
          accessKeyId: this.value('accessKeyId').trim(),
          secret: this.value('secret').trim(),
          sessionToken: orNull(this.value('sessionToken')),
        }
      default:
        return {
          kind: 'password',
          user: this.value('user').trim(),
          // Only Keystone has domains, and its single sign-on has none either.
          domain: this.portal.kind === 'keystone' && this.way === 'password' ? this.value('domain').trim() || 'Default' : '',
          password: this.value('password'),
          totp: orNull(this.value('totp').replaceAll(' ', '')),
        }
    }
  }

  async #window(): Promise<PortalSignIn | null> {
    const request = { issuer: this.portal.kind, url: this.asked }
    const answered = await this.hosted.ask(() => backend().shell('hosted_sign_in', request))
    if (!answered) return null
    this.closed = answered.answer === null
    return answered.answer === null ? null : { kind: 'hosted', ticket: answered.answer }
  }

  toRequest(signIn: PortalSignIn): PortalRequest {
    return {
      issuer: this.portal.kind,
      url: this.asked,
      signIn,
      options: this.options,
      clientSecret: this.#clientSecret,
      caFile: orNull(this.caFile),
      proxy: orNull(this.proxy),
    }
  }

  /** For the portal of an account: what goes along with the proof. */
  get along(): { password: string | null; clientSecret: string | null } {
    return { password: this.value('scopePassword') || null, clientSecret: this.#clientSecret }
  }

  /** Something was typed that closing would lose. */
  get dirty(): boolean {
    const words: FieldName[] = ['user', 'password', 'credentialId', 'accessKeyId']
    return this.imported !== null || words.some((name) => this.value(name) !== '')
  }

  /** Whatever waits for a browser or a window is given up. */
  giveUp() {
    this.browser.cancel()
    if (!this.hosted.busy) return
    this.hosted.giveUp()
    backend()
      .shell('hosted_close')
      .catch(() => undefined) // It is still there to be closed by hand.
  }

  /** Signed in: the passwords have done their work. A one-time code is spent in any case. */
  forgetSecrets() {
    for (const name of SECRETS) this.values[name] = ''
  }
}

function orNull(text: string): string | null {
  const trimmed = text.trim()
  return trimmed === '' ? null : trimmed
}
