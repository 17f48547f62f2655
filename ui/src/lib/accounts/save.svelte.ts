/**
 * Testing and saving a key form. Saving tests first; a failed test stops it once, and the person may
 * save all the same: a store can be out of reach from here and still be the right one.
 */
import { backend, type AccountTest, type AccountView } from '../backend'
import { Asking } from './asking.svelte'
import type { KeyForm, KeyFormErrors } from './keyform.svelte'

export class KeySaving {
  readonly form: KeyForm
  testing = new Asking()
  saving = new Asking()
  tested = $state.raw<AccountTest | null>(null)
  /** Errors are shown from the first try on, not while somebody is still typing. */
  attempted = $state(false)

  constructor(form: KeyForm) {
    this.form = form
  }

  get errors(): KeyFormErrors {
    return this.attempted ? this.form.errors() : {}
  }

  get failed(): boolean {
    return (this.tested !== null && !this.tested.ok) || this.testing.problem !== null
  }

  /** What the test said was about other words than those that stand there now. */
  edited() {
    this.testing.giveUp()
    this.testing.problem = null
    this.tested = null
    this.saving.problem = null
  }

  /** False when something must be filled in first. */
  check(): boolean {
    this.attempted = true
    return Object.keys(this.form.errors()).length === 0
  }

  async test(): Promise<boolean> {
    if (!this.check()) return false
    this.tested = null
    this.saving.problem = null
    const form = this.form.toForm()
    const answered = await this.testing.ask(() => backend().call('test_account', form))
    if (!answered) return false
    this.tested = answered.answer
    return answered.answer.ok
  }

  async save({ anyway = false } = {}): Promise<AccountView | null> {
    if (!this.check()) return null
    if (!anyway && !this.tested?.ok && !(await this.test())) return null
    const form = this.form.toForm()
    const editing = this.form.editing
    const answered = await this.saving.ask(() =>
      editing
        ? backend().call('edit_account', { account: editing.id, form })
        : backend().call('add_account', form),
    )
    if (!answered) return null
    this.form.forgetSecrets()
    return answered.answer
  }

  end() {
    this.testing.giveUp()
    this.form.forgetSecrets()
  }
}
