/** What axe finds on a page, in words. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Colours fade from one to the other; half-way ones have no contrast to speak of. */
export const settled = (page) => page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running'))

export async function findings(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source)
  return page.evaluate(async () => {
    // A modal dialog hides the rest; axe does not know that what lies under its shade is not read.
    const front = document.querySelector('[role=menu]') ?? document.querySelector('[role=dialog]') ?? document
    const { violations } = await window.axe.run(front, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules: { region: { enabled: false }, 'page-has-heading-one': { enabled: false } } })
    return violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => `${n.target} ${n.failureSummary.split('\n').slice(1, 3).join(' ')}`).join('\n    ')}`)
  })
}

/** Buttons outside of what scrolls that cannot be pressed, and a page that is larger than its window. */
export function outside(page) {
  return page.evaluate(() => {
    const found = [...(document.querySelector('[role=dialog]') ?? document).querySelectorAll('button')]
      .filter((b) => b.checkVisibility() && !b.closest('[role=grid], ul, .scroll, .body'))
      .map((b) => [b.textContent.trim() || b.ariaLabel, b.getBoundingClientRect()])
      .filter(([, r]) => r.width > 1 && (r.left < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1))
      .map(([words]) => words)
    const wide = [...document.querySelectorAll('[role=dialog] .body')].filter((body) => body.scrollWidth > body.clientWidth + 1)
    const page = document.documentElement
    if (page.scrollWidth > innerWidth || page.scrollHeight > innerHeight) found.push('the page')
    if (wide.length) found.push('the dialog’s body, sideways')
    return found
  })
}
