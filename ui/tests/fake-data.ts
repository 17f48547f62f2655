/** What the in-memory backend knows: accounts, buckets and objects made from fixed numbers. */
import type { AccountView, IssuerView, JobView, KeyView, PlanView, PortalOptions, ProviderView, TransferSettings } from '$lib/backend'

/** Tests compare words such as "3 days ago": the clock of the fake stands still. */
export const NOW = Date.UTC(2026, 2, 14, 12, 0, 0)
export const DAY = 86_400_000

export interface StoredObject {
  size: number
  modified: number
  storageClass: string | null
}

export function key(change: Partial<KeyView> = {}): KeyView {
  return {
    accessKeyId: '7f3c9a1be0d24b5f8a61c0de11a2b3c4',
    created: NOW - 30 * DAY,
    expires: null,
    daysLeft: null,
    state: 'fine',
    words: 'works; does not expire',
    source: 'typed',
    lastUsed: null,
    lent: false,
    renewedAlone: false,
    ...change,
  }
}

export const TRANSFERS: TransferSettings = {
  uploadLimit: null,
  downloadLimit: null,
  schedule: [],
  parallelFiles: null,
  jobsAtOnce: 2,
  keepAwake: true,
  notify: true,
  goOnAtStart: true,
  receiptSha256: false,
}

/** A job that runs; what a test is about is in `change`. */
export function jobView(id: string, change: Partial<JobView> = {}): JobView {
  return {
    id,
    kind: 'upload',
    title: id,
    account: 'a',
    location: { account: 'a', bucket: 'thesis', prefix: '' },
    to: null,
    folder: null,
    state: 'running',
    takenUp: false,
    proven: null,
    undo: false,
    receipts: false,
    filesTotal: 1,
    filesDone: 0,
    filesFailed: 0,
    filesSkipped: 0,
    bytesTotal: 10,
    bytesDone: 0,
    rate: 0,
    timeLeft: null,
    current: null,
    problem: null,
    started: NOW,
    ended: null,
    ...change,
  }
}

/** A plan that may run as it is. */
export function planView(change: Partial<PlanView> = {}): PlanView {
  return {
    id: 'p1',
    kind: 'upload',
    title: 'Upload 3 files to thesis/',
    files: 3,
    bytes: 30,
    folders: 0,
    same: 0,
    conflicts: 0,
    conflictExamples: [],
    notes: [],
    notesTotal: 0,
    examples: [],
    deletes: 0,
    kept: 0,
    deleteExamples: [],
    room: null,
    elsewhere: false,
    blocked: null,
    clean: true,
    ...change,
  }
}

export const NO_OPTIONS: PortalOptions = { oidcIssuer: '', clientId: '', scopes: '', identityProvider: '', protocol: '', roleArn: '', sessionName: '', duration: null }

export function issuer(change: Partial<IssuerView> = {}): IssuerView {
  return {
    kind: 'keystone',
    url: 'https://keystone.cloudferro.com:5000',
    user: 'ada',
    domain: 'Default',
    scopeId: 'p1',
    scopeName: 'glaciers',
    region: 'WAW3-1',
    options: NO_OPTIONS,
    signedIn: true,
    ...change,
  }
}

export function account(id: string, name: string, change: Partial<AccountView> = {}): AccountView {
  return {
    id,
    name,
    provider: 'generic',
    providerName: 'Other S3',
    endpoint: 'https://s3.example.org',
    region: 'us-east-1',
    signing: 'v4',
    addressing: 'path',
    caFile: null,
    proxy: null,
    key: key(),
    issuer: null,
    openedBuckets: [],
    ...change,
  }
}

const provider = (id: string, name: string, description: string, change: Partial<ProviderView> = {}): ProviderView => ({
  id,
  name,
  description,
  fields: [],
  endpoints: [{ label: name, url: '', region: 'us-east-1', issuerUrl: null }],
  signing: 'v4',
  addressing: 'path',
  keySources: ['typed'],
  issuerOptions: NO_OPTIONS,
  keyPerRegion: false,
  helpUrl: 'https://docs.example.org/s3',
  keyHint: 'The access key id and secret your provider gave you.',
  ...change,
})

const place = (label: string, url: string, region = 'us-east-1', issuerUrl: string | null = null) => ({ label, url, region, issuerUrl })
const PORTAL = 'https://s3-portal.jasmin.ac.uk'
const STS: ProviderView['keySources'] = ['sts-web-identity', 'sts-ldap', 'sts-assume-role']

