import { describe, expect, test } from 'vitest'
import { lastPart, printable, shorten } from './names'

describe('printable', () => {
  test.each([
    ['plain.txt', 'plain.txt'],
    ['line\nbreak', 'line‹LF›break'],
    ['nul\0', 'nul‹NUL›'],
    ['bell\x07', 'bell‹0007›'],
    ['c1\x9b31m', 'c1‹009B›31m'],
    ['evil\u202Egnp.exe', 'evil‹202E›gnp.exe'],
    ['zero\u200Bwidth', 'zero‹200B›width'],
    ['\uFEFFbom', '‹BOM›bom'],
    ['isolate\u2066x\u2069', 'isolate‹2066›x‹2069›'],
    ['tag\u{E0041}', 'tag‹E0041›'],
    ['lone\uD800', 'lone‹D800›'],
  ])('%j', (name, shown) => expect(printable(name)).toBe(shown))

  test('what people write in stays as it is', () => {
    for (const name of ['مرحبا.txt', '数据.csv', '👩‍🔬 whale 🐋', 'übung', 'a  b', '<img src=x onerror=alert(1)>']) expect(printable(name)).toBe(name)
  })
})

test('shorten keeps the end, and does not cut a character in two', () => {
  expect(shorten('short', 10)).toBe('short')
  expect(shorten('abcdefghij', 5)).toBe('ab…ij')
  const whales = shorten('🐋'.repeat(20), 7)
  expect(Array.from(whales)).toHaveLength(7)
  expect(whales).not.toMatch(/\p{Surrogate}/u)
})

test('lastPart', () => {
  expect(lastPart('a/b/c.txt')).toBe('c.txt')
  expect(lastPart('a/b/')).toBe('b')
  expect(lastPart('a//')).toBe('')
  expect(lastPart('x')).toBe('x')
})
