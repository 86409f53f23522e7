import http from 'node:http'
import type { AddressInfo } from 'node:net'

export type Answer = {
  text: string
  /** What it thinks before the text. */
  thoughts?: string
  /** Characters in a piece and milliseconds between pieces. */
  piece?: number
  every?: number
  /** Before the first piece. */
  first?: number
  /** Refuse with this status instead. */
  status?: number
  /** End the stream without a finish reason after the text. */
  cut?: boolean
}

/** A model server that speaks the OpenAI wire and says what a test told it to say. */
export class Model {
  private answers = new Map<string, Answer>()
  readonly asked: string[] = []
  /** Which model each question was for. */
  readonly names: string[] = []

  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<Model> {
    const server = http.createServer()
    const model = new Model(server)
    server.on('request', (req, res) => void model.serve(req, res))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return model
  }

  get url() {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`
  }

  /** What questions that contain `question` are answered with. */
  will(question: string, answer: Answer) {
    this.answers.set(question, answer)
  }

  async stop() {
    this.server.closeAllConnections()
    await new Promise((done) => this.server.close(done))
  }

  private async serve(req: http.IncomingMessage, res: http.ServerResponse) {
    let body = ''
    for await (const chunk of req) body += chunk
    const { messages, model } = JSON.parse(body) as { model: string; messages: { role: string; content: string }[] }
    const question = messages.at(-1)?.content ?? ''
    this.asked.push(question)
    this.names.push(model)
    const known = [...this.answers].findLast(([q]) => question.includes(q))?.[1]
    const a = known ?? { text: `Resposta a: ${question}` }
    if (a.status) {
      res.writeHead(a.status, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ error: { message: 'refused by the test', type: 'test' } }))
      return
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const say = (delta: object, finish: string | null = null) =>
      res.write(
        `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'modelo', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
      )
    say({ role: 'assistant', content: '' })
    await pause(a.first ?? 0)
    const letters = [...a.text]
    const size = a.piece ?? 12
    const piecemeal = async (name: string, letters: string[]) => {
      for (let i = 0; i < letters.length && !res.destroyed; i += size) {
        say({ [name]: letters.slice(i, i + size).join('') })
        await pause(a.every ?? 10)
      }
    }
    await piecemeal('reasoning_content', [...(a.thoughts ?? '')])
    await piecemeal('content', letters)
    if (res.destroyed) return
    if (!a.cut) {
      say({}, 'stop')
      const usage = { prompt_tokens: 10, completion_tokens: letters.length >> 2, total_tokens: 10 + (letters.length >> 2) }
      res.write(`data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'modelo', choices: [], usage })}\n\n`)
      res.write('data: [DONE]\n\n')
    }
    res.end()
  }
}

const pause = (ms: number) => (ms > 0 ? new Promise((done) => setTimeout(done, ms)) : Promise.resolve())

/** Numbered words: whatever is missing, doubled or out of place shows. */
export const counted = (n: number, name = 'palavra') => Array.from({ length: n }, (_, i) => `${name}-${i}`).join(' ')
