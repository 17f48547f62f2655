import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { beforeEach, describe, expect, test } from 'vitest'
import { connect, type UnfinishedView } from '$lib/backend'
import { jobs } from '$lib/transfers/jobs.svelte'
import { Fake, problem, type FakeOptions } from '$tests/fake'
import { DAY, jobView, NOW } from '$tests/fake-data'
import { unfinishedUploads } from '$tests/scenarios-plans'
import { Unfinished } from './unfinished.svelte'
import UnfinishedDialog from './UnfinishedDialog.svelte'
import { age, amount, freedWords } from './words'

const bucket = { account: 'a1', bucket: 'thesis' }
let fake: Fake
let left: UnfinishedView[]
async function world(handlers: FakeOptions['handlers'] = {}) {
  left = unfinishedUploads
  fake = new Fake({
    handlers: {
      unfinished_uploads: () => ({ uploads: left, bytes: 0 }),
      clean_uploads: ({ uploads }) => {
        left = left.filter(({ upload }) => !uploads.some((one) => one.upload === upload))
        return { uploads: uploads.length, problems: [] }
      },
      ...handlers,
    },
  })
  await connect(fake)
}
beforeEach(() => world())
const cleaned = () => fake.calls.filter(({ name }) => name === 'clean_uploads').map(({ args }) => args as { uploads: { upload: string }[] })

describe('in words', () => {
  test('age', () => {
    expect(age(NOW - 48 * DAY, NOW)).toBe('48 days old')
    expect(age(NOW - 3 * 3_600_000, NOW)).toBe('3 h old')
    expect(age(NOW + 5000, NOW)).toBe('0 s old')
    expect(age(null, NOW)).toBe('age not known')
  })
  test('what is freed, as far as it is known', () => {
    const sum = { uploads: 2, bytes: 3_000_000, unsure: false, recent: 0 }
    expect(amount(sum)).toBe('2 uploads, 3.00 MB')
    expect(freedWords(sum)).toBe('3.00 MB are freed.')
    expect(freedWords({ ...sum, unsure: true })).toBe('At least 3.00 MB are freed.')
    expect(freedWords({ ...sum, bytes: 0, unsure: true })).toMatch(/does not say/)
  })
})

describe('choosing', () => {
  test('the oldest come first, those of unknown age last', async () => {
    const found = new Unfinished(bucket, () => NOW)
    await found.load()
    expect(found.uploads?.map(({ upload }) => upload)).toEqual(['u1', 'u2', 'u3', 'u4', 'u5'])
  })
  test('one that a transfer here uses is never chosen', async () => {
    const found = new Unfinished(bucket, () => NOW)
    await found.load()
    found.toggleAll()
    expect([...found.chosen].sort()).toEqual(['u1', 'u2', 'u3', 'u5'])
    expect(found.all).toBe(true)
    found.toggle(unfinishedUploads[3] as UnfinishedView)
    expect(found.chosen.has('u4')).toBe(false)
    expect(found.sum('chosen')).toMatchObject({ uploads: 4, unsure: true, recent: 1 })
    found.toggleAll()
    expect(found.chosen.size).toBe(0)
  })
  test('what is still there was not freed', async () => {
    await world({ clean_uploads: ({ uploads }) => ({ uploads: uploads.length - 1, problems: [] }) })
    const found = new Unfinished(bucket, () => NOW)
    await found.load()
    found.toggle(unfinishedUploads[0] as UnfinishedView)
    await found.clean()
    expect(found.cleaned?.freed).toBe(0)
  })
})

describe('the dialog', () => {
  test('asks before it cleans up, and says what was freed', async () => {
    const user = userEvent.setup()
    render(UnfinishedDialog, { bucket })
    expect(await screen.findByText('5 uploads, at least 20.1 GB')).toBeVisible()
    await user.click(screen.getByLabelText('All that nobody here uses'))
    await user.click(screen.getByRole('button', { name: 'Clean up…' }))
    expect(screen.getByText(/At least 17.8 GB are freed/)).toBeVisible()
    expect(cleaned()).toEqual([])
    await user.click(screen.getByRole('button', { name: 'Clean up 4 uploads' }))
    expect(await screen.findByText('4 unfinished uploads cleaned up, 17.8 GB freed.')).toBeVisible()
    expect(cleaned()[0]?.uploads.map(({ upload }) => upload)).toEqual(['u1', 'u2', 'u3', 'u5'])
  })

  test('can be kept at the last moment', async () => {
    const user = userEvent.setup()
    render(UnfinishedDialog, { bucket })
    await user.click(await screen.findByLabelText('All that nobody here uses'))
    await user.click(screen.getByRole('button', { name: 'Clean up…' }))
    await user.click(screen.getByRole('button', { name: 'Keep them' }))
    expect(screen.getByRole('button', { name: 'Clean up…' })).toBeVisible()
    expect(cleaned()).toEqual([])
  })

  test('names the transfer that still uses one', async () => {
    jobs.heard([jobView('j1', { title: 'Upload t2m_2026.nc to thesis/' })])
    render(UnfinishedDialog, { bucket })
    expect(await screen.findByText('“Upload t2m_2026.nc to thesis/” still uses it')).toBeInTheDocument()
  })

  test('none', async () => {
    await world({ unfinished_uploads: () => ({ uploads: [], bytes: 0 }) })
    render(UnfinishedDialog, { bucket })
    expect(await screen.findByText('Nothing is unfinished here')).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Clean up…' })).toBeNull()
  })

  test('not allowed', async () => {
    await world({
      unfinished_uploads: () => {
        throw problem('store.denied', 'This key may not list the unfinished uploads of thesis.', 'Ask who looks after the bucket.')
      },
    })
    render(UnfinishedDialog, { bucket })
    expect(await screen.findByRole('alert')).toHaveTextContent('may not list the unfinished uploads')
    expect(screen.queryByText('Nothing is unfinished here')).toBeNull()
  })

  test('what could not be cleaned up is named, each with its reason', async () => {
    const why = problem('store.denied', 'The store does not let this key take that upload back.', 'Ask whoever began it.')
    await world({ clean_uploads: ({ uploads }) => ({ uploads: 0, problems: uploads.map(({ key }): [string, typeof why] => [key, why]) }) })
    const user = userEvent.setup()
    render(UnfinishedDialog, { bucket })
    await user.click(await screen.findByLabelText('All that nobody here uses'))
    await user.click(screen.getByRole('button', { name: 'Clean up…' }))
    await user.click(screen.getByRole('button', { name: 'Clean up 4 uploads' }))
    expect(await screen.findAllByText('The store does not let this key take that upload back.')).toHaveLength(4)
    expect(screen.getAllByText('hidden‹202E›gnp.bin')[0]).toBeVisible()
    expect(screen.queryByText(/cleaned up,/)).toBeNull()
  })
})
