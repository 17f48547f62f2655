/** How fast it went in the last minute, a sample a second: kept here in the page, for a small graph. */

export const SECONDS = 60
/** A job that has just begun has a graph of fewer: of a minute, its line would be a dot. */
const FEWEST = 20

export class Rates {
  /** Oldest first. */
  list = $state.raw<number[]>([])

  add(rate: number) {
    this.list = [...this.list.slice(1 - SECONDS), rate]
  }
}

/**
 * The line of a graph `width` by `height`: the newest sample is at the right edge, and the highest one
 * touches the top. Empty while there is nothing to draw a line between.
 */
export function graph(samples: number[], width: number, height: number): { line: string; area: string } {
  if (samples.length < 2) return { line: '', area: '' }
  const top = Math.max(...samples) || 1
  const step = width / (Math.max(samples.length, FEWEST) - 1)
  const left = width - (samples.length - 1) * step
  const points = samples.map((rate, i) => `${round(left + i * step)},${round(height - (Math.max(0, rate) / top) * height)}`)
  return { line: points.join(' '), area: `${round(left)},${height} ${points.join(' ')} ${width},${height}` }
}

const round = (n: number) => Math.round(n * 10) / 10
