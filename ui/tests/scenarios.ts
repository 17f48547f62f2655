/** Named worlds to look at; a file of its own for each subject may add to them. */
import type { JobView } from '$lib/backend'
import { account, DAY, key, many, NOW, thesis } from './fake-data'
import { Fake, problem } from './fake'

export const people = () => [
  account('a1', 'JASMIN — ncas-climate-o', { provider: 'jasmin', providerName: 'JASMIN Object Store', key: key({ daysLeft: 12, expires: NOW + 12 * DAY, state: 'expiring', words: 'expires in 12 days' }) }),
  account('a2', 'CloudFerro WAW3-1', {
    provider: 'cloudferro',
    providerName: 'CloudFerro',
    endpoint: 'https://s3.waw3-1.cloudferro.com',
    region: 'WAW3-1',
    key: key({ source: 'keystone' }),
    issuer: { url: 'https://keystone.cloudferro.com:5000', user: 'ada', domain: 'Default', projectId: 'p1', projectName: 'glaciers', region: 'WAW3-1', signedIn: false },
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

const job = (id: string, change: Partial<JobView>): JobView => ({
  id,
  kind: 'upload',
  title: 'Upload 240 files to thesis/data/',
  account: 'a1',
  location: { account: 'a1', bucket: 'thesis', prefix: 'data/' },
  folder: null,
  state: 'running',
  filesTotal: 240,
  filesDone: 61,
  filesFailed: 0,
  filesSkipped: 0,
  bytesTotal: 8_400_000_000,
  bytesDone: 2_310_000_000,
  rate: 41_200_000,
  timeLeft: 148,
  current: 'station_062.csv',
  problem: null,
  started: NOW,
  ended: null,
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
