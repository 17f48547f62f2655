/**
 * Every kind of portal in words: what it is called, how one signs in, and which fields that takes.
 *
 * The forms are drawn from this table. What a portal can do with keys is not here: Rust says that,
 * for the session one has (`KeyRules` and the reasons beside it).
 */
import type { IssuerView, KeySource, PortalOptions, ProviderView } from '../backend'

export type PortalKind = Exclude<KeySource, 'typed' | 'practice'>

/** Nothing to tell a portal beside its address. */
export const NO_OPTIONS: PortalOptions = {
  oidcIssuer: '',
  clientId: '',
  scopes: '',
  identityProvider: '',
  protocol: '',
  roleArn: '',
  sessionName: '',
  duration: null,
}

export type Way = 'password' | 'application-credential' | 'file' | 'sso' | 'hosted' | 'access-key'

/** How one goes through a single sign-on. */
export type Through = 'browser' | 'device-code' | 'password'

export type OptionName = keyof PortalOptions

export type FieldName =
  | OptionName
  | 'user'
  | 'domain'
  | 'password'
  | 'totp'
  | 'credentialId'
  | 'credentialSecret'
  | 'accessKeyId'
  | 'secret'
  | 'sessionToken'
  | 'clientSecret'
  | 'scopePassword'

export interface FieldWords {
  label: string
  hint?: string
  placeholder?: string
  /** What is said when it is empty and may not be. */
  missing?: string
  kind?: 'password' | 'code' | 'address' | 'number'
  mono?: boolean
  /** Two that stand beside each other where there is room. */
  pair?: boolean
}

const FIELDS: Record<FieldName, FieldWords> = {
  user: { label: 'User name', missing: 'The user name is missing.', pair: true },
  domain: { label: 'Domain', hint: '“Default”, unless your cloud says otherwise.', pair: true },
  password: { label: 'Password', kind: 'password', missing: 'The password is missing.', hint: 'Used to sign in, then forgotten.', pair: true },
  totp: { label: 'One-time code', kind: 'code', hint: 'If you sign in with a second factor.', pair: true },
  credentialId: { label: 'Id', mono: true, missing: 'The id is missing.' },
  credentialSecret: { label: 'Secret of the credential', kind: 'password', missing: 'The secret is missing.' },
  accessKeyId: { label: 'Access key id', mono: true, missing: 'The access key id is missing.', hint: 'Of the lasting key that may take on the role.' },
  secret: { label: 'Secret', kind: 'password', missing: 'The secret is missing.' },
  sessionToken: { label: 'Session token', kind: 'password', hint: 'Only keys that are lent themselves have one.' },
  oidcIssuer: {
    label: 'Sign-in service',
    kind: 'address',
    placeholder: 'https://login.example.org/realms/science',
    missing: 'The address of the sign-in service is missing.',
    hint: 'Where you sign in: its OpenID Connect issuer, as your site’s documentation gives it.',
  },
  clientId: { label: 'Client id', mono: true, missing: 'The client id is missing.', hint: 'The name under which the sign-in service knows such programs.' },
  clientSecret: { label: 'Client secret', kind: 'password', hint: 'Only for clients that have one.' },
  scopes: { label: 'Scopes', mono: true, placeholder: 'openid profile', hint: 'What to ask the sign-in service for, separated by spaces.' },
  identityProvider: { label: 'Identity provider', mono: true, missing: 'The identity provider is missing.', hint: 'Its name in Keystone: OS_IDENTITY_PROVIDER.', pair: true },
  protocol: { label: 'Protocol', mono: true, placeholder: 'openid', hint: 'Its name in Keystone: OS_PROTOCOL.', pair: true },
  roleArn: { label: 'Role', mono: true, placeholder: 'arn:aws:iam:::role/researcher', hint: 'The ARN of the role to take on.', missing: 'The role is missing.' },
  sessionName: { label: 'Session name', hint: 'Shown in the store’s own log. Empty: “wherry”.' },
  duration: { label: 'Seconds a key is lent for', kind: 'number', placeholder: '3600', hint: 'Empty: as the store usually does.' },
  scopePassword: { label: 'Password', kind: 'password', missing: 'The password is missing.' },
}

