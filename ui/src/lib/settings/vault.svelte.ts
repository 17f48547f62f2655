/** Where secrets are kept, and changing that. A passphrase stays here only until Rust has taken it. */
import { backend, type VaultChoice, type VaultView } from '../backend'
import { Asking } from '../accounts/asking.svelte'

/** Shorter ones fall to guessing, as whoever has the file can try as often as they like. */
export const SHORTEST_PASSPHRASE = 10

export class VaultForm {
  view = $state<VaultView | null>(null)
  choice = $state<VaultChoice>('keychain')
  passphrase = $state('')
  again = $state('')
  loading = new Asking()
  choosing = new Asking()
  retrying = new Asking()

  async load() {
    const answered = await this.loading.ask(() => backend().call('vault'))
    if (answered) this.#take(answered.answer)
  }

  #take(view: VaultView) {
    this.view = view
    this.choice = view.choice
  }

  /** An encrypted file that is there already needs its passphrase once, a new one twice. */
  get fileIsNew(): boolean {
    return this.view?.choice === 'file' ? this.view.state === 'new' : true
  }

  get needsPassphrase(): boolean {
    return this.choice === 'file' && !(this.view?.choice === 'file' && this.view.state === 'ready')
  }

  errors(): { passphrase?: string; again?: string } {
    if (!this.needsPassphrase) return {}
    if (this.passphrase === '') return { passphrase: 'The passphrase is missing.' }
    if (!this.fileIsNew) return {}
    if (Array.from(this.passphrase).length < SHORTEST_PASSPHRASE)
      return {
        passphrase: `At least ${SHORTEST_PASSPHRASE} characters: four or five random words are easy to remember and hard to guess.`,
      }
    if (this.again !== this.passphrase) return { again: 'The two are not the same.' }
    return {}
  }

  async choose(): Promise<boolean> {
    const change = { choice: this.choice, passphrase: this.needsPassphrase ? this.passphrase : null }
    const answered = await this.choosing.ask(() => backend().call('choose_vault', change))
    if (!answered) return false
    this.#take(answered.answer)
    this.forget()
    return answered.answer.state === 'ready'
  }

  async retry(): Promise<boolean> {
    const answered = await this.retrying.ask(() => backend().call('retry_vault'))
    if (!answered) return false
    this.#take(answered.answer)
    return answered.answer.state === 'ready'
  }

  forget() {
    this.passphrase = ''
    this.again = ''
  }
}
