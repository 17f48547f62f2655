import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { connect, type JobView } from '$lib/backend'
import { closeDialog, dialog } from '$lib/frame/dialogs.svelte'
import { heard } from '$lib/frame/heard'
import { Fake, problem } from '$tests/fake'
import { account, jobView } from '$tests/fake-data'
import { jobs } from './jobs.svelte'
import { cancelPlanning, plans, startPlan } from './planning.svelte'

const to = { account: 'a', bucket: 'thesis', prefix: '' }
let fake: Fake

const job = (id: string, change: Partial<JobView> = {}): JobView => jobView(id, { rate: 5, timeLeft: 1, started: 0, ...change })

async function world(options: ConstructorParameters<typeof Fake>[0] = {}) {
  fake = new Fake({ accounts: [account('a', 'A')], ...options })
  await connect(fake)
}
const ids = (boxes: { view: JobView }[]) => boxes.map(({ view }) => view.id)
const asked = (name: string) => fake.calls.filter((call) => call.name === name).map(({ args }) => args)
const ran = () => fake.calls.filter((c) => c.name === 'run_plan').length
/** The fake answers in microtasks: by the next timer everything has been said. */
const settled = () => new Promise((resolve) => setTimeout(resolve))

beforeEach(async () => {
  await world()
  jobs.heard(jobs.queue.map(({ view }) => ({ ...view, state: 'done' as const })))
  await jobs.clearEnded()
})

test('an answer that an event has overtaken does not bring a finished job back to life', () => {
  jobs.heard([job('one', { state: 'done', filesDone: 1 })])
  jobs.began(job('one'))
  expect(jobs.byId('one')?.state).toBe('done')
})

test('the queue is in its order, what has ended is newest first, and sums are of those that run', () => {
  jobs.heard([job('one'), job('two', { rate: 7 }), job('three', { state: 'failed', rate: 9, ended: 5 }), job('four', { state: 'done', ended: 8 })])
  expect(ids(jobs.queue)).toEqual(['one', 'two'])
  expect(ids(jobs.over)).toEqual(['four', 'three'])
  expect([jobs.running, jobs.rate, jobs.failed]).toEqual([2, 12, 1])
})

test('what waits or is paused has not ended, and does not count as moving', () => {
  const ended = vi.fn()
  const stop = jobs.onEnded(ended)
  jobs.heard([job('one'), job('two', { state: 'waiting' })])
  jobs.heard([job('one', { state: 'paused' })])
  stop()
  expect(ended).not.toHaveBeenCalled()
  expect(ids(jobs.queue)).toEqual(['one', 'two'])
  expect([jobs.running, jobs.waiting, jobs.paused, jobs.rate]).toEqual([0, 1, 1, 0])
})

test('the order is the one Rust says, and is asked for when it changes', async () => {
  await world({ jobs: [job('two'), job('one', { state: 'waiting' })] })
  jobs.heard([job('one', { state: 'waiting' }), job('two')])
  expect(ids(jobs.queue)).toEqual(['one', 'two'])
  heard({ kind: 'queue' })
  await settled()
  expect(ids(jobs.queue)).toEqual(['two', 'one'])
  fake.jobs = [job('two')]
  heard({ kind: 'queue' })
  await settled()
  expect(ids(jobs.queue)).toEqual(['two'])
})

test('an event that comes while the queue is being asked for is newer than the answer', async () => {
  let answer: (jobs: JobView[]) => void = () => undefined
  await world({ handlers: { jobs: () => new Promise((resolve) => (answer = resolve)) } })
  const loading = jobs.changed()
  await settled()
  jobs.heard([job('one', { state: 'done' }), job('new')])
  answer([job('one')])
  await loading
  expect(jobs.byId('one')?.state).toBe('done')
  expect(jobs.byId('new')).not.toBeNull()
})

test('a job is moved, and stands where Rust put it', async () => {
  await world({ jobs: [job('one'), job('two', { state: 'waiting' }), job('three', { state: 'waiting' })] })
  await jobs.load()
  await jobs.move('three', 'up')
  expect(ids(jobs.queue)).toEqual(['one', 'three', 'two'])
  await jobs.move('two', 'now')
  expect(ids(jobs.queue)).toEqual(['two', 'one', 'three'])
  expect(jobs.byId('two')?.state).toBe('running')
})

test('all are paused from the end, so that none begins in the place of another; and go on in their order', async () => {
  await world({ jobs: [job('one'), job('two', { state: 'waiting' }), job('three', { state: 'waiting' })] })
  await jobs.load()
  await jobs.pauseAll()
  expect(asked('pause_job')).toEqual(['three', 'two', 'one'])
  expect(jobs.paused).toBe(3)
  await jobs.resumeAll()
  expect(asked('resume_job')).toEqual(['one', 'two', 'three'])
})

