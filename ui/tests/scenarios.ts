/** Named worlds to look at; a file of its own for each subject may add to them. */
import type { JobView } from '$lib/backend'
import { account, DAY, issuer, jobView, key, many, NOW, planView, thesis } from './fake-data'
import { Fake, problem } from './fake'

export const people = () => [
  account('a1', 'JASMIN — ncas-climate-o', { provider: 'jasmin', providerName: 'JASMIN Object Store', key: key({ daysLeft: 12, expires: NOW + 12 * DAY, state: 'expiring', words: 'expires in 12 days' }) }),
  account('a2', 'CloudFerro WAW3-1', {
    provider: 'cloudferro',
    providerName: 'CloudFerro',
    endpoint: 'https://s3.waw3-1.cloudferro.com',
    region: 'WAW3-1',
    key: key({ source: 'keystone' }),
    issuer: issuer({ signedIn: false }),
  }),
  account('a3', 'Old cluster', { key: key({ state: 'refused', words: 'refused by the store since yesterday' }) }),
  account('a4', 'Practice store', { provider: 'practice', providerName: 'Practice store', key: key({ source: 'practice' }) }),
]

const stores = () => ({
  a1: { 'era5-land': thesis(), thesis: thesis(), scratch: new Map() },
  a2: { 'sentinel-2-tiles': many(1_000_000), thesis: thesis() },
  a3: { archive: new Map() },
  a4: { 'my-first-bucket': thesis() },
})

const job = (id: string, change: Partial<JobView>): JobView =>
  jobView(id, {
    title: 'Upload 240 files to thesis/data/',
    account: 'a1',
    location: { account: 'a1', bucket: 'thesis', prefix: 'data/' },
    filesTotal: 240,
    filesDone: 61,
    bytesTotal: 8_400_000_000,
    bytesDone: 2_310_000_000,
    rate: 41_200_000,
    timeLeft: 148,
    current: 'station_062.csv',
    ...change,
  })

const jobs = () => [
  job('j1', {}),
  job('j2', { kind: 'download', title: 'Download 3 files from thesis/figures/', folder: '/home/ada/Downloads', filesTotal: 3, filesDone: 1, bytesTotal: 90_000_000, bytesDone: 45_000_000, rate: 3_800_000, timeLeft: 12, current: 'figure-2.png' }),
  job('j3', { title: 'Upload 12 files to era5-land/', state: 'partial', filesTotal: 12, filesDone: 10, filesFailed: 2, bytesTotal: 120_000_000, bytesDone: 100_000_000, rate: 0, timeLeft: null, current: null, ended: NOW }),
  job('j4', { kind: 'delete', title: 'Delete 4 objects from scratch/', state: 'done', filesTotal: 4, filesDone: 4, bytesTotal: 0, bytesDone: 0, rate: 0, timeLeft: null, current: null, ended: NOW }),
  job('j5', { kind: 'download', title: 'Download 1 file from archive/', state: 'failed', filesTotal: 1, filesDone: 0, bytesDone: 0, rate: 0, timeLeft: null, current: null, ended: NOW, problem: problem('store.key-refused', 'The store refused the key of “Old cluster”.', 'It may have been deleted or replaced. Make a new key, or edit the account.', { remedies: [{ kind: 'new-key', account: 'a3' }, { kind: 'edit-account', account: 'a3' }], context: [['HTTP status', '403'], ['S3 code', 'InvalidAccessKeyId'], ['request id', 'tx000001']] }) }),
]

const at = (bucket: string | null, prefix = '', accountId = 'a1') => ({ place: { account: accountId, bucket, prefix } })

