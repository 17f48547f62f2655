import { describe, expect, it } from 'vitest'
import type { ProviderView } from '../backend'
import { addressProblem, fillTemplate } from './address'
import { KeyForm, OWN_ADDRESS } from './keyform.svelte'
import { NO_OPTIONS } from './portals'

function place(over: Partial<ProviderView> = {}): ProviderView {
  return {
    id: 'other',
    name: 'Other S3 store',
    description: '',
    fields: [],
    endpoints: [{ label: 'Its address', url: '', region: 'us-east-1', issuerUrl: null }],
    signing: 'v4',
    addressing: 'path',
    keySources: ['typed'],
    issuerOptions: NO_OPTIONS,
    keyPerRegion: false,
    helpUrl: '',
    keyHint: '',
    ...over,
  }
}

const jasmin = place({
  id: 'jasmin',
  name: 'JASMIN',
  fields: [{ name: 'tenancy', label: 'Tenancy', placeholder: 'my-group-o', hint: '' }],
  endpoints: [
    { label: 'From anywhere', url: 'https://{tenancy}.s3-ext.jc.rl.ac.uk', region: 'us-east-1', issuerUrl: null },
    { label: 'Inside JASMIN', url: 'http://{tenancy}.s3.jc.rl.ac.uk', region: 'us-east-1', issuerUrl: null },
  ],
})

describe('the name', () => {
  it('follows the place until somebody types one, and never after', () => {
    const form = new KeyForm(() => [])
    form.choose(place())
    expect(form.name).toBe('Other S3 store')
    form.choose(jasmin)
    expect(form.name).toBe('JASMIN')
    form.typeName('Ice cores')
    form.choose(place())
    expect(form.name).toBe('Ice cores')
    form.typeName('')
    form.choose(jasmin)
    expect(form.name).toBe('')
    expect(form.errors().name).toMatch(/name/)
  })

  it('is one that is free', () => {
    const form = new KeyForm(() => ['jasmin', 'JASMIN 2'])
    form.choose(jasmin)
    expect(form.name).toBe('JASMIN 3')
    form.typeName('JASMIN')
    expect(form.errors().name).toMatch(/already/)
  })
})

describe('another place', () => {
  it('keeps everything that was typed', () => {
    const form = new KeyForm(() => [])
    form.choose(place())
    form.accessKeyId = 'AKIA'
    form.secret = 's3cret'
    form.endpoint = 'https://s3.example.org'
    form.proxy = 'socks5://localhost:1080'
    form.choose(jasmin)
    form.fields.tenancy = 'ice-o'
    form.choose(place())
    form.choose(jasmin)
    expect(form.toForm()).toMatchObject({
      provider: 'jasmin',
      endpointIndex: 0,
      endpoint: null,
      fields: { tenancy: 'ice-o' },
      accessKeyId: 'AKIA',
      secret: 's3cret',
      proxy: 'socks5://localhost:1080',
    })
    form.choice = OWN_ADDRESS
    expect(form.toForm()).toMatchObject({ endpointIndex: null, endpoint: 'https://s3.example.org', fields: {} })
  })
})

describe('what is missing', () => {
  it('is said field by field', () => {
    const form = new KeyForm(() => [])
    form.choose(jasmin)
    expect(form.errors()).toMatchObject({
      fields: { tenancy: expect.stringMatching(/Tenancy/) },
      accessKeyId: expect.any(String),
      secret: expect.any(String),
    })
    form.fields.tenancy = 'a/../b'
    expect(form.errors().fields?.tenancy).toMatch(/Only letters/)
    form.fields.tenancy = 'ice-o'
    form.accessKeyId = 'AK IA'
    form.secret = 'x'
    expect(form.errors()).toEqual({ accessKeyId: expect.stringMatching(/no spaces/) })
  })

  it('is no key for anonymous access', () => {
    const form = new KeyForm(() => [])
    form.choose(place())
    form.endpoint = 's3.example.org'
    form.secret = 'left from before'
    form.signing = 'anonymous'
    expect(form.errors()).toEqual({})
    expect(form.toForm()).toMatchObject({ accessKeyId: '', secret: null, signing: 'anonymous' })
  })
})

