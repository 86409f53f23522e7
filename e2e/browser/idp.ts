import crypto from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** An OpenID Connect provider with one page, where who comes says who they are. */
export class Provider {
  private readonly server: http.Server
  private readonly key = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
  private readonly asked = new Map<string, URLSearchParams>()
  readonly client = 'aihub'

  private constructor() {
    this.server = http.createServer((req, res) => void this.serve(req, res))
  }

  static async start(): Promise<Provider> {
    const p = new Provider()
    await new Promise<void>((done) => p.server.listen(0, '127.0.0.1', done))
    return p
  }

  stop = () => new Promise((done) => this.server.close(done))

  get issuer() {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  private async serve(req: http.IncomingMessage, res: http.ServerResponse) {
    const url = new URL(req.url ?? '/', this.issuer)
    const json = (body: unknown, status = 200) => res.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body))
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json({
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/authorize`,
          token_endpoint: `${this.issuer}/token`,
          jwks_uri: `${this.issuer}/keys`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
        })
      case '/keys':
        return json({ keys: [{ ...this.key.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] })
      case '/authorize':
        return res
          .writeHead(200, { 'content-type': 'text/html; charset=utf-8', connection: 'close' })
          .end(
            `<!doctype html><html lang="pt-BR"><title>Provedor</title><h1>Provedor de identidade</h1><form action="/enter">${[...url.searchParams]
              .map(([k, v]) => `<input type="hidden" name="${k}" value="${v}">`)
              .join('')}<label>E-mail <input name="email"></label><button>Continuar</button></form>`,
          )
      case '/enter': {
        const code = crypto.randomUUID()
        this.asked.set(code, url.searchParams)
        const back = new URL(url.searchParams.get('redirect_uri') ?? '')
        back.search = new URLSearchParams({ code, state: url.searchParams.get('state') ?? '' }).toString()
        return res.writeHead(302, { location: back.href, connection: 'close' }).end()
      }
      case '/token': {
        let body = ''
        for await (const chunk of req) body += chunk
        const form = new URLSearchParams(body)
        const asked = this.asked.get(form.get('code') ?? '')
        const challenge = crypto.createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url')
        if (!asked || asked.get('code_challenge') !== challenge) return json({ error: 'invalid_grant' }, 400)
        const now = Math.floor(Date.now() / 1000)
        const email = asked.get('email') ?? ''
        return json({
          access_token: 'x',
          token_type: 'Bearer',
          id_token: this.sign({
            iss: this.issuer,
            aud: this.client,
            sub: email,
            email,
            email_verified: true,
            name: 'Bia Souza',
            nonce: asked.get('nonce'),
            iat: now,
            exp: now + 60,
          }),
        })
      }
      default:
        return json({}, 404)
    }
  }

  private sign(claims: unknown): string {
    const part = (v: unknown) => Buffer.from(JSON.stringify(v)).toString('base64url')
    const text = `${part({ alg: 'RS256', typ: 'JWT', kid: 'one' })}.${part(claims)}`
    return `${text}.${crypto.sign('sha256', Buffer.from(text), this.key.privateKey).toString('base64url')}`
  }
}
