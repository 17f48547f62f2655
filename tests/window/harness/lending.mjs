/** A gateway for one test alone, whose own token service is on: it lends keys for roles. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { bed, TESTBED } from './bed.mjs'

const run = promisify(execFile)

const MAY_ALL = { Effect: 'Allow', Action: 's3:*', Resource: 'arn:aws:s3:::*' }
const policy = (statement) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] })

/** Talks to the gateway's IAM API: `radosgw-admin` of this Ceph cannot do it. What is secret comes by standard input. */
const TRUST = `
import boto3, json, sys
told = json.load(sys.stdin)
iam = boto3.client("iam", endpoint_url=told["endpoint"], aws_access_key_id=told["id"], aws_secret_access_key=told["secret"], region_name="us-east-1")
iam.create_open_id_connect_provider(Url=told["issuer"], ClientIDList=[told["audience"]], ThumbprintList=[told["thumbprint"]])
`

export class LendingGateway {
  /** The test stops it. */
  static async start(t) {
    const gateway = new LendingGateway()
    const child = spawn(TESTBED, ['hold', '--rgw', '--sts'], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(async () => {
      const ended = once(child, 'exit')
      child.stdin.end()
      if (child.exitCode === null) await ended
    })
    const told = await gateway.#read(child)
    Object.assign(gateway, told.rgw, { dir: told.dir })
    return gateway
  }

  /** Its description, however many lines that has. */
  async #read(child) {
    let text = ''
    for await (const line of createInterface({ input: child.stdout })) {
      text += line
      try {
        return JSON.parse(text)
      } catch {
        // There is more to come.
      }
    }
    throw new Error('the gateway did not start')
  }

  #admin(...args) {
    return run('radosgw-admin', ['-c', join(this.dir, 'rgw', 'ceph.conf'), ...args])
  }

  async #role(name, trust) {
    await this.#admin('role', 'create', `--role-name=${name}`, `--assume-role-policy-doc=${policy(trust)}`)
    await this.#admin('role-policy', 'put', `--role-name=${name}`, '--policy-name=all', `--policy-doc=${policy(MAY_ALL)}`)
    return `arn:aws:iam:::role/${name}`
  }

  /** A role that the gateway's own user may take on; returns its ARN. */
  roleForItsUser(name) {
    return this.#role(name, {
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/test'] },
      Action: ['sts:AssumeRole'],
    })
  }

  /** A role for everybody whom the test bed's OpenID Connect provider vouches for; returns its ARN. */
  async roleForPeople(name) {
    const { issuer, audience, thumbprint } = bed.oidc
    const python = spawn(bed.python, ['-c', TRUST], { stdio: ['pipe', 'inherit', 'inherit'] })
    const { access_key: id, secret_key: secret } = this.user
    python.stdin.end(JSON.stringify({ endpoint: this.endpoint, id, secret, issuer, audience, thumbprint }))
    const [status] = await once(python, 'exit')
    if (status !== 0) throw new Error('the gateway does not trust the provider')
    const host = issuer.replace('http://', '')
    return this.#role(name, {
      Effect: 'Allow',
      Principal: { Federated: [`arn:aws:iam:::oidc-provider/${host}`] },
      Action: ['sts:AssumeRoleWithWebIdentity'],
      Condition: { StringEquals: { [`${host}:app_id`]: audience } },
    })
  }
}
