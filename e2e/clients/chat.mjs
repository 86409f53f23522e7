// Talks to the OpenAI-compatible endpoint with OpenAI's own client and prints what it got as one JSON object.
// Environment: BASE_URL, API_KEY, SPENT_KEY (of a person whose quota is used up).
import OpenAI, { APIError } from 'openai'

const client = (apiKey) => new OpenAI({ apiKey, baseURL: process.env.BASE_URL, maxRetries: 1 })
const hub = client(process.env.API_KEY)
const out = {}

out.models = (await hub.models.list()).data.map((m) => m.id)

const whole = await hub.chat.completions.create({
  model: 'default',
  temperature: 0.3,
  messages: [
    { role: 'system', content: 'Seja breve.' },
    { role: 'user', content: 'Olá' },
    { role: 'assistant', content: 'Oi!' },
    { role: 'user', content: 'E agora? [[label=npm-whole tokens=12]]' },
  ],
})
out.whole = { text: whole.choices[0].message.content, finish: whole.choices[0].finish_reason, usage: whole.usage }

const stream = await hub.chat.completions.create({
  model: 'default',
  stream: true,
  stream_options: { include_usage: true },
  messages: [{ role: 'user', content: [{ type: 'text', text: '[[label=npm-stream tokens=30 every=5ms]]' }] }],
})
out.stream = { text: '', chunks: 0, finish: '', usage: null }
for await (const chunk of stream) {
  out.stream.chunks++
  out.stream.text += chunk.choices[0]?.delta?.content ?? ''
  out.stream.finish ||= chunk.choices[0]?.finish_reason ?? ''
  out.stream.usage ??= chunk.usage ?? null
}

const failure = async (promise) => {
  try {
    await promise
    return null
  } catch (e) {
    if (!(e instanceof APIError)) throw e
    return { status: e.status ?? 0, code: e.code, type: e.type, retryAfter: e.headers?.get('retry-after') ?? '' }
  }
}
const ask = (c, content) => c.chat.completions.create({ model: 'default', messages: [{ role: 'user', content }] })
out.quota = await failure(ask(client(process.env.SPENT_KEY), 'x'))
out.key = await failure(ask(client('ak_alfa_nonsense'), 'x'))
out.unknown = await failure(hub.chat.completions.create({ model: 'gpt-9', messages: [{ role: 'user', content: 'x' }] }))
out.cut = await failure(
  (async () => {
    const cut = await hub.chat.completions.create({ model: 'default', stream: true, messages: [{ role: 'user', content: '[[label=npm-cut tokens=20 fault=cut at=5]]' }] })
    for await (const _ of cut);
  })(),
)
console.log(JSON.stringify(out))
