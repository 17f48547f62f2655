import { beforeEach, describe, expect, test } from 'vitest'
import { connect, type Selection } from '$lib/backend'
import { refreshAccounts } from '$lib/frame/accounts.svelte'
import { Fake, problem } from '$tests/fake'
import { account } from '$tests/fake-data'
import { clipboard, otherWay, refusal, take, wayFor } from './copying.svelte'
import { folder } from './folder.svelte'
import { Places } from './places.svelte'

const here = { account: 'a', bucket: 'thesis', prefix: 'data/' }
const some = (change: Partial<Selection> = {}): Selection => ({ location: here, keys: [{ kind: 'folder', key: 'data/2024/' }, { kind: 'object', key: 'data/x.csv' }], allOf: null, ...change })
const no = { ctrlKey: false, shiftKey: false, altKey: false }

describe('where it may go', () => {
  test('not where it is, nor into itself', () => {
    expect(refusal(some(), here)).toMatch(/already/)
    expect(refusal(some(), { ...here, prefix: 'data/2024/' })).toMatch(/into itself/)
    expect(refusal(some(), { ...here, prefix: 'data/2024/runs/' })).toMatch(/into itself/)
  })
  test('anywhere else, also where the same path is another bucket’s or account’s', () => {
    expect(refusal(some(), { ...here, prefix: 'data/2025/' })).toBeNull()
    expect(refusal(some(), { ...here, prefix: '' })).toBeNull()
    expect(refusal(some(), { ...here, bucket: 'other', prefix: 'data/2024/' })).toBeNull()
    expect(refusal(some(), { ...here, account: 'b' })).toBeNull()
  })
  test('all of a folder does not go into one of them', () => {
    const all = (filter: string) => some({ keys: [], allOf: { listing: 'l1', look: { sort: 'name', descending: false, filter } } })
    expect(refusal(all(''), { ...here, prefix: 'data/2024/' })).toMatch(/into itself/)
    expect(refusal(all('csv'), { ...here, prefix: 'data/2024/' })).toBeNull()
    expect(refusal(all(''), { ...here, prefix: 'figures/' })).toBeNull()
  })
})

test('moved within a bucket, copied out of it, and the keys say otherwise', () => {
  const figures = { ...here, prefix: 'figures/' }
  const scratch = { ...here, bucket: 'scratch', prefix: '' }
  expect(wayFor(here, figures, no)).toBe('move')
  expect(wayFor(here, figures, { ...no, ctrlKey: true })).toBe('copy')
  expect(wayFor(here, scratch, no)).toBe('copy')
  expect(wayFor(here, scratch, { ...no, shiftKey: true })).toBe('move')
  expect(wayFor(here, { ...here, account: 'b' }, no)).toBe('copy')
  expect(otherWay('move', here, figures)).toBe('Ctrl: copy instead')
  expect(otherWay('copy', here, scratch)).toBe('Shift: move instead')
})

describe('the clipboard', () => {
  let fake: Fake
  beforeEach(async () => {
    // The listing of the test before is another backend's.
    clipboard.clear()
    await folder.open(null)
    fake = new Fake({ accounts: [account('a', 'A')] })
    await connect(fake)
    await folder.open(here)
    await expect.poll(() => folder.ready).toBe(true)
  })

  test('what is cut is marked in its own folder only', () => {
    folder.choose(1)
    const key = folder.row(1)?.key ?? ''
    take(true)
    expect(clipboard.isCut(here, key)).toBe(true)
    expect(clipboard.isCut({ ...here, account: 'b' }, key)).toBe(false)
    take(false)
    expect(clipboard.isCut(here, key)).toBe(false)
  })

  test('the paths go to the computer’s clipboard; a failure of that is nobody’s', async () => {
    folder.choose(1)
    take(false)
    expect(fake.clipboard).toBeNull()
    await expect.poll(() => fake.clipboard).toBe(`s3://thesis/${folder.row(1)?.key}`)
  })

  test('all of it keeps its listing until it is let go', async () => {
    folder.chooseAll()
    const listing = folder.listing
    take(false)
    await folder.open({ ...here, prefix: '' })
    const closed = () => fake.calls.filter(({ name }) => name === 'close_listing').map(({ args }) => args)
    expect(closed()).not.toContain(listing)
    clipboard.clear()
    expect(closed()).toContain(listing)
  })
})

describe('a place that is chosen', () => {
  let fake: Fake
  const open = async (location: { account: string; bucket: string; prefix: string } | null = { ...here, prefix: '' }) => {
    const places = new Places({ account: 'a', location })
    await expect.poll(() => places.busy).toBe(false)
    return places
  }
  beforeEach(async () => {
    fake = new Fake({
      accounts: [account('a', 'A'), account('b', 'B')],
      handlers: {
        parse_path: ({ account, text }) => {
          if (text.startsWith('//')) throw problem('browse.path', 'This is not a path.', 'Write it as bucket/folder/.')
          const [bucket = '', ...rest] = text.split('/')
          return { account, bucket, prefix: rest.join('/') }
        },
      },
    })
    await connect(fake)
    await refreshAccounts()
  })

  test('shows folders and no objects, and the way up to the buckets', async () => {
    const places = await open()
    expect(places.steps.map(({ name }) => name)).toEqual(['a', 'data', 'figures', 'hostile'])
    places.go({ name: 'data', path: 'thesis/data/' })
    await expect.poll(() => places.location?.prefix).toBe('data/')
    expect(places.above).toEqual({ name: 'Up', path: 'thesis/' })
    await places.settle()
    places.go({ name: 'Up', path: '' })
    await expect.poll(() => places.location).toBeNull()
    expect(places.steps.map(({ name }) => name)).toEqual(['thesis', 'scratch'])
    places.end()
  })

  test('a typed folder ends in a slash, and need not be there', async () => {
    const places = await open()
    places.text = 'scratch/not there yet'
    expect(await places.settle()).toEqual({ account: 'a', bucket: 'scratch', prefix: 'not there yet/' })
    places.end()
  })

  test('what cannot be understood is said, and is no place', async () => {
    const places = await open()
    places.text = '//'
    expect(await places.settle()).toBeNull()
    expect(places.wrong?.what).toBe('This is not a path.')
    expect(places.location).toBeNull()
    places.end()
  })

  test('another account begins at its buckets', async () => {
    const places = await open()
    places.setAccount('b')
    expect(places.text).toBe('')
    expect(places.location).toBeNull()
    await expect.poll(() => places.steps.length).toBe(2)
    places.end()
  })

  test('a folder that may not be listed may still be written to', async () => {
    const places = await open({ ...here, bucket: 'nowhere', prefix: '' })
    expect(places.trouble?.code).toBe('store.no-bucket')
    expect(await places.settle()).toMatchObject({ bucket: 'nowhere' })
    places.end()
  })

  test('its listings are freed', async () => {
    const places = await open()
    places.end()
    expect(fake.calls.filter(({ name }) => name === 'close_listing')).toHaveLength(fake.calls.filter(({ name }) => name === 'open_listing').length)
  })
})
