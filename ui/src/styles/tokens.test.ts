import css from './tokens.css?raw'
import { describe, expect, test } from 'vitest'


function block(start: RegExp): Map<string, string> {
  const from = css.search(start)
  const open = css.indexOf('{', from)
  const body = css.slice(open, css.indexOf('}', open))
  return new Map([...body.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name = '', value = '']) => [name, value]))
}

const light = block(/^:root \{/m)
const dark = block(/:root:not\(\[data-theme='light'\]\)/)
const chosenDark = block(/^:root\[data-theme='dark'\]/m)

type Colour = [number, number, number]
function colour(theme: Map<string, string>, name: string): Colour {
  const hex = theme.get(name) ?? light.get(name) ?? ''
  expect(hex, name).toMatch(/^#[0-9a-f]{6}$/)
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255) as Colour
}

function luminance(c: Colour): number {
  const [r, g, b] = c.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)) as Colour
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: Colour, b: Colour): number {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

const SURFACES = ['--surface', '--surface-side', '--surface-bar', '--surface-raised', '--surface-sunken']
const TEXT: [text: string, on: string[]][] = [
  ['--text', [...SURFACES, '--selected-quiet', '--danger-soft', '--warn-soft', '--good-soft', '--info-soft', '--accent-soft']],
  ['--text-muted', SURFACES],
  ['--accent-text', [...SURFACES, '--accent-soft']],
  ['--danger-text', [...SURFACES, '--danger-soft']],
  ['--warn-text', [...SURFACES, '--warn-soft']],
  ['--good-text', [...SURFACES, '--good-soft']],
  ['--on-selected', ['--selected', '--selected-quiet']],
  ['--on-accent', ['--accent', '--accent-hover', '--accent-press']],
  ['--on-danger', ['--danger', '--danger-hover']],
]
/** Edges of fields, focus rings and icons that mean something. */
const SHAPES: [shape: string, on: string[]][] = [
  ['--line-strong', SURFACES],
  ['--focus', SURFACES],
  ['--folder', ['--surface', '--surface-raised']],
]

describe.each([
  ['light', light],
  ['dark', dark],
])('%s', (_, theme) => {
  test.each(TEXT.flatMap(([text, on]) => on.map((surface) => [text, surface] as const)))('%s is readable on %s', (text, surface) => {
    expect(contrast(colour(theme, text), colour(theme, surface))).toBeGreaterThanOrEqual(4.5)
  })
  test.each(SHAPES.flatMap(([shape, on]) => on.map((surface) => [shape, surface] as const)))('%s is seen on %s', (shape, surface) => {
    expect(contrast(colour(theme, shape), colour(theme, surface))).toBeGreaterThanOrEqual(3)
  })
})

test('dark is the same whether the system or the user chose it', () => {
  expect(chosenDark.size).toBeGreaterThan(30)
  expect([...chosenDark]).toEqual([...dark])
})