export const scenarios: Record<string, () => Fake> = {
  first: () => new Fake(),
  browse: () => new Fake({ accounts: people(), stores: stores(), settings: at('thesis') }),
  folder: () => new Fake({ accounts: people(), stores: stores(), settings: at('thesis', 'data/') }),
  hostile: () => new Fake({ accounts: people(), stores: stores(), settings: at('thesis', 'hostile/') }),
  empty: () => new Fake({ accounts: people(), stores: stores(), settings: at('scratch') }),
  million: () => new Fake({ accounts: people(), stores: stores(), settings: at('sentinel-2-tiles', '', 'a2') }),
  account: () => new Fake({ accounts: people(), stores: stores(), settings: at(null) }),
  transfers: () => new Fake({ accounts: people(), stores: stores(), jobs: jobs(), settings: { ...at('thesis'), showTransfers: true, showInspector: true } }),
  conflicts: () =>
    new Fake({
      accounts: people(),
      stores: stores(),
      settings: at('thesis'),
      handlers: {
        plan: () => planView({
          title: 'Upload 1,204 files to thesis/',
          files: 1204,
          bytes: 48_213_331_004,
          folders: 14,
          same: 310,
          conflicts: 2,
          conflictExamples: [
            { item: 0, name: 'README.md', hereSize: 2_310, hereModified: NOW, thereSize: 2_148, thereModified: NOW - 3 * DAY },
            { item: 1, name: 'chapter 2.docx', hereSize: 2_204_331, hereModified: NOW, thereSize: 2_104_331, thereModified: NOW - DAY },
          ],
          notes: [
            { name: 'data/con.', words: 'saved as “con_.”: this name cannot be had on Windows', leftOut: false },
            { name: 'data/link-to-nowhere', words: 'a symbolic link that points out of the folder', leftOut: true },
          ],
          notesTotal: 2,
          examples: ['README.md', 'chapter 2.docx', 'data/station_001.csv'],
          clean: false,
        }),
      },
    }),
  blocked: () =>
    new Fake({
      accounts: people(),
      stores: stores(),
      settings: at('thesis'),
      handlers: {
        plan: () => planView({ kind: 'download', title: 'Download 3 objects to /media/stick', bytes: 48_213_331_004, clean: false, blocked: problem('transfer.disk-full', 'There is not enough room in /media/stick: 48.2 GB are needed, 12.1 GB are free.', 'Choose another folder, or make room.', { remedies: [{ kind: 'choose-folder' }] }) }),
      },
    }),
  planning: () => {
    const fake: Fake = new Fake({
      accounts: people(),
      stores: stores(),
      settings: at('thesis'),
      handlers: {
        plan: ({ ticket }) => {
          setTimeout(() => fake.tell({ kind: 'planning', ticket, files: 12_431, bytes: 88_000_000_000 }), 350)
          return new Promise(() => undefined)
        },
      },
    })
    return fake
  },
  /** What is dragged out stays on its way until a test says that it has come. */
  staging: () => {
    const fake = new Fake({ accounts: people(), stores: stores(), settings: at('thesis') })
    fake.handlers.run_plan = () => job('stage-1', { kind: 'stage', title: 'Fetch 1 object', filesTotal: 1, filesDone: 0, bytesTotal: 1000, bytesDone: 420 })
    return fake
  },
  listing: () => {
    const location = { account: 'a1', bucket: 'thesis', prefix: '' }
    const rows = Array.from({ length: 300 }, (_, i) => ({ kind: 'object' as const, key: `k${i}`, name: `k${i}`, size: i, modified: NOW, storageClass: null }))
    return new Fake({
      accounts: people(),
      stores: stores(),
      settings: at('thesis'),
      handlers: {
        open_listing: () => ({ id: 'l1', location, folders: 12, objects: 11_988, bytes: 99_000_000, complete: false, generation: 3, problem: null }),
        rows: ({ from, count }) => ({ total: 12_000, from, rows: rows.slice(from, from + count), generation: 3 }),
        find: () => null,
      },
    })
  },
  broken: () =>
    new Fake({
      accounts: people(),
      stores: stores(),
      settings: at('thesis'),
      handlers: {
        plan: () => {
          throw problem('store.unreachable', 'The store at s3.example.org does not answer.', 'Check the network, then try again.', { retry: true, context: [['address', 'https://s3.example.org']] })
        },
      },
    }),
  denied: () =>
    new Fake({
      accounts: people(),
      stores: stores(),
      settings: at('archive', '', 'a3'),
      handlers: {
        buckets: () => ({ buckets: [{ name: 'archive', created: null, byName: true }], denied: problem('store.no-list', 'This key may not list buckets.', 'Open a bucket by its name.', { remedies: [{ kind: 'open-by-name', account: 'a3' }] }) }),
        open_listing: () => {
          throw problem('store.key-refused', 'The store does not know this key any more.', 'It may have been deleted at its portal. Make a new key, or type in another one.', { remedies: [{ kind: 'new-key', account: 'a3' }, { kind: 'edit-account', account: 'a3' }], context: [['HTTP status', '403'], ['S3 code', 'InvalidAccessKeyId'], ['request id', 'tx00000a1b2c3']] })
        },
      },
    }),
}
