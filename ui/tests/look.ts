/** The window on a named world in memory: look.html?world=browse. For the look script and browser tests. */
import '../src/styles/tokens.css'
import '../src/styles/base.css'
import { mount } from 'svelte'
import App from '../src/App.svelte'
import { connect } from '$lib/backend'
import type { Fake } from './fake'
import { scenarios } from './scenarios'

declare global {
  interface Window {
    fake: Fake
  }
}

// Every file that adds worlds: scenarios-*.ts.
const more = import.meta.glob<{ scenarios: Record<string, () => Fake> }>('./scenarios-*.ts', { eager: true })
const worlds = Object.assign({}, scenarios, ...Object.values(more).map((m) => m.scenarios)) as typeof scenarios

const wish = new URLSearchParams(location.search)
const world = worlds[wish.get('world') ?? 'browse']
const target = document.getElementById('app')
if (!world || !target) throw new Error(`no such world; there are ${Object.keys(worlds).join(', ')}`)
window.fake = world()
const scale = wish.get('scale')
if (scale) window.fake.settings.textScale = Number(scale)
await connect(window.fake)
mount(App, { target })
