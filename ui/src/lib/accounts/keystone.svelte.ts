/**
 * Signing in to OpenStack Keystone: the three ways, and what was typed for each.
 *
 * Used when an account is added and when the portal of an existing one is asked again. Passwords
 * live here only until Keystone has answered well; the token never leaves Rust.
 */
import { type PortalOptions } from '../backend'
import type {
  CloudView,
  ImportView,
  IssuerView,
  PortalRequest,
  PortalSignIn,
} from '../backend'
import { addressProblem } from './address'

/** Nothing to tell the portal beside its address. */
export const NO_OPTIONS: PortalOptions = {
  oidcIssuer: '',
  clientId: '',
  scopes: '',
  identityProvider: '',
  protocol: '',
  roleArn: '',
  sessionName: '',
  duration: null,
}

export type SignInWay = 'password' | 'application-credential' | 'file'

export type SignInErrors = Partial<
  Record<'url' | 'user' | 'password' | 'credentialId' | 'credentialSecret' | 'cloud' | 'totp', string>
>

export class KeystoneForm {
  way = $state<SignInWay>('password')
  url = $state('')
  /** A prefilled address gives way to a better one; a typed one never does. */
  #urlTyped = $state(false)
  user = $state('')
  domain = $state('Default')
  password = $state('')
  totp = $state('')
  credentialId = $state('')
  credentialSecret = $state('')
  imported = $state<ImportView | null>(null)
  cloud = $state('')
  cloudPassword = $state('')
  caFile = $state('')
  proxy = $state('')
  /** Set for an account that exists: its Keystone and its user are known. */
  readonly issuer: IssuerView | null

  constructor(issuer: IssuerView | null = null) {
    this.issuer = issuer
    if (!issuer) return
    this.url = issuer.url
    this.user = issuer.user
    this.domain = issuer.domain
  }

  typeUrl(url: string) {
    this.url = url
    this.#urlTyped = true
  }

  suggestUrl(url: string | null) {
    if (!this.#urlTyped) this.url = url ?? ''
  }

  take(imported: ImportView) {
    this.imported = imported
    const usable = imported.clouds.filter((cloud) => cloud.unusable === null)
    this.cloud = usable[0]?.name ?? ''
    this.cloudPassword = ''
  }

  get chosenCloud(): CloudView | null {
    return this.imported?.clouds.find((cloud) => cloud.name === this.cloud) ?? null
  }

  /** The Keystone that will be asked, as far as it is known. */
  get asked(): string {
    return this.way === 'file' ? (this.chosenCloud?.url ?? '') : this.url.trim()
  }

  errors(): SignInErrors {
    const errors: SignInErrors = {}
    if (this.way !== 'file' && !this.issuer) {
      const problem = addressProblem(this.url)
      if (problem) errors.url = problem
    }
    if (this.way === 'password') {
      if (this.user.trim() === '') errors.user = 'The user name is missing.'
      if (this.password === '') errors.password = 'The password is missing.'
      if (this.totp.trim() !== '' && !/^\d{6,8}$/.test(this.totp.trim().replaceAll(' ', '')))
        errors.totp = 'A one-time code has six to eight digits.'
    } else if (this.way === 'application-credential') {
      if (this.credentialId.trim() === '') errors.credentialId = 'The id is missing.'
      if (this.credentialSecret === '') errors.credentialSecret = 'The secret is missing.'
    } else {
      const cloud = this.chosenCloud
      if (!this.imported) errors.cloud = 'Choose the file first.'
      else if (!cloud || cloud.unusable !== null) errors.cloud = 'Choose one of the clouds in the file.'
      else if (!cloud.hasSecret && this.cloudPassword === '')
        errors.password = 'The file has no password: please type it.'
    }
    return errors
  }

  toSignIn(): PortalSignIn {
    switch (this.way) {
      case 'password':
        return {
          kind: 'password',
          user: this.user.trim(),
          domain: this.domain.trim() === '' ? 'Default' : this.domain.trim(),
          password: this.password,
          totp: this.totp.trim() === '' ? null : this.totp.replaceAll(' ', ''),
        }
      case 'application-credential':
        return {
          kind: 'application-credential',
          id: this.credentialId.trim(),
          secret: this.credentialSecret.trim(),
        }
      case 'file':
        return {
          kind: 'imported',
          import: this.imported?.import ?? '',
          cloud: this.cloud,
          password: this.cloudPassword === '' ? null : this.cloudPassword,
        }
    }
  }

  toRequest(): PortalRequest {
    return {
      issuer: 'keystone',
      url: this.asked,
      signIn: this.toSignIn(),
      options: NO_OPTIONS,
      clientSecret: null,
      caFile: this.caFile.trim() === '' ? null : this.caFile.trim(),
      proxy: this.proxy.trim() === '' ? null : this.proxy.trim(),
    }
  }

  /** Signed in: the passwords have done their work. A one-time code is spent in any case. */
  forgetSecrets() {
    this.password = ''
    this.totp = ''
    this.credentialSecret = ''
    this.cloudPassword = ''
  }
}
