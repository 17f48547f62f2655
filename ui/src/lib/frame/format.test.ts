import { expect, test } from 'vitest'
import { bytes, count, counted, duration, exactBytes, fraction, moment, rate, shortBytes } from './format'

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1.00 kB'],
  [999_499, '999 kB'],
  [999_999, '1.00 MB'],
  [12_345_678, '12.3 MB'],
  [4_812_009_331, '4.81 GB'],
  [1e15, '1.00 PB'],
  [18_446_744_073_709_551_615, '18.4 EB'],
])('bytes(%d)', (n, text) => expect(bytes(n)).toBe(text))

test('the table writes bytes short, the inspector exactly', () => {
  expect(shortBytes(12)).toBe('12 B')
  expect(exactBytes(16_218_114)).toBe('16.2 MB (16,218,114 bytes)')
  expect(exactBytes(12)).toBe('12 bytes')
  expect(rate(45_000_123)).toBe('45.0 MB/s')
})

test('counts are grouped and agree in number', () => {
  expect(count(1_000_000)).toBe('1,000,000')
  expect(counted(1, 'object')).toBe('1 object')
  expect(counted(12_000, 'object')).toBe('12,000 objects')
})

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [148, '2 min 28 s'],
  [3_540, '59 min'],
  [3_599, '1 h'],
  [11_100, '3 h 5 min'],
  [100_000, '1 day 4 h'],
  [Infinity, ''],
])('duration(%d)', (s, text) => expect(duration(s)).toBe(text))

test('moment is local time, and sorts as text', () => {
  expect(moment(new Date(2026, 2, 4, 5, 6).getTime())).toBe('2026-03-04 05:06')
})

test('a whole of nothing is done', () => {
  expect(fraction(0, 0)).toBe(1)
  expect(fraction(1, 4)).toBe(0.25)
  expect(fraction(9, 4)).toBe(1)
})
