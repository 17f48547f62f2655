import { beforeEach, describe, expect, test } from 'vitest'
import { connect, type ListingView, type Location } from '$lib/backend'
import { Fake, problem } from '$tests/fake'
import { account, many, thesis } from '$tests/fake-data'
import { Folder } from './folder.svelte'
import * as select from './selection'

const at = (prefix: string, bucket = 'thesis'): Location => ({ account: 'a', bucket, prefix })
/** The fake answers in microtasks: by the next timer everything has been said. */
const settled = () => new Promise((resolve) => setTimeout(resolve))

let fake: Fake
let folder: Folder

async function world(options: ConstructorParameters<typeof Fake>[0] = {}) {
  fake = new Fake({ accounts: [account('a', 'A')], stores: { a: { thesis: thesis(), big: many(20_000) } }, ...options })
  await connect(fake)
  folder = new Folder()
  fake.events((event) => {
    if (event.kind === 'listing') folder.heard(event.listing)
    if (event.kind === 'changed') folder.changed(event.location)
  })
}
async function open(location: Location, seek?: string) {
  await folder.open(location, seek)
  await settled()
}
const indexOf = (name: string) => Array.from({ length: folder.total }, (_, i) => i).find((i) => folder.row(i)?.name === name) ?? -1
const rowsAsked = () => fake.calls.filter((c) => c.name === 'rows').length

beforeEach(() => world())

test('a folder shows its own rows', async () => {
  await open(at(''))
  expect(folder.total).toBe(9)
  expect(folder.row(0)?.name).toBe('a')
  expect(folder.ready).toBe(true)
})

test('the answer for a folder one has left is dropped, and its listing freed', async () => {
  const first = folder.open(at('data/'))
  const second = folder.open(at('figures/'))
  await Promise.all([first, second])
  await settled()
  expect(folder.location).toEqual(at('figures/'))
  expect(folder.view?.location).toEqual(at('figures/'))
  expect(folder.row(0)?.name).toBe('figure-1.png')
  expect(fake.calls.filter((c) => c.name === 'close_listing')).toHaveLength(1)
})

test('events of another listing are not heard', async () => {
  await open(at('figures/'))
  const view = folder.view as ListingView
  folder.heard({ ...view, id: 'somebody else', objects: 99, generation: 99 })
  expect(folder.view).toBe(view)
})

test('opening another folder begins with nothing: no rows, no selection, no filter', async () => {
  await open(at(''))
  folder.filter('chapter')
  await settled()
  folder.chooseAll()
  const opening = folder.open(at('data/'))
  expect(folder.total).toBe(0)
  expect(select.count(folder.chosen)).toBe(0)
  expect(folder.look.filter).toBe('')
  await opening
})

test('a failure to open is the folder’s, with its reason', async () => {
  await world({
    handlers: {
      open_listing: () => {
        throw problem('store.denied', 'Not allowed.', '')
      },
    },
  })
  await open(at(''))
  expect(folder.problem?.code).toBe('store.denied')
  expect(folder.view).toBeNull()
})

describe('selection', () => {
  test('a range goes from where it began to the cursor, both ways', async () => {
    await open(at('data/'))
    folder.choose(10)
    await folder.extend(14)
    expect(select.count(folder.chosen)).toBe(5)
    await folder.extend(8)
    expect([...folder.chosen.keys.keys()]).toEqual([8, 9, 10].map((i) => folder.row(i)?.key))
  })

  test('a range over rows that were never seen', async () => {
    await open(at('', 'big'))
    folder.choose(10)
    await folder.extend(3_009)
    expect(select.count(folder.chosen)).toBe(3_000)
    expect(select.bytes(folder.chosen)).toBeGreaterThan(0)
    await folder.extend(9_009)
    expect(select.count(folder.chosen)).toBe(9_000)
    expect(select.bytes(folder.chosen)).toBeNull()
  })

  test('a range over everything names nothing', async () => {
    await open(at('', 'big'))
    folder.choose(0)
    await folder.extend(19_999)
    expect(folder.chosen.all?.rows).toBe(20_000)
    expect(folder.selection?.keys).toEqual([])
  })

  test('one row less than everything is named', async () => {
    await open(at('data/'))
    folder.chooseAll()
    await folder.toggle(3)
    expect(select.count(folder.chosen)).toBe(folder.total - 1)
    expect(folder.isChosen(folder.row(3)?.key ?? '')).toBe(false)
  })

  test('all of a filter is what passes it', async () => {
    await open(at('data/'))
    folder.filter('station_00')
    await settled()
    folder.chooseAll()
    expect(select.count(folder.chosen)).toBe(9)
    expect(folder.selection?.allOf?.look.filter).toBe('station_00')
    expect(select.bytes(folder.chosen)).toBeNull()
  })
})

