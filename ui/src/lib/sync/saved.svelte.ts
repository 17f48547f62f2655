/** The syncs that have a name. */
import { asProblem, backend, type Problem, type SavedSync } from '$lib/backend'

export class SavedSyncs {
  list = $state.raw<SavedSync[] | null>(null)
  problem = $state.raw<Problem | null>(null)
  /** The one that is about to be deleted: asked once more. */
  doubtful = $state<string | null>(null)

  async load() {
    this.problem = null
    try {
      this.list = await backend().call('saved_syncs')
    } catch (error) {
      this.problem = asProblem(error)
    }
  }

  async remove(id: string) {
    this.problem = null
    try {
      await backend().call('delete_saved_sync', id)
      this.doubtful = null
      await this.load()
    } catch (error) {
      this.problem = asProblem(error)
    }
  }
}
