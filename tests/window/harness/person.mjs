/**
 * Somebody at a browser, as far as the test bed's OpenID Connect provider needs one: goes where they are
 * sent, keeps cookies, fills in forms.
 */
export class Person {
  #answers
  #cookies = new Map()

  /** `code`: what another device shows, where the page asks for that. */
  constructor({ name, password, code }) {
    this.#answers = { username: name, password, user_code: code }
  }

  /** Opens a page and does what the pages ask for until one asks for nothing; returns that one. */
  async open(address) {
    let page = await this.#go('GET', address)
    for (let pages = 0; pages < 20; pages++) {
      const form = /<form[\s\S]*?<\/form>/.exec(page.text)?.[0]
      if (!form) return page
      const action = attribute(/<form[^>]*>/.exec(form)[0], 'action')
      page = await this.#go('POST', new URL(action ?? page.url, page.url), this.#fillIn(form))
    }
    throw new Error(`the pages do not end: ${page.text}`)
  }

  #fillIn(form) {
    const filled = new URLSearchParams()
    for (const [input] of form.matchAll(/<input[^>]*>/g)) {
      const name = attribute(input, 'name')
      const typed = this.#answers[name]
      if (name) filled.append(name, typed ?? attribute(input, 'value') ?? '')
    }
    const deed = /value="(login|allow)"/.exec(form)
    if (deed) filled.append('do', deed[1])
    return filled
  }

  async #go(method, address, body) {
    let url = new URL(address)
    for (let hops = 0; hops < 20; hops++) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await fetch(url, { method, body, redirect: 'manual', headers: cookie ? { cookie } : {} })
      for (const set of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)
        if (value) this.#cookies.set(name, value)
        else this.#cookies.delete(name)
      }
      const to = answer.headers.get('location')
      if (!to) return { url, status: answer.status, text: await answer.text() }
      await answer.body?.cancel()
      url = new URL(to, url)
      method = 'GET'
      body = undefined
    }
    throw new Error(`sent in circles at ${url}`)
  }
}

function attribute(tag, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
  return value?.replaceAll('&amp;', '&')
}