describe('refresh', () => {
  test('keeps the cursor on its row and what is still there selected', async () => {
    await open(at('data/'))
    folder.choose(indexOf('station_005.csv'))
    await folder.toggle(indexOf('station_007.csv'))
    fake.stores.a?.thesis?.delete('data/station_005.csv')
    fake.stores.a?.thesis?.delete('data/station_002.csv')
    await folder.refresh()
    await settled()
    expect(folder.current?.name).toBe('station_007.csv')
    expect([...folder.chosen.keys.keys()]).toEqual(['data/station_007.csv'])
  })

  test('a job that changed this folder refreshes it, another folder does not', async () => {
    await open(at('data/'))
    const before = rowsAsked()
    fake.tell({ kind: 'changed', location: at('figures/') })
    await settled()
    expect(rowsAsked()).toBe(before)
    fake.stores.a?.thesis?.set('data/aaa.csv', { size: 1, modified: 0, storageClass: null })
    fake.tell({ kind: 'changed', location: at('data/') })
    await settled()
    expect(indexOf('aaa.csv')).toBeGreaterThan(-1)
  })

  test.each(['', 'data/', 'data/2024/deeper/'])('a job in %j concerns data/2024/', async (prefix) => {
    await open(at('data/2024/'))
    fake.stores.a?.thesis?.set('data/2024/new.nc', { size: 1, modified: 0, storageClass: null })
    fake.tell({ kind: 'changed', location: at(prefix) })
    await settled()
    expect(indexOf('new.nc')).toBeGreaterThan(-1)
  })

  test('changes that come while it lists are not lost', async () => {
    await open(at('data/'))
    void folder.refresh()
    void folder.refresh()
    void folder.refresh()
    await settled()
    expect(fake.calls.filter((c) => c.name === 'refresh_listing')).toHaveLength(2)
    expect(folder.refreshing).toBe(false)
  })

  test('that fails leaves the rows, and says why', async () => {
    await world({
      handlers: {
        refresh_listing: () => {
          throw problem('store.unreachable', 'No answer.', '', { retry: true })
        },
      },
    })
    await open(at('data/'))
    await folder.refresh()
    expect(folder.problem?.code).toBe('store.unreachable')
    expect(folder.total).toBe(243)
    expect(folder.refreshing).toBe(false)
  })

  test('when everything went, nothing is selected', async () => {
    await open(at('figures/'))
    folder.chooseAll()
    for (const key of ['figures/figure-1.png', 'figures/figure-2.png']) fake.stores.a?.thesis?.delete(key)
    await folder.refresh()
    await settled()
    expect(folder.total).toBe(0)
    expect(select.count(folder.chosen)).toBe(0)
  })
})

test('coming up, the cursor stands on the folder one came from', async () => {
  await open(at(''), 'figures/')
  expect(folder.current?.name).toBe('figures')
  expect(folder.isChosen('figures/')).toBe(true)
})

test('a new folder is gone to when it appears, unless one has moved on', async () => {
  await open(at('data/'))
  fake.stores.a?.thesis?.set('data/zzz/', { size: 0, modified: 0, storageClass: null })
  folder.showWhenThere('data/zzz/')
  await settled()
  expect(folder.current?.key).toBe('data/zzz/')
  folder.showWhenThere('data/later/')
  await settled()
  folder.choose(0)
  fake.stores.a?.thesis?.set('data/later/', { size: 0, modified: 0, storageClass: null })
  await folder.refresh()
  await settled()
  expect(folder.cursor).toBe(0)
})

test('what is gone to is that row, though it was found in newer rows than those that are here', async () => {
  await open(at('data/'))
  const { find, refresh_listing } = fake.handlers
  fake.options.handlers = {
    find: (args) => {
      if (fake.stores.a?.thesis?.has('data/0/')) return find?.(args) ?? null
      fake.stores.a?.thesis?.set('data/0/', { size: 0, modified: 0, storageClass: null })
      void refresh_listing?.(args.listing)
      return find?.(args) ?? null
    },
  }
  folder.showWhenThere('data/0/')
  await settled()
  expect(folder.isChosen('data/0/') || select.count(folder.chosen) === 0).toBe(true)
  folder.changed(at('data/'))
  await settled()
  expect(folder.current?.key).toBe('data/0/')
  expect([...folder.chosen.keys.keys()]).toEqual(['data/0/'])
})

test('what is gone to far down is selected once its row has come', async () => {
  await open(at('', 'big'), 'tile_0019999.tif')
  expect(folder.current?.key).toBe('tile_0019999.tif')
  expect(folder.isChosen('tile_0019999.tif')).toBe(true)
})

test('sorting by size begins with the largest, and turns round', async () => {
  await open(at('data/'))
  folder.sortBy('size')
  await settled()
  expect([folder.look.sort, folder.look.descending]).toEqual(['size', true])
  folder.sortBy('size')
  await settled()
  expect(folder.look.descending).toBe(false)
})
