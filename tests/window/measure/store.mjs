/** The server that is measured against: `bench/null-s3`, which keeps nothing, so that the client is what counts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import * as deeds from '../harness/deeds.mjs'

export const KEY = { id: 'AKIDBENCH', secret: 'secret-of-the-bench' }

/** Started from `programs`, the folder of the release build; `stop` ends it. */
export async function nullStore(programs) {
  const child = spawn(join(programs, 'null-s3'), { stdio: ['ignore', 'pipe', 'inherit'] })
  const [endpoint] = await once(createInterface({ input: child.stdout }), 'line')
  const stop = async () => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
  return { endpoint, stop }
}

/** Its buckets are there once somebody has asked for something in them. */
export function touch(endpoint, bucket) {
  return fetch(`${endpoint}/${bucket}/nothing`, { method: 'HEAD' })
}

export function empty(endpoint, bucket) {
  return fetch(`${endpoint}/${bucket}`, { method: 'DELETE' })
}

/** In a window that was never used: an account there, and this bucket of it open. */
export async function openAccountAt(page, endpoint, bucket) {
  await touch(endpoint, bucket)
  await deeds.addAccount(page, { name: 'Bench', endpoint, ...KEY })
  await deeds.openBucket(page, bucket)
}
