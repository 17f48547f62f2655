import { describe, expect, test } from 'vitest'
import * as viewport from './viewport'

const small = { rows: 1000, rowHeight: 28, height: 560 }
const million = { rows: 1_000_000, rowHeight: 28, height: 560 }

test('what fits is scrolled pixel by pixel', () => {
  expect(viewport.scaled(small)).toBe(false)
  expect(viewport.scrollHeight(small)).toBe(28_000)
  expect(viewport.offsetAt(small, 1234)).toBe(1234)
  expect(viewport.visible(small, 0, 0)).toEqual({ from: 0, to: 20 })
  expect(viewport.visible(small, 14, 0)).toEqual({ from: 0, to: 21 })
})

describe('a million rows', () => {
  test('stay below what engines can lay out', () => {
    expect(viewport.scaled(million)).toBe(true)
    expect(viewport.scrollHeight(million)).toBe(viewport.TALLEST)
  })

  test('the ends of the scrollbar are the first and the last row', () => {
    expect(viewport.offsetAt(million, 0)).toBe(0)
    const bottom = viewport.offsetAt(million, viewport.scrollHeight(million) - million.height)
    expect(viewport.visible(million, bottom, 0)).toEqual({ from: 999_980, to: 1_000_000 })
  })

  test('an offset survives the way to the scrollbar and back', () => {
    for (const offset of [0, 28, 12_345_678, 27_999_440]) expect(viewport.offsetAt(million, viewport.scrollTopAt(million, offset))).toBeCloseTo(offset, 3)
  })
})

test('reveal moves as little as it can', () => {
  expect(viewport.reveal(small, 0, 5)).toBe(0)
  expect(viewport.reveal(small, 0, 20)).toBe(28)
  expect(viewport.reveal(small, 1000, 2)).toBe(56)
})

test('no rows, no range', () => {
  const none = { rows: 0, rowHeight: 28, height: 560 }
  expect(viewport.visible(none, 0)).toEqual({ from: 0, to: 0 })
  expect(viewport.offsetAt(none, 100)).toBe(0)
})