describe('the day a key ends', () => {
  it.each(['2027-02-31', '31.1.2027', 'soon', '2027-13-01'])('%s is no day', (text) => {
    const form = new KeyForm(() => [])
    form.expires = text
    expect(form.errors().expires).toMatch(/2027-01-31/)
    expect(form.expiresAt).toBeNull()
  })

  it('counts to its end', () => {
    const form = new KeyForm(() => [])
    form.expires = ' 2027-01-31 '
    expect(form.errors().expires).toBeUndefined()
    expect(form.expiresAt).toBe(new Date(2027, 0, 31, 23, 59, 59).getTime())
  })
})

describe('an account being changed', () => {
  const account = {
    id: 'a1',
    name: 'Ice cores',
    provider: 'other',
    providerName: 'Other',
    endpoint: 'https://s3.example.org/',
    region: 'eu-1',
    signing: 'v2' as const,
    addressing: 'path' as const,
    caFile: '/etc/ca.pem',
    proxy: null,
    key: {
      accessKeyId: 'AKIA',
      created: null,
      expires: new Date(2027, 0, 31, 12).getTime(),
      daysLeft: 70,
      state: 'fine' as const,
      words: '',
      source: 'typed' as const,
      lastUsed: null,
      lent: false,
      renewedAlone: false,
    },
    issuer: null,
    openedBuckets: [],
  }

  it('comes with what it is, and its secret may stay', () => {
    const form = new KeyForm(() => ['Ice cores', 'Other'], account)
    form.choose(place())
    expect(form.errors()).toEqual({})
    expect(form.toForm()).toMatchObject({
      name: 'Ice cores',
      endpoint: 'https://s3.example.org/',
      region: 'eu-1',
      signing: 'v2',
      secret: null,
      caFile: '/etc/ca.pem',
    })
    expect(form.expires).toBe('2027-01-31')
  })

  it('shows which of the place’s addresses it has', () => {
    const inside = { ...account, endpoint: 'http://ice-o.s3.jc.rl.ac.uk/' }
    const form = new KeyForm(() => [], inside)
    form.choose(jasmin)
    expect(form.choice).toBe('1')
    expect(form.fields).toEqual({ tenancy: 'ice-o' })
    expect(form.toForm()).toMatchObject({ endpointIndex: 1, endpoint: null, fields: { tenancy: 'ice-o' } })
    const elsewhere = new KeyForm(() => [], account)
    elsewhere.choose(jasmin)
    expect(elsewhere.toForm()).toMatchObject({ endpointIndex: null, endpoint: 'https://s3.example.org/' })
  })

  it('needs a secret for another access key id', () => {
    const form = new KeyForm(() => [], account)
    form.accessKeyId = 'AKIB'
    expect(form.errors().secret).toMatch(/belongs to it/)
  })
})

describe('addresses', () => {
  it.each(['https://s3.example.org', 's3.example.org:9000', 'http://localhost:8080/', 'http://[::1]:9000', 'minio'])(
    '%s may be one',
    (text) => expect(addressProblem(text)).toBeNull(),
  )

  it.each([
    ['', /missing/],
    ['https://s3 example', /no spaces/],
    ['s3://bucket/key', /path of a bucket/],
    ['ftp://example.org', /begins with/],
    ['https://me:pw@example.org', /Leave the user name/],
    ['https://', /does not read/],
  ])('%s may not: %s', (text, why) => expect(addressProblem(text)).toMatch(why))

  it('shows slots that are still empty', () => {
    expect(fillTemplate('https://{t}.x.org', {})).toBe('https://{t}.x.org')
    expect(fillTemplate('https://{t}.x.org', { t: ' ice ' })).toBe('https://ice.x.org')
  })
})
