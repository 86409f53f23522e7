import net from 'node:net'

/** The line between the browser and the program, so that a test can cut the line like a bad network does. */
export class Line {
  private sockets = new Set<net.Socket>()
  private down = false

  private constructor(
    private readonly server: net.Server,
    private readonly target: number,
  ) {}

  static async start(target: number): Promise<Line> {
    const server = net.createServer()
    const line = new Line(server, target)
    server.on('connection', (s) => line.join(s))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return line
  }

  get url() {
    return `http://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`
  }

  /** Breaks every connection; new ones are refused until up(). */
  cut() {
    this.down = true
    for (const s of this.sockets) s.resetAndDestroy()
  }

  up() {
    this.down = false
  }

  async stop() {
    this.cut()
    await new Promise((done) => this.server.close(done))
  }

  private join(from: net.Socket) {
    if (this.down) {
      from.resetAndDestroy()
      return
    }
    const to = net.connect(this.target, '127.0.0.1')
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      this.sockets.add(a)
      a.on('error', () => {})
      a.on('close', () => {
        this.sockets.delete(a)
        b.destroy()
      })
      a.pipe(b)
    }
  }
}
