/**
 * The form for a key one already has: what was typed, what is missing, and what goes to Rust.
 *
 * One instance lives as long as the dialog, so that choosing another place, going back or a failed
 * test never loses a word.
 */
import type {
  AccountForm,
  AccountView,
  AddressingView,
  EndpointView,
  ProviderView,
  SigningView,
} from '../backend'
import { addressProblem, fillTemplate, matchTemplate } from './address'
import { dateText, endOfDay } from './dates'

/** The endpoint choice that means "none of these: I type the address". */
export const OWN_ADDRESS = 'own'

export type KeyFormErrors = Partial<
  Record<'name' | 'endpoint' | 'accessKeyId' | 'secret' | 'expires' | 'proxy', string>
> & { fields?: Record<string, string> }

export class KeyForm {
  provider = $state<ProviderView | null>(null)
  name = $state('')
  /** The prefilled name follows the place only until somebody types one. */
  #nameTyped = $state(false)
  fields = $state<Record<string, string>>({})
  /** An index into the provider's endpoints as text, or `OWN_ADDRESS`. */
  choice = $state('0')
  endpoint = $state('')
  accessKeyId = $state('')
  secret = $state('')
  sessionToken = $state('')
  region = $state('')
  /** Empty: as the place usually has it. */
  signing = $state<SigningView | ''>('')
  addressing = $state<AddressingView | ''>('')
  caFile = $state('')
  proxy = $state('')
  /** Year, month and day: `2027-01-31`, or empty. */
  expires = $state('')
  /** The account being changed: its secret may stay as it is. */
  readonly editing: AccountView | null
  #taken: () => string[]

  constructor(taken: () => string[], editing: AccountView | null = null) {
    this.#taken = taken
    this.editing = editing
    if (!editing) return
    this.name = editing.name
    this.#nameTyped = true
    this.choice = OWN_ADDRESS
    this.endpoint = editing.endpoint
    this.region = editing.region
    this.signing = editing.signing
    this.addressing = editing.addressing
    this.accessKeyId = editing.key.accessKeyId ?? ''
    this.caFile = editing.caFile ?? ''
    this.proxy = editing.proxy ?? ''
    this.expires = editing.key.expires === null ? '' : dateText(editing.key.expires)
  }

  /** The place changes; what a person typed stays. */
  choose(provider: ProviderView) {
    const changed = this.provider?.id !== provider.id
    this.provider = provider
    if (!this.#nameTyped) this.name = this.#free(provider.name)
    if (changed && this.editing) this.#recognise(provider, this.editing.endpoint)
    else if (changed) this.choice = provider.endpoints.length > 0 ? '0' : OWN_ADDRESS
  }

  /** An account keeps its address only; the form shows which of the place's it is. */
  #recognise(provider: ProviderView, address: string) {
    for (const [index, endpoint] of provider.endpoints.entries()) {
      const fields = endpoint.url === '' ? null : matchTemplate(endpoint.url, address)
      if (!fields) continue
      this.choice = String(index)
      this.fields = fields
      this.endpoint = ''
      return
    }
  }

  typeName(name: string) {
    this.name = name
    this.#nameTyped = true
  }

  /** The endpoint that was chosen from the place's list, if one was. */
  get chosen(): EndpointView | null {
    if (this.choice === OWN_ADDRESS) return null
    const endpoint = this.provider?.endpoints[Number(this.choice)]
    return endpoint && endpoint.url !== '' ? endpoint : null
  }

  /** Only the fields the chosen address has a slot for. */
  get neededFields() {
    const url = this.chosen?.url ?? ''
    return (this.provider?.fields ?? []).filter((field) => url.includes(`{${field.name}}`))
  }

  /** The address as it stands, `{slots}` left where nothing is typed yet. */
  get address(): string {
    return this.chosen ? fillTemplate(this.chosen.url, this.fields) : this.endpoint.trim()
  }

  get effectiveSigning(): SigningView {
    return this.signing === '' ? (this.provider?.signing ?? 'v4') : this.signing
  }

