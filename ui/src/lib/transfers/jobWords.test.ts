import { describe, expect, test } from 'vitest'
import type { FileView, JobView } from '$lib/backend'
import { jobView } from '$tests/fake-data'
import { FileRates } from './fileRates'
import { progressOf, queueProgress, queueWords, stateWords } from './jobWords'
import { graph, SECONDS } from './rates.svelte'

const job = (change: Partial<JobView>): JobView =>
  jobView('j', { filesTotal: 10, filesDone: 4, bytesTotal: 1000, bytesDone: 250, rate: 100, timeLeft: 7.5, started: 0, ...change })

describe('a job', () => {
  test('runs', () => {
    expect(stateWords(job({}))).toBe('4 of 10 files, 250 bytes of 1.00 kB · 100 B/s · 8 s left')
    expect(stateWords(job({ filesFailed: 2, rate: 0, timeLeft: null }))).toBe('4 of 10 files, 250 bytes of 1.00 kB, 2 files failed')
    expect(progressOf(job({}))).toBe(0.25)
  })
  test('waits and is paused, begun or not', () => {
    expect(stateWords(job({ state: 'waiting', filesDone: 0, bytesDone: 0 }))).toBe('Waiting: 10 files, 1.00 kB')
    expect(stateWords(job({ state: 'waiting' }))).toBe('Waiting after 4 of 10 files, 250 bytes of 1.00 kB')
    expect(stateWords(job({ state: 'paused' }))).toBe('Paused after 4 of 10 files, 250 bytes of 1.00 kB')
    expect(stateWords(job({ state: 'paused', kind: 'delete', filesDone: 0, bytesDone: 0 }))).toBe('Paused: 10 objects')
  })
  test('of names alone has no bytes', () => {
    expect(stateWords(job({ kind: 'delete', timeLeft: null }))).toBe('4 of 10 objects')
    expect(progressOf(job({ kind: 'delete', filesFailed: 1 }))).toBe(0.5)
  })
  test('ends', () => {
    expect(stateWords(job({ state: 'done', filesDone: 10, bytesDone: 1000, ended: 95_000, filesSkipped: 2 }))).toBe(
      'Done: 10 files sent, 1.00 kB, 2 left as they were in 1 min 35 s',
    )
    expect(stateWords(job({ state: 'partial', filesDone: 9, filesFailed: 1 }))).toBe('1 file failed, 9 sent')
    expect(stateWords(job({ state: 'cancelled' }))).toBe('Cancelled after 4 of 10 files, 250 bytes of 1.00 kB')
    expect(stateWords(job({ state: 'failed', filesDone: 0, bytesDone: 0 }))).toBe('Failed')
  })
  test('that verifies says what is not as it should be', () => {
    expect(stateWords(job({ kind: 'verify', state: 'done', filesDone: 10, bytesDone: 1000 }))).toBe('Done: 10 files as they should be, 1.00 kB')
    expect(stateWords(job({ kind: 'verify', state: 'done', filesDone: 1, bytesDone: 0 }))).toBe('Done: 1 file as it should be')
    expect(stateWords(job({ kind: 'verify', state: 'partial', filesDone: 9, filesFailed: 1 }))).toBe('1 file not as the receipt says, 9 as they should be')
  })
  test('that syncs has copied some and deleted others', () => {
    expect(stateWords(job({ kind: 'sync', state: 'done', filesDone: 10, bytesDone: 1000 }))).toBe('Done: 10 files synced, 1.00 kB')
  })
  test('without bytes is not divided by nothing', () => {
    expect(progressOf(job({ bytesTotal: 0, bytesDone: 0, filesTotal: 0, filesDone: 0 }))).toBe(0)
  })
})

describe('the queue in a line', () => {
  test('counts what runs, waits and is paused, and how long all of it will take', () => {
    const queue = [job({}), job({ state: 'waiting', rate: 0, bytesDone: 0 }), job({ state: 'paused', rate: 0 })]
    expect(queueWords(queue)).toBe('1 running, 1 waiting, 1 paused · 500 bytes of 3.00 kB · 100 B/s · 18 s left')
  })
  test('promises nothing while nothing moves', () => {
    expect(queueWords([job({ state: 'paused' })])).toBe('1 paused · 250 bytes of 1.00 kB')
    expect(queueWords([job({ rate: 0 })])).toBe('1 running · 250 bytes of 1.00 kB')
    expect(queueWords([])).toBe('')
  })
  test('is as far as its bytes are', () => {
    expect(queueProgress([job({}), job({ bytesTotal: 3000, bytesDone: 750 })])).toBe(0.25)
    expect(queueProgress([job({ kind: 'delete' })])).toBeNull()
  })
})

describe('the graph', () => {
  test('has its newest sample at the right edge and its highest at the top', () => {
    expect(graph([0, 5, 10], 190, 20).line).toBe('170,20 180,10 190,0')
    expect(graph(Array<number>(SECONDS).fill(3), 118, 20).line.startsWith('0,0 2,0')).toBe(true)
  })
  test('of nothing is no line, and of standing still a flat one', () => {
    expect(graph([7], 118, 20)).toEqual({ line: '', area: '' })
    expect(graph([0, 0], 190, 20).line).toBe('180,20 190,20')
  })
})

describe('the rate of a file', () => {
  const file = (bytesDone: number, state: FileView['state'] = 'running'): FileView => ({ name: 'a', state, bytesTotal: 100, bytesDone, problem: null })
  test('is told by two looks', () => {
    const rates = new FileRates()
    rates.look([file(10)], 1000)
    expect(rates.of('a')).toBeNull()
    rates.look([file(60)], 1500)
    expect(rates.of('a')).toBe(100)
  })
  test('is not told of a file that began anew or has ended', () => {
    const rates = new FileRates()
    rates.look([file(60)], 1000)
    rates.look([file(10)], 1500)
    expect(rates.of('a')).toBeNull()
    rates.look([file(100, 'done')], 2000)
    expect(rates.of('a')).toBeNull()
  })
})
