/** The real servers beside the window: what the test bed says of them, and independent looks into them. */
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The program that starts and stops real servers, keychains and screens. */
export const TESTBED = fileURLToPath(new URL('../../testbed/testbed', import.meta.url))
const OBJECTS = fileURLToPath(new URL('objects.py', import.meta.url))

export const bed = process.env.WHERRY_TESTBED ? JSON.parse(readFileSync(process.env.WHERRY_TESTBED, 'utf8')) : null

/** Asks a store through boto3; the secret goes by standard input, as it should. */
async function ask(key, action, parameters = {}) {
  const client = spawn(bed.python, [OBJECTS], { stdio: ['pipe', 'pipe', 'inherit'] })
  client.stdin.end(JSON.stringify({ ...key, action, with: parameters }))
  const said = JSON.parse(await text(client.stdout))
  if (said.refused) throw new Error(`${action}: ${said.refused}`)
  return said.answer
}

/** An independent look at a store, with a key of its own. */
export class Store {
  constructor({ endpoint, accessKey, secretKey, sessionToken = null }) {
    this.key = { endpoint, accessKey, secretKey, sessionToken }
  }

  buckets = () => ask(this.key, 'buckets')
  keys = (bucket) => ask(this.key, 'keys', { bucket })
  share = (bucket) => ask(this.key, 'share', { bucket })
  size = (bucket, key) => ask(this.key, 'size', { bucket, key })
  leaveUnfinished = (bucket, key, part) => ask(this.key, 'leave_unfinished', { bucket, key, part })
  unfinished = (bucket) => ask(this.key, 'unfinished', { bucket })
  fill = (bucket, count, size) => ask(this.key, 'fill', { bucket, count, size })

  make(bucket, objects = {}) {
    const encoded = Object.entries(objects).map(([key, content]) => [key, Buffer.from(content).toString('base64')])
    return ask(this.key, 'make', { bucket, objects: Object.fromEntries(encoded) })
  }

  /** Keys and contents. */
  async read(bucket) {
    const found = await ask(this.key, 'read', { bucket })
    return Object.fromEntries(Object.entries(found).map(([key, content]) => [key, Buffer.from(content, 'base64')]))
  }
}

/** The gateway's own user, who owns what the tests put there beforehand. */
export function gateway() {
  const { endpoint, user } = bed.rgw
  return new Store({ endpoint, accessKey: user.access_key, secretKey: user.secret_key })
}

/** The gateway forgets what Keystone told it, as it does by itself after five minutes. */
export async function restartGateway() {
  await run(TESTBED, ['rgw', 'restart', bed.dir])
}

/** The keys that Keystone itself lists for somebody in a project. */
export async function keystoneKeys({ name, password, id }, project) {
  const { url } = bed.keystone
  const user = { name, password, domain: { name: bed.keystone.domain } }
  const identity = { methods: ['password'], password: { user } }
  const scope = { project: { name: project, domain: { name: bed.keystone.domain } } }
  const signedIn = await fetch(`${url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity, scope } }),
  })
  const token = signedIn.headers.get('x-subject-token')
  const listed = await fetch(`${url}/users/${id}/credentials/OS-EC2`, { headers: { 'x-auth-token': token } })
  return (await listed.json()).credentials.map((credential) => credential.access)
}

/** What the keychain has for an account, by another program; null when it has nothing. */
export async function secretTool(account) {
  try {
    const { stdout } = await run('secret-tool', ['lookup', 'service', 'Wherry', 'username', account])
    return stdout.trimEnd()
  } catch {
    return null
  }
}
