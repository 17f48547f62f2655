/** Counts how often something was taken out of the history: lists of it begin again. */
let times = $state(0)

export const forgotten = {
  get times() {
    return times
  },
  tell() {
    times++
  },
}
