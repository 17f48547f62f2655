/**
 * After a key was made: waiting until the store knows it, where its portal says that may take a while.
 * It begins while the secret is being looked at, so that most people never see it.
 */
import { backend, type AccountTest, type NewKey, type Problem } from '../backend'
import { Asking } from './asking.svelte'

export class AwaitKey {
  readonly asking = new Asking()
  tested = $state.raw<AccountTest | null>(null)
  #newKey: NewKey | null = null

  /** Only where the portal says that it may take a while. */
  begin(newKey: NewKey) {
    this.#newKey = newKey
    this.tested = null
    this.asking.giveUp()
    this.asking.problem = null
    if (newKey.note !== null) void this.again()
  }

  async again() {
    const account = this.#newKey?.account.id
    if (account === undefined) return
    const answered = await this.asking.ask(() => backend().call('await_key', account))
    if (answered) this.tested = answered.answer
  }

  /** Nothing to wait for: it works, or it was never in doubt. */
  get done(): boolean {
    return this.#newKey?.note === null || this.tested?.ok === true
  }

  get problem(): Problem | null {
    return this.asking.problem ?? (this.tested && !this.tested.ok ? this.tested.problem : null)
  }

  end() {
    this.asking.giveUp()
  }
}
