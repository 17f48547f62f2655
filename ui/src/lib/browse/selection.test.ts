import { expect, test } from 'vitest'
import * as select from './selection'

const object = (key: string, size: number | null = 1): select.Picked => ({ kind: 'object', key, size })
const folder = (key: string): select.Picked => ({ kind: 'folder', key, size: null })
const look = { sort: 'name' as const, descending: false, filter: '' }
const location = { account: 'a', bucket: 'b', prefix: '' }

test('toggling adds and takes away', () => {
  let chosen = select.only([object('x')])
  chosen = select.toggled(chosen, object('y'))
  expect([select.count(chosen), select.has(chosen, 'y')]).toEqual([2, true])
  chosen = select.toggled(chosen, object('x'))
  expect([select.count(chosen), select.has(chosen, 'x')]).toEqual([1, false])
})

test('a folder and an object of one name are two things', () => {
  const chosen = select.only([folder('a/'), object('a', 12)])
  expect(select.count(chosen)).toBe(2)
  expect(select.folders(chosen)).toBe(1)
  expect(select.bytes(chosen)).toBe(12)
})

test('bytes are not guessed when a size is not known', () => {
  expect(select.bytes(select.only([object('x', null), object('y')]))).toBeNull()
})

test('everything needs no names', () => {
  const chosen = select.everything(look, 1_000_000, 5)
  expect(select.has(chosen, 'whatever')).toBe(true)
  expect(select.count(chosen)).toBe(1_000_000)
  expect(select.asSelection(chosen, location, 'l1')).toEqual({ location, keys: [], allOf: { listing: 'l1', look } })
})

test('a selection names kind and key, and nothing else', () => {
  expect(select.asSelection(select.only([folder('d/')]), location, 'l1').keys).toEqual([{ kind: 'folder', key: 'd/' }])
})
