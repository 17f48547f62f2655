/**
 * The keys of one account: the one it uses, and the others its portal has.
 *
 * One instance per account and page, so that an answer for one account can never show under
 * another's name.
 */
import { backend, type AccountView, type KeyDeleted, type KeysView, type NewKey } from '../backend'
import { Asking } from '../accounts/asking.svelte'
import { KeystoneForm } from '../accounts/keystone.svelte'

export class AccountKeys {
  readonly account: AccountView
  view = $state<KeysView | null>(null)
  loading = new Asking()
  signIn: KeystoneForm
  signing = new Asking()
  creating = new Asking()
  deleting = new Asking()
  newKey = $state<NewKey | null>(null)
  /** The key somebody asked to delete, until it is confirmed. */
  doomed = $state<string | null>(null)
  deleted = $state<(KeyDeleted & { accessKeyId: string }) | null>(null)

  constructor(account: AccountView) {
    this.account = account
    this.signIn = new KeystoneForm(account.issuer)
  }

  async load() {
    const answered = await this.loading.ask(() => backend().call('account_keys', this.account.id))
    if (answered) this.view = answered.answer
  }

  /** True when the portal knows us now. */
  async signInToPortal(): Promise<boolean> {
    const request = { account: this.account.id, signIn: this.signIn.toSignIn(), password: null, clientSecret: null }
    const answered = await this.signing.ask(() => backend().call('account_sign_in', request))
    if (!answered) return false
    this.view = answered.answer
    this.signIn.forgetSecrets()
    return true
  }

  async create() {
    const answered = await this.creating.ask(() => backend().call('create_key', { account: this.account.id, wish: { description: null, expires: null } }))
    if (!answered) return
    this.deleted = null
    this.newKey = answered.answer
  }

  async confirmDelete(): Promise<boolean> {
    const accessKeyId = this.doomed
    if (accessKeyId === null) return false
    const key = { account: this.account.id, accessKeyId }
    const answered = await this.deleting.ask(() => backend().call('delete_key', key))
    if (!answered) return false
    this.doomed = null
    this.deleted = { ...answered.answer, accessKeyId }
    await this.load()
    return true
  }

  end() {
    this.signIn.forgetSecrets()
  }
}
