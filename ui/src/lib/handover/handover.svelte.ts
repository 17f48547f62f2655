/**
 * An account in the words of another tool: shown, copied, saved, or put into the tool's own file.
 *
 * The secret is left out unless it is asked for, and its text lives no longer than the dialog.
 */
import {
  backend,
  type AccountView,
  type ExportRequest,
  type ExportToolView,
  type ExportView,
  type MergedView,
  type MergePlanView,
} from '../backend'
import { Asking } from '../accounts/asking.svelte'

export class HandOver {
  readonly account: AccountView
  tools = $state.raw<ExportToolView[]>([])
  tool = $state.raw<ExportToolView | null>(null)
  withSecret = $state(false)
  /** What the account is called there; empty means a name made from the account's. */
  entry = $state('')
  view = $state.raw<ExportView | null>(null)
  plan = $state.raw<MergePlanView | null>(null)
  merged = $state.raw<MergedView | null>(null)
  /** Where the text was saved last. */
  saved = $state<string | null>(null)
  loading = new Asking()
  writing = new Asking()
  planning = new Asking()
  merging = new Asking()
  saving = new Asking()

  constructor(account: AccountView) {
    this.account = account
  }

  async load() {
    const answered = await this.loading.ask(() => backend().call('export_tools'))
    if (!answered) return
    this.tools = answered.answer
    const first = this.tools[0]
    if (first) await this.choose(first)
  }

  async choose(tool: ExportToolView) {
    this.tool = tool
    this.view = null
    await this.write()
  }

  async includeSecret(include: boolean) {
    this.withSecret = include
    // What is shown must not lag behind the switch.
    if (!include) this.view = null
    await this.write()
  }

  async rename(entry: string) {
    this.entry = entry
    await this.write()
  }

  /** Asks for the text anew, after anything it depends on has changed. */
  async write() {
    this.#forgetResults()
    const request = this.#request()
    if (!request) return
    const answered = await this.writing.ask(() => backend().call('export_account', request))
    if (answered) this.view = answered.answer
    else if (this.writing.problem) this.view = null
  }

  async askWhatChanges() {
    const request = this.#request()
    if (!request) return
    this.merged = null
    const answered = await this.planning.ask(() => backend().call('merge_plan', request))
    if (answered) this.plan = answered.answer
  }

  /** Does what the plan said. Something that is replaced was shown there. */
  async merge() {
    const request = this.#request()
    if (!request || !this.plan) return
    const replace = this.plan.replaces
    const answered = await this.merging.ask(() => backend().call('merge_into_tool', { export: request, replace }))
    this.plan = null
    if (answered) this.merged = answered.answer
  }

  async save(file: number) {
    const request = this.#request()
    const name = this.view?.files[file]?.saveAs
    if (!request || name === undefined || !this.tool) return
    const title = `Save for ${this.tool.name}`
    this.saved = null
    const answered = await this.saving.ask(async () => {
      const path = await backend().shell('pick_save', { title, name })
      if (path !== null) await backend().call('save_export', { export: request, file, path })
      return path
    })
    if (answered) this.saved = answered.answer
  }

  /** Nothing secret stays behind. */
  end() {
    this.writing.giveUp()
    this.view = null
  }

  #forgetResults() {
    this.planning.giveUp()
    for (const asking of [this.planning, this.merging, this.saving]) asking.problem = null
    this.plan = null
    this.merged = null
    this.saved = null
  }

  #request(): ExportRequest | null {
    if (!this.tool) return null
    const entry = this.entry.trim()
    const named = entry === '' ? {} : { entry }
    return { account: this.account.id, tool: this.tool.id, withSecret: this.withSecret, ...named }
  }
}