  get anonymous(): boolean {
    return this.effectiveSigning === 'anonymous'
  }

  get expiresAt(): number | null {
    return endOfDay(this.expires.trim())
  }

  /** A key with another id needs its own secret. */
  get secretMayStay(): boolean {
    return this.editing !== null && this.accessKeyId.trim() === (this.editing.key.accessKeyId ?? '')
  }

  errors(): KeyFormErrors {
    const errors: KeyFormErrors = {}
    const name = this.name.trim()
    if (name === '') errors.name = 'Give the account a name, so that you know it in the list.'
    else if (this.#others().includes(name.toLowerCase()))
      errors.name = 'Another account has this name already.'

    const fields: Record<string, string> = {}
    for (const field of this.neededFields) {
      const text = (this.fields[field.name] ?? '').trim()
      if (text === '') fields[field.name] = `Please fill in: ${field.label}.`
      else if (!/^[A-Za-z0-9.-]+$/.test(text))
        fields[field.name] = 'Only letters, digits, dots and hyphens.'
    }
    if (Object.keys(fields).length > 0) errors.fields = fields
    if (!this.chosen) {
      const problem = addressProblem(this.endpoint)
      if (problem) errors.endpoint = problem
    }

    if (!this.anonymous) {
      if (this.accessKeyId.trim() === '') errors.accessKeyId = 'The access key id is missing.'
      else if (/\s/.test(this.accessKeyId.trim()))
        errors.accessKeyId = 'An access key id has no spaces or line breaks in it.'
      if (this.secret.trim() === '' && !this.secretMayStay)
        errors.secret = this.editing
          ? 'Another access key id needs the secret that belongs to it.'
          : 'The secret is missing.'
    }
    if (this.expires.trim() !== '' && this.expiresAt === null)
      errors.expires = 'A date is written as 2027-01-31.'
    if (this.proxy.trim() !== '' && !/^(https?|socks5h?):\/\/[^\s/]+\/?$/i.test(this.proxy.trim()))
      errors.proxy = 'A proxy reads like http://proxy.example.org:3128 or socks5://localhost:1080.'
    return errors
  }

  /** Called with a form that has no errors. */
  toForm(): AccountForm {
    const chosen = this.chosen
    const fields: Record<string, string> = {}
    for (const field of this.neededFields) fields[field.name] = (this.fields[field.name] ?? '').trim()
    return {
      name: this.name.trim(),
      provider: this.provider?.id ?? this.editing?.provider ?? '',
      endpointIndex: chosen ? Number(this.choice) : null,
      fields,
      endpoint: chosen ? null : this.endpoint.trim(),
      region: orNull(this.region),
      signing: this.signing === '' ? null : this.signing,
      addressing: this.addressing === '' ? null : this.addressing,
      accessKeyId: this.anonymous ? '' : this.accessKeyId.trim(),
      // Pasting often brings a line break along; no store has secrets with spaces at their ends.
      secret: this.anonymous ? null : orNull(this.secret),
      sessionToken: this.anonymous ? null : orNull(this.sessionToken),
      caFile: orNull(this.caFile),
      proxy: orNull(this.proxy),
      expires: this.expiresAt,
      ...(this.editing && { editing: this.editing.id }),
    }
  }

  /** The secret has gone to Rust, or is not wanted any more. */
  forgetSecrets() {
    this.secret = ''
    this.sessionToken = ''
  }

  #others(): string[] {
    const own = this.editing?.name.toLowerCase()
    return this.#taken()
      .map((name) => name.toLowerCase())
      .filter((name) => name !== own)
  }

  #free(name: string): string {
    const taken = this.#others()
    if (!taken.includes(name.toLowerCase())) return name
    let n = 2
    while (taken.includes(`${name} ${n}`.toLowerCase())) n += 1
    return `${name} ${n}`
  }
}

function orNull(text: string): string | null {
  const trimmed = text.trim()
  return trimmed === '' ? null : trimmed
}
