/** Numbers for people. */
export const MIB = 1 << 20

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function mib(bytes) {
  return `${Math.round(bytes / MIB)} MiB`
}

export function milliseconds(ms) {
  return `${Math.round(ms)} ms`
}

export function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`
}