export const providers: ProviderView[] = [
  provider('jasmin', 'JASMIN', 'The UK’s data analysis facility for environmental science: one store per tenancy.', {
    fields: [{ name: 'tenancy', label: 'Tenancy', placeholder: 'my-gws-o', hint: 'The name your group’s object store has in the portal.' }],
    endpoints: [
      place('From anywhere', 'https://{tenancy}.s3-ext.jc.rl.ac.uk', 'us-east-1', PORTAL),
      place('Inside JASMIN', 'http://{tenancy}.s3.jc.rl.ac.uk', 'us-east-1', PORTAL),
    ],
    keySources: ['jasmin-portal', 'swarm', 'typed'],
  }),
  provider('cloudferro', 'CloudFerro', 'WAW3-1, WAW3-2, FRA1-2 and the other regions', {
    endpoints: [
      place('WAW3-1', 'https://s3.waw3-1.cloudferro.com', 'WAW3-1', 'https://keystone.cloudferro.com:5000'),
      place('WAW3-2', 'https://s3.waw3-2.cloudferro.com', 'default', 'https://keystone.cloudferro.com:5000'),
    ],
    keySources: ['keystone', 'typed'],
    keyPerRegion: true,
  }),
  provider('eumetsat', 'EUMETSAT European Weather Cloud (ECIS)', 'EUMETSAT’s cloud for weather and climate science: one store in each of its two regions.', {
    endpoints: [
      place('R1', 'https://s3.r1.cloud.eumetsat.int', 'RegionOne', 'https://keystone.api.r1.cloud.eumetsat.int/v3'),
      place('R2', 'https://s3.r2.cloud.eumetsat.int', 'RegionOne', 'https://keystone.api.r2.cloud.eumetsat.int/v3'),
    ],
    keySources: ['keystone', 'typed'],
    keyPerRegion: true,
  }),
  provider('copernicus', 'Copernicus Data Space (EODATA)', 'Sentinel and other Earth observation data of the Copernicus programme, to read: bucket “eodata”.', {
    endpoints: [place('EODATA', 'https://eodata.dataspace.copernicus.eu', 'default', 'https://s3-keys-manager.cloudferro.com')],
    keySources: ['s3-keys-manager', 'typed'],
    issuerOptions: { ...NO_OPTIONS, oidcIssuer: 'https://identity.dataspace.copernicus.eu/auth/realms/CDSE', clientId: 'cdse-public' },
  }),
  provider('cray-csm', 'HPE Cray CSM', 'The store of an HPE Cray supercomputer: keys that last one hour.', { keySources: ['cray-sts', 'typed'] }),
  provider('openstack', 'OpenStack cloud', 'Any cloud with Keystone: sign in and have a key made', { keySources: ['keystone', 'typed'] }),
  provider('ceph', 'Ceph RGW', 'A Ceph object gateway', { keySources: [...STS, 'typed'] }),
  provider('minio', 'MinIO', 'A MinIO server', { keySources: [...STS, 'typed'] }),
  provider('aws', 'Amazon S3', 'AWS, all regions', { addressing: 'virtual-host' }),
  provider('generic', 'Other S3', 'Anything else that speaks S3', { keySources: [...STS, 'typed'] }),
  provider('practice', 'Practice store', 'A real S3 server inside Wherry, to try things out', { keySources: ['practice'] }),
]

function put(into: Map<string, StoredObject>, name: string, size: number, daysAgo: number, storageClass: string | null = 'STANDARD') {
  into.set(name, { size, modified: NOW - daysAgo * DAY, storageClass })
}

export function thesis(): Map<string, StoredObject> {
  const objects = new Map<string, StoredObject>()
  put(objects, 'README.md', 2_148, 3)
  put(objects, 'a', 12, 100)
  put(objects, 'a/inside.txt', 7, 100)
  put(objects, 'data/', 0, 40)
  put(objects, 'data/2024/t2m_2024.nc', 4_812_009_331, 12, 'STANDARD_IA')
  put(objects, 'data/2025/t2m_2025.nc', 5_001_223_017, 2)
  for (let i = 1; i <= 240; i++) {
    const size = ((i * 7919) % 90_000) * 1024 + i
    put(objects, `data/station_${String(i).padStart(3, '0')}.csv`, size, i % 60, i % 9 ? 'STANDARD' : 'GLACIER')
  }
  put(objects, 'figures/figure-1.png', 284_112, 8)
  put(objects, 'figures/figure-2.png', 1_284_112, 8)
  put(objects, 'chapter 1 — introduction.docx', 1_804_331, 1)
  put(objects, 'chapter 2.docx', 2_104_331, 0.2)
  put(objects, 'a very long name that somebody gave to a file because the instrument writes everything it knows into it, station-0042-run-17-calibrated-v3-final-FINAL.nc', 88_104_331, 60)
  put(objects, 'hostile/<img src=x onerror=alert(1)>.txt', 3, 1)
  put(objects, 'hostile/evil\u202Egnp.exe', 3, 1)
  put(objects, 'hostile/line\nbreak.txt', 3, 1)
  put(objects, 'hostile/\u0645\u0631\u062D\u0628\u0627.txt', 3, 1)
  put(objects, 'hostile/🐋 whale.txt', 3, 1)
  put(objects, 'hostile/../../x', 3, 1)
  return objects
}

export function many(count: number): Map<string, StoredObject> {
  const objects = new Map<string, StoredObject>()
  for (let i = 0; i < count; i++) put(objects, `tile_${String(i).padStart(7, '0')}.tif`, (i * 104_729) % 9_000_000, i % 700)
  return objects
}
