import { describe, expect, test } from 'vitest'
import { above, leftFrom, navigate, restore } from '$lib/frame/navigation.svelte'
import { crumbs, pathText } from './path'
import { split } from './columns'
import { wrongName } from './newNames'

const at = (prefix: string) => ({ account: 'a', bucket: 'b', prefix })

describe('crumbs', () => {
  test('account, bucket, folders', () => {
    expect(crumbs(at('x/y/'), 'Me').map((c) => c.name)).toEqual(['Me', 'b', 'x', 'y'])
    expect(crumbs(at('x/y/'), 'Me').at(-2)?.spot).toEqual(at('x/'))
  })
  test('a folder without a name is still a step', () => {
    expect(crumbs(at('a//b/'), 'Me').map((c) => c.name)).toEqual(['Me', 'b', 'a', '(no name)', 'b'])
    expect(crumbs(at('a//b/'), 'Me')[3]?.spot).toEqual(at('a//'))
  })
  test('a prefix that is no folder says so', () => {
    expect(crumbs(at('x/sta'), 'Me').at(-1)?.name).toBe('sta…')
  })
  test('every step leads up to the one before it', () => {
    const steps = crumbs(at('a//b/../c/'), 'Me')
    for (let i = steps.length - 1; i > 0; i--) expect(above(steps[i]?.spot ?? null)).toEqual(steps[i - 1]?.spot)
  })
})

test('pathText is what can be typed again', () => {
  expect(pathText(at('x/'))).toBe('b/x/')
  expect(pathText({ account: 'a', bucket: null, prefix: '' })).toBe('')
})

test('coming up, one comes from the folder below', () => {
  restore(at('x/y/z/'))
  navigate(at('x/'))
  expect(leftFrom(at('x/'))).toBe('x/y/')
  navigate(at('other/'))
  expect(leftFrom(at('other/'))).toBeNull()
})

test('split keeps the end of a long name, and never parts writing from the right', () => {
  expect(split('short.txt')).toEqual(['short.txt', ''])
  const [start, end] = split('station-0042-run-17-calibrated-v3-final-FINAL.nc')
  expect(start + end).toBe('station-0042-run-17-calibrated-v3-final-FINAL.nc')
  expect(end).toBe('nal-FINAL.nc'.slice(-12))
  expect(split('م'.repeat(60))[1]).toBe('')
})

test.each([
  ['a/b', /slash/],
  ['..', /dots/],
  ['x\ny', /cannot be seen/],
  ['ü'.repeat(513), /1,024/],
])('wrongName(%j)', (name, why) => expect(wrongName(name)).toMatch(why))
test('ordinary names are fine', () => expect(wrongName('Übung 3 (neu).csv')).toBeNull())
