/** The one quiet line that tells what just happened. A new one takes the place of the old. */
import { asProblem, type Problem } from '$lib/backend'

export interface LineAction {
  label: string
  run: () => void
  /** Offered only while this is so. */
  when?: () => boolean
}

interface Line {
  words: string
  actions: LineAction[]
}

const STAYS = 8000

let line = $state.raw<Line | null>(null)
let problem = $state.raw<Problem | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined

export const notice = {
  get line() {
    return line
  },
  /** A failure that has no better place to stand. */
  get problem() {
    return problem
  },
}

/** `stays`: until it is dismissed or another line takes its place; for what somebody must do. */
export function say(words: string, action: LineAction | LineAction[] | null = null, { stays = false } = {}) {
  clearTimeout(timer)
  line = { words, actions: action === null ? [] : Array.isArray(action) ? action : [action] }
  if (!stays) timer = setTimeout(() => (line = null), STAYS)
}

export function hush() {
  clearTimeout(timer)
  line = null
}

/** For a `catch` whose failure has no place of its own. It stays until it is dismissed. */
export function report(error: unknown) {
  problem = asProblem(error)
}

export function dismiss() {
  problem = null
}
