/** The memory of all the app's processes together, as proportional set size. */
import { readFileSync } from 'node:fs'
import { memoryOf } from '../harness/processes.mjs'
import { until } from '../harness/until.mjs'

export function heldBy(app) {
  return app.pids.reduce((sum, pid) => sum + held(pid), 0)
}

function held(pid) {
  try {
    return memoryOf(pid)
  } catch {
    // It ended while we looked.
    return 0
  }
}

/** Looks now and then, until it is told to stop; then says the most it saw. */
export function watchMemory(app, { every = 400 } = {}) {
  let most = 0
  const look = () => (most = Math.max(most, heldBy(app)))
  const timer = setInterval(look, every)
  return () => {
    clearInterval(timer)
    look()
    return most
  }
}

function processorTime(pids) {
  const of = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim().split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  return pids.reduce((sum, pid) => sum + of(pid), 0)
}

/** Waits until the app has done nothing worth counting for two seconds. */
export async function resting(app) {
  let before = -Infinity
  await until(
    'the app to rest',
    () => {
      const now = processorTime(app.pids)
      const still = now - before <= 2
      before = now
      return still
    },
    { every: 2000, seconds: 60 },
  )
}