export interface WayIn {
  way: Way
  /** On its tab. */
  label: string
  /** Must be filled in, or are worth a look. */
  fields: FieldName[]
  /** Of those, the ones that may stay empty. */
  optional?: FieldName[]
  /** Few people need these: behind “More settings”. */
  more?: FieldName[]
  through?: Through[]
  /** Sentences over the fields. */
  about?: string
  /** On the button, where it is not “Sign in”. */
  action?: string
  /** A field in other words than everywhere. */
  words?: Partial<Record<FieldName, Partial<FieldWords>>>
}

export interface Portal {
  kind: PortalKind
  /** In a sentence: “Wherry signs in to …”. */
  name: string
  /** The card among the ways to a key. */
  card: { title: string; words: string }
  /** A sentence under the title of the sign-in. */
  description: string
  address: { label: string; placeholder: string; hint: string; usual?: string; /** Seldom typed. */ tucked?: boolean }
  /** What keys are for there. */
  scope: { label: string; one: string; hint: string; none: string }
  /** STS: keys that are lent by the store itself. */
  sts?: boolean
  ways: WayIn[]
}

const NO_SCOPE = { label: 'What the key is for', one: 'account', hint: '', none: 'You may not make keys there. Ask whoever runs it.' }

const SSO: WayIn = {
  way: 'sso',
  label: 'In your browser',
  fields: ['oidcIssuer', 'clientId'],
  more: ['clientSecret', 'scopes'],
  through: ['browser', 'device-code'],
}

/** Where one signs in follows from the portal itself. */
const KNOWN_SSO: WayIn = { ...SSO, fields: [], more: ['oidcIssuer', 'clientId', 'clientSecret', 'scopes'] }

/** Cray systems have a Keycloak of their own, at a usual address. */
const KEYCLOAK: WayIn['words'] = {
  oidcIssuer: { placeholder: 'https://auth.cmn.system.example.org/keycloak/realms/shasta', hint: 'The system’s Keycloak realm. Empty: as it usually is.' },
  clientId: { placeholder: 'shasta' },
}

/** Ceph wants a role with every such token; MinIO where it is set up so. */
const MAYBE_ROLE: WayIn['words'] = { roleArn: { hint: 'Ceph wants the ARN of a role. MinIO does without, unless it was set up with one.' } }

const STORE_ADDRESS = {
  label: 'Address of the store',
  placeholder: 'https://s3.example.org',
  hint: 'Its S3 endpoint, which lends the keys as well.',
}
const LENT = 'The key lasts for an hour or so; Wherry gets a new one by itself.'

