/** What passes between the page and the app: written down in the page itself, question by question. */

/** Begins to listen. What was said before is not heard. */
export async function listenIn(page) {
  await page.session.run(() => {
    if (window.heardOnTheWire) return
    const heard = []
    const plain = window.fetch
    window.heardOnTheWire = heard
    window.fetch = async (...asked) => {
      const [to, { body } = {}] = asked
      if (!String(to?.url ?? to).startsWith('ipc:')) return plain(...asked)
      const answer = await plain(...asked)
      const question = body instanceof Uint8Array || body instanceof ArrayBuffer ? new TextDecoder().decode(body) : String(body)
      heard.push({ question, answer: await answer.clone().text() })
      return answer
    }
  })
  return {
    /** How many questions and how many answers had this word in them. */
    async count(word) {
      return page.session.run((word) => {
        const having = (part) => window.heardOnTheWire.filter((said) => said[part].includes(word)).length
        return { questions: having('question'), answers: having('answer') }
      }, word)
    },
  }
}
