import { beforeEach, expect, test, vi } from 'vitest'
import { connect, type JobView } from '$lib/backend'
import { closeDialog, dialog } from '$lib/frame/dialogs.svelte'
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
const ran = () => fake.calls.filter((c) => c.name === 'run_plan').length
/** The fake answers in microtasks: by the next timer everything has been said. */
const settled = () => new Promise((resolve) => setTimeout(resolve))

beforeEach(async () => {
  await world()
  jobs.heard(jobs.list.map(({ view }) => ({ ...view, state: 'done' as const })))
  await jobs.clearEnded()
})

test('an answer that an event has overtaken does not bring a finished job back to life', () => {
  jobs.heard([job('one', { state: 'done', filesDone: 1 })])
  jobs.began(job('one'))
  expect(jobs.byId('one')?.state).toBe('done')
})

test('the newest is first, and sums are of those that run', () => {
  jobs.heard([job('one'), job('two', { rate: 7 }), job('three', { state: 'failed', rate: 9 })])
  expect(jobs.list.map(({ view }) => view.id)).toEqual(['three', 'two', 'one'])
  expect([jobs.running, jobs.rate, jobs.failed]).toEqual([2, 12, 1])
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