const PORTALS: Record<PortalKind, Portal> = {
  keystone: {
    kind: 'keystone',
    name: 'Keystone',
    card: {
      title: 'Sign in and have a key made',
      words: 'With your user name, single sign-on, an application credential, or a clouds.yaml or openrc file. Wherry makes the key, keeps its secret safe, and can make a new one later.',
    },
    description: 'Wherry signs in to Keystone and makes an S3 key for you.',
    address: {
      label: 'Address of Keystone',
      placeholder: 'https://keystone.example.org:5000',
      hint: 'Your cloud’s documentation calls it auth URL or OS_AUTH_URL.',
    },
    scope: {
      label: 'Project',
      one: 'project',
      hint: 'The buckets you will see are those of this project.',
      none: 'You are in no project of this cloud, and a key always belongs to one. Ask your project’s leader to add you.',
    },
    ways: [
      { way: 'password', label: 'Password', fields: ['user', 'domain', 'password', 'totp'], optional: ['domain', 'totp'] },
      {
        way: 'application-credential',
        label: 'Application credential',
        fields: ['credentialId', 'credentialSecret'],
        about: 'Many clouds let an application credential look at S3 keys but not make one. If yours refuses, sign in with your password.',
      },
      { way: 'file', label: 'clouds.yaml', fields: [] },
      {
        ...SSO,
        label: 'Single sign-on',
        fields: ['oidcIssuer', 'clientId', 'identityProvider', 'protocol'],
        optional: ['protocol'],
        through: ['browser', 'device-code', 'password'],
      },
    ],
  },
  'jasmin-portal': {
    kind: 'jasmin-portal',
    name: 'the JASMIN Object Store Portal',
    card: {
      title: 'Sign in to the Object Store Portal',
      words: 'On JASMIN’s own page, in a window of its own. Then choose your tenancy, and Wherry makes the key there.',
    },
    description: 'On the portal’s own pages: Wherry does not see what you type there.',
    address: {
      label: 'Address of the portal',
      placeholder: 'https://s3-portal.jasmin.ac.uk',
      hint: 'The JASMIN Object Store Portal.',
      usual: 'https://s3-portal.jasmin.ac.uk',
      tucked: true,
    },
    scope: {
      label: 'Tenancy',
      one: 'tenancy',
      hint: 'Your group’s part of the object store. Its buckets are the ones you will see.',
      none: 'You are in no tenancy of the object store. Apply for access to one on the JASMIN accounts portal.',
    },
    ways: [
      {
        way: 'hosted',
        label: 'JASMIN sign-in',
        fields: [],
        action: 'Open the JASMIN sign-in…',
        words: {
          scopePassword: { label: 'JASMIN password', hint: 'The portal asks for it once more before it shows the keys of a tenancy. Used, then forgotten.' },
        },
      },
    ],
  },
  swarm: {
    kind: 'swarm',
    name: 'the Swarm gateway',
    card: {
      title: 'Sign in to the Swarm gateway',
      words: 'The older way, with your user name and password. It can be reached from inside JASMIN only.',
    },
    description: 'The older token portal of each tenancy. It can be reached from inside JASMIN only.',
    address: {
      label: 'Address of the gateway',
      placeholder: 'http://mygroup-o.s3.jc.rl.ac.uk:81',
      hint: 'The Swarm gateway of your tenancy, usually on port 81.',
    },
    scope: { ...NO_SCOPE, label: 'Tenancy', one: 'tenancy' },
    ways: [{ way: 'password', label: 'Password', fields: ['user', 'password'] }],
  },
  's3-keys-manager': {
    kind: 's3-keys-manager',
    name: 'the S3 Keys Manager',
    card: {
      title: 'Sign in and have a key made',
      words: 'With your user name and password, or in your browser. Wherry makes the key in the S3 Keys Manager and keeps its secret safe.',
    },
    description: 'Wherry signs in to the S3 Keys Manager and makes an S3 key for you.',
    address: {
      label: 'Address of the S3 Keys Manager',
      placeholder: 'https://s3-keys-manager.cloudferro.com',
      hint: 'The same for all Copernicus users.',
      usual: 'https://s3-keys-manager.cloudferro.com',
      tucked: true,
    },
    scope: NO_SCOPE,
    ways: [
      { way: 'password', label: 'Password', fields: ['user', 'password', 'totp'], optional: ['totp'], more: ['oidcIssuer', 'clientId', 'clientSecret'] },
      KNOWN_SSO,
    ],
  },
  'cray-sts': {
    kind: 'cray-sts',
    name: 'the system',
    card: {
      title: 'Sign in and have keys lent',
      words: 'With your user name and password on the system. A key is lent for an hour; Wherry gets a new one every hour by itself, also in the middle of a transfer.',
    },
    description: 'The system lends keys for an hour. Wherry gets a new one every hour by itself, for as long as your sign-in lasts.',
    address: {
      label: 'Address of the system',
      placeholder: 'https://api.cmn.system.example.org',
      hint: 'Its API gateway. Your administrators know it.',
    },
    scope: NO_SCOPE,
    ways: [
      { way: 'password', label: 'Password', fields: ['user', 'password', 'totp'], optional: ['totp'], more: ['oidcIssuer', 'clientId', 'clientSecret'], words: KEYCLOAK },
      { ...KNOWN_SSO, words: KEYCLOAK },
    ],
  },
  'sts-web-identity': {
    kind: 'sts-web-identity',
    name: 'the store',
    card: {
      title: 'Single sign-on',
      words: `You sign in at your institution, and the store lends a key for that (AssumeRoleWithWebIdentity). ${LENT}`,
    },
    description: LENT,
    address: STORE_ADDRESS,
    scope: NO_SCOPE,
    sts: true,
    ways: [
      { ...SSO, fields: ['oidcIssuer', 'clientId', 'roleArn'], optional: ['roleArn'], more: ['clientSecret', 'scopes', 'sessionName', 'duration'], words: MAYBE_ROLE },
      {
        way: 'password',
        label: 'Password',
        fields: ['oidcIssuer', 'clientId', 'roleArn', 'user', 'password', 'totp'],
        optional: ['roleArn', 'totp'],
        more: ['clientSecret', 'scopes', 'sessionName', 'duration'],
        about: 'Only where the sign-in service takes passwords from programs. Signing in in your browser works everywhere.',
        words: MAYBE_ROLE,
      },
    ],
  },
  'sts-ldap': {
    kind: 'sts-ldap',
    name: 'the store',
    card: {
      title: 'User name and password of your institution',
      words: `A MinIO store that knows your institution’s directory (LDAP). The key lasts for a while; then Wherry asks you to sign in again.`,
    },
    description: 'The store lends a key to people of your institution’s directory (LDAP). It lasts for a while; then Wherry asks you to sign in again.',
    address: STORE_ADDRESS,
    scope: NO_SCOPE,
    sts: true,
    ways: [{ way: 'password', label: 'Password', fields: ['user', 'password'], more: ['duration'] }],
  },
  'sts-assume-role': {
    kind: 'sts-assume-role',
    name: 'the store',
    card: {
      title: 'A key that may take on a role',
      words: `You have a lasting key, and work under a role with it (AssumeRole). ${LENT}`,
    },
    description: LENT,
    address: STORE_ADDRESS,
    scope: NO_SCOPE,
    sts: true,
    ways: [{ way: 'access-key', label: 'Access key', fields: ['accessKeyId', 'secret', 'roleArn'], more: ['sessionToken', 'sessionName', 'duration'] }],
  },
}