test('what cannot be done is said, and the job stays as it was', async () => {
  await world({ jobs: [job('one')], handlers: { pause_job: () => { throw problem('transfer.no-job', 'It is gone.', '') } } })
  await jobs.load()
  await jobs.pause('one')
  const { notice, dismiss } = await import('$lib/frame/notice.svelte')
  expect(notice.problem?.what).toBe('It is gone.')
  expect(jobs.byId('one')?.state).toBe('running')
  dismiss()
})

describe('the rate of the last minute', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('is a sample a second while something runs, also when nothing is heard', () => {
    jobs.heard([job('one', { rate: 5 })])
    vi.advanceTimersByTime(2000)
    jobs.heard([job('one', { rate: 9 })])
    vi.advanceTimersByTime(1000)
    expect(jobs.queue[0]?.rates.list).toEqual([5, 5, 9])
    vi.advanceTimersByTime(100_000)
    expect(jobs.queue[0]?.rates.list).toHaveLength(60)
    jobs.heard([job('one', { state: 'done' })])
    vi.advanceTimersByTime(5000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a drop that ended before its beginning is told of is told as ended', async () => {
  const { notice } = await import('$lib/frame/notice.svelte')
  await world({
    handlers: {
      run_plan: () => {
        heard({ kind: 'jobs', jobs: [job('tiny', { state: 'done', filesDone: 1, bytesDone: 10 })] })
        return job('tiny')
      },
    },
  })
  await startPlan({ kind: 'upload', to, paths: ['/home/ada/new.txt'] })
  expect(notice.line?.words).toMatch(/^Done: 1 file sent/)
})

test('a small and clean drop can be undone where it is told, as long as that is possible', async () => {
  const { notice } = await import('$lib/frame/notice.svelte')
  await startPlan({ kind: 'upload', to, paths: ['/home/ada/new.txt'] })
  await settled()
  const undo = notice.line?.actions.find(({ label }) => label === 'Undo')
  const id = jobs.queue[0]?.view.id ?? ''
  expect(undo?.when?.()).toBe(false)
  const done = jobs.byId(id)
  if (!done) throw new Error('no job')
  jobs.heard([{ ...done, undo: true }])
  expect(undo?.when?.()).toBe(true)
  undo?.run()
  await settled()
  expect(asked('undo_job')).toEqual([id])
  expect(ids(jobs.queue)).toContain(`undo-${id}`)
})

test('the end of a job is told once', () => {
  const ended = vi.fn()
  const stop = jobs.onEnded(ended)
  jobs.heard([job('one')])
  jobs.heard([job('one', { state: 'done' })])
  jobs.heard([job('one', { state: 'done' })])
  stop()
  expect(ended).toHaveBeenCalledTimes(1)
})

test('small and clean runs without being shown', async () => {
  await startPlan({ kind: 'upload', to, paths: ['/home/ada/new.txt'] })
  expect(dialog.open).toBeNull()
  expect(ran()).toBe(1)
})

test('deleting is always shown, however small', async () => {
  const item = { kind: 'object' as const, key: 'README.md' }
  void startPlan({ kind: 'delete', selection: { location: to, keys: [item], allOf: null } })
  await settled()
  expect(dialog.open?.kind).toBe('plan')
  expect(ran()).toBe(0)
  closeDialog()
  await settled()
})

test('what is there already and differs is asked about', async () => {
  void startPlan({ kind: 'upload', to, paths: ['/home/ada/README.md'] })
  await settled()
  expect(dialog.open?.kind).toBe('plan')
  expect(ran()).toBe(0)
  closeDialog()
  await settled()
})

test('a plan that is cancelled never runs, even when it is ready later', async () => {
  let answer: (value: never) => void = () => undefined
  await world({ handlers: { plan: () => new Promise<never>((resolve) => (answer = resolve)) } })
  const planned = startPlan({ kind: 'upload', to, paths: ['/x'] })
  await settled()
  expect(plans.making?.what.kind).toBe('upload')
  cancelPlanning()
  await planned
  answer({ id: 'late', clean: true, kind: 'upload' } as never)
  await settled()
  expect(ran()).toBe(0)
  expect(fake.calls.find((c) => c.name === 'drop_plan')?.args).toBe('late')
  expect(fake.calls.some((c) => c.name === 'cancel_planning')).toBe(true)
})

test('a plan that cannot be made says why, and the next one can', async () => {
  let broken = true
  await world({
    handlers: {
      plan: () => {
        if (broken) throw problem('store.unreachable', 'No answer.', '')
        return new Promise(() => undefined)
      },
    },
  })
  await startPlan({ kind: 'upload', to, paths: ['/x'] })
  const { notice, dismiss } = await import('$lib/frame/notice.svelte')
  expect(notice.problem?.code).toBe('store.unreachable')
  dismiss()
  broken = false
  const waiting = startPlan({ kind: 'upload', to, paths: ['/x'] })
  await settled()
  expect(plans.making).not.toBeNull()
  cancelPlanning()
  await waiting
})
