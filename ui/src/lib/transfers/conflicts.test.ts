import { beforeEach, describe, expect, test } from 'vitest'
import { connect } from '$lib/backend'
import { Fake, problem } from '$tests/fake'
import { planView } from '$tests/fake-data'
import { conflict } from '$tests/scenarios-plans'
import { Conflicts, newer } from './conflicts.svelte'

const plan = (n: number) => planView({ conflicts: n, conflictExamples: Array.from({ length: Math.min(100, n) }, (_, i) => conflict(i)) })
let asked: { from: number; count: number }[]
let broken = false
beforeEach(async () => {
  asked = []
  broken = false
  await connect(
    new Fake({
      handlers: {
        plan_conflicts: ({ from, count }) => {
          asked.push({ from, count })
          if (broken) throw problem('transfer.plan-gone', 'This plan is no longer there.', 'Make it again.')
          return { total: 1050, conflicts: Array.from({ length: Math.min(count, 1050 - from) }, (_, i) => conflict(from + i)) }
        },
      },
    }),
  )
})

describe('conflicts', () => {
  test('the first hundred came with the plan; the others are fetched once', async () => {
    const conflicts = new Conflicts(plan(1050))
    conflicts.need(0, 20)
    expect(asked).toEqual([])
    expect(conflicts.at(3)?.item).toBe(3)
    conflicts.need(180, 220)
    conflicts.need(190, 230)
    await Promise.resolve()
    await Promise.resolve()
    expect(asked).toEqual([
      { from: 100, count: 100 },
      { from: 200, count: 100 },
    ])
    await expect.poll(() => conflicts.at(229)?.item).toBe(229)
    conflicts.need(1049, 1055)
    await expect.poll(() => conflicts.at(1049)?.item).toBe(1049)
    expect(asked).toHaveLength(3)
  })

  test('what could not be fetched is said, and asked for again', async () => {
    broken = true
    const conflicts = new Conflicts(plan(1050))
    conflicts.need(100, 110)
    await expect.poll(() => conflicts.problem?.code).toBe('transfer.plan-gone')
    broken = false
    conflicts.need(100, 110)
    await expect.poll(() => conflicts.at(105)?.item).toBe(105)
    expect(conflicts.problem).toBeNull()
  })

  test('single answers stay when the one for all changes, and only differing ones are sent', () => {
    const conflicts = new Conflicts(plan(10))
    expect(conflicts.skipped).toBe(10)
    conflicts.choose(1, 'overwrite')
    conflicts.choose(2, 'keep-both')
    conflicts.choose(3, 'skip')
    expect(conflicts.skipped).toBe(8)
    expect(conflicts.each).toEqual([
      { item: 1, choice: 'overwrite' },
      { item: 2, choice: 'keep-both' },
    ])
    conflicts.all = 'overwrite'
    expect(conflicts.skipped).toBe(1)
    expect(conflicts.answer(1)).toBe('overwrite')
    expect(conflicts.answer(9)).toBe('overwrite')
    expect(conflicts.each).toEqual([
      { item: 2, choice: 'keep-both' },
      { item: 3, choice: 'skip' },
    ])
    conflicts.forget(3)
    expect(conflicts.skipped).toBe(0)
    expect(conflicts.single).toBe(2)
    conflicts.forget()
    expect(conflicts.each).toEqual([])
  })

})

test('the newer side, to the second', () => {
  expect(newer(conflict(0, { hereModified: 5000, thereModified: 3000 }))).toBe('here')
  expect(newer(conflict(0, { hereModified: 3000, thereModified: 5000 }))).toBe('there')
  expect(newer(conflict(0, { hereModified: 5400, thereModified: 5000 }))).toBeNull()
  expect(newer(conflict(0, { hereModified: null, thereModified: 5000 }))).toBeNull()
})