export function isPortal(source: KeySource): source is PortalKind {
  return source in PORTALS
}

export function portalOf(kind: PortalKind): Portal {
  return PORTALS[kind]
}

/** The portals a place's keys can come from, best first. */
export function portalsOf(place: ProviderView): PortalKind[] {
  return place.keySources.filter(isPortal)
}

export function fieldWords(way: WayIn, name: FieldName): FieldWords {
  return { ...FIELDS[name], ...way.words?.[name] }
}

export const OPTION_NAMES = Object.keys(NO_OPTIONS) as OptionName[]

export function isOption(name: FieldName): name is OptionName {
  return name in NO_OPTIONS
}

/**
 * The ways that make sense for an account that is there: its portal is told again what it was told
 * then, so a Keystone that was entered through a single sign-on is entered through that again.
 */
export function waysAgain(issuer: IssuerView & { kind: PortalKind }): WayIn[] {
  const { ways } = portalOf(issuer.kind)
  if (issuer.kind !== 'keystone') return ways
  const sso = issuer.options.oidcIssuer !== ''
  return ways.filter(({ way }) => (sso ? way !== 'password' : way !== 'sso'))
}

/** "ada in glaciers at keystone.example.org", as far as each is known. */
export function issuerLine(issuer: IssuerView, host: string): string {
  return [issuer.user, issuer.scopeName && `in ${issuer.scopeName}`, `at ${host}`].filter(Boolean).join(' ')
}
