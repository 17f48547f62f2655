import { expect, test, vi } from 'vitest'
import type { Row, Rows } from '$lib/backend'
import { Pages } from './pages'

const row = (i: number): Row => ({ kind: 'object', key: `k${i}`, name: `k${i}`, size: i, modified: null, storageClass: null })

/** A listing whose answers are given by hand. */
function desk(total = 1000) {
  const asked: { from: number; count: number; answer: (generation: number, of?: number) => Promise<void>; fail: (e: unknown) => Promise<void> }[] = []
  const changed = vi.fn()
  const pages = new Pages(
    (from, count) =>
      new Promise<Rows>((resolve, reject) => {
        const settled = () => new Promise<void>((done) => setTimeout(done))
        asked.push({
          from,
          count,
          answer: (generation, of = total) => {
            resolve({ total: of, from, generation, rows: Array.from({ length: Math.max(0, Math.min(count, of - from)) }, (_, i) => row(from + i)) })
            return settled()
          },
          fail: (error) => {
            reject(error as Error)
            return settled()
          },
        })
      }),
    changed,
    1,
    10,
  )
  return { pages, asked, changed }
}

test('asks for the pages that are seen, once', async () => {
  const { pages, asked } = desk()
  pages.need(5, 25)
  pages.need(5, 25)
  expect(asked.map((a) => a.from)).toEqual([0, 10, 20])
  await asked[1]?.answer(1)
  expect(pages.row(14)?.key).toBe('k14')
  expect(pages.row(4)).toBeUndefined()
  expect(pages.total).toBe(1000)
  pages.need(10, 20)
  expect(asked).toHaveLength(3)
})

test('a listing that grew is asked again, and its old rows stay until then', async () => {
  const { pages, asked } = desk()
  pages.need(0, 10)
  await asked[0]?.answer(1)
  pages.outdate(2)
  expect(pages.row(3)?.key).toBe('k3')
  pages.need(0, 10)
  expect(asked).toHaveLength(2)
  await asked[1]?.answer(2, 1200)
  expect(pages.total).toBe(1200)
})

test('an answer from before does not replace a later one', async () => {
  const { pages, asked } = desk()
  pages.need(0, 10)
  await asked[0]?.answer(5)
  pages.outdate(6)
  pages.need(0, 10)
  await asked[1]?.answer(4, 7)
  expect(pages.total).toBe(1000)
})

test('after closing, nothing changes', async () => {
  const { pages, asked, changed } = desk()
  pages.need(0, 10)
  pages.close()
  await asked[0]?.answer(1)
  expect(changed).not.toHaveBeenCalled()
  expect(pages.row(0)).toBeUndefined()
})

test('a failure is told, and the page can be asked for again', async () => {
  const { pages, asked, changed } = desk()
  pages.need(0, 10)
  await asked[0]?.fail('gone')
  expect(changed).toHaveBeenCalledWith('gone')
  pages.need(0, 10)
  expect(asked).toHaveLength(2)
})

test('rows that come while none are there are asked for without a table', async () => {
  const { pages, asked, changed } = desk()
  changed.mockImplementation(() => pages.outdate(2))
  pages.need(0, 1)
  await asked[0]?.answer(1, 0)
  expect(asked).toHaveLength(2)
})

test('places one has left are forgotten', async () => {
  const { pages, asked } = desk(10_000)
  for (let i = 0; i < 40; i++) {
    pages.need(i * 10, i * 10 + 10)
    await asked[i]?.answer(1, 10_000)
  }
  expect(pages.row(395)).toBeDefined()
  expect(pages.row(5)).toBeUndefined()
})

test('a desk that counts wrongly is not asked for ever', async () => {
  const { pages, asked, changed } = desk()
  changed.mockImplementation(() => pages.need(0, 10))
  pages.outdate(4)
  pages.need(0, 10)
  await asked[0]?.answer(3)
  expect(asked).toHaveLength(1)
})
