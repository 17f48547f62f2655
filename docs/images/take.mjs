/**
 * Takes the pictures of the README and the guide from the real pages on the real engine:
 *
 *   cargo build -p wherry-bridge -p wherry-doubles && cargo build -p wherry-practice --example serve && npm run build:bridge --prefix ui
 *   tests/testbed/testbed with --rgw --keystone --oidc -- tests/testbed/testbed keychain -- node docs/images/take.mjs [STORY…]
 *
 * The stores behind them are the test bed's and the practice store's, the portals the test bed's Keystone and
 * the doubles of `tests/doubles`; their data is made up here. All are on this computer, so the pictures name
 * hosts as they are called at a place.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Camera } from './camera.mjs'

if (!process.env.WHERRY_TESTBED) throw new Error('run this through tests/testbed/testbed with --rgw --keystone --oidc --')
const bed = JSON.parse(await readFile(process.env.WHERRY_TESTBED, 'utf8'))
const here = dirname(fileURLToPath(import.meta.url))
process.env.WHERRY_DOUBLES ??= join(here, '../../target/debug/wherry-doubles')

const { guide } = await import('./guide.mjs')
const { transfers } = await import('./transfers.mjs')
const places = await import('./places.mjs')
const stories = { guide, transfers, ...places }
const chosen = process.argv.slice(2)
for (const name of chosen) if (!stories[name]) throw new Error(`the stories are ${Object.keys(stories).join(', ')}`)

for (const [name, story] of Object.entries(stories)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const ends = []
  const camera = await Camera.start()
  try {
    await story(camera, { bed, t: { after: (end) => ends.unshift(end) } })
  } catch (error) {
    await camera.page.screenshot({ path: `/tmp/take-${name}-failed.png` })
    throw error
  } finally {
    await camera.close()
    for (const end of ends) await end()
  }
}
