/** A listener between everybody and the VDS: it hears each body and each WebSocket frame. */
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export class Tap {
  private readonly heard: Buffer[] = []
  /** How many WebSocket frames with a payload went by. */
  frames = 0

  private constructor(private readonly server: Server) {}

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Everything heard so far, as text. */
  get text(): string {
    return Buffer.concat(this.heard).toString('utf8')
  }

  /** Opens on a free port and passes everything on to `upstream`, a port on this machine. */
  static async open(upstream: number): Promise<Tap> {
    const server = createServer()
    const tap = new Tap(server)
    server.on('request', (incoming, outgoing) => {
      // Uncompressed, or there would be nothing to read.
      const headers = { ...incoming.headers, 'accept-encoding': 'identity' }
      const { method, url: path } = incoming
      const onward = request({ port: upstream, host: '127.0.0.1', method, path, headers })
      onward.on('response', (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.on('data', (bytes: Buffer) => tap.hear(bytes))
        answer.pipe(outgoing)
      })
      onward.on('error', () => outgoing.destroy())
      incoming.on('data', (bytes: Buffer) => tap.hear(bytes))
      incoming.pipe(onward)
    })
    server.on('upgrade', (incoming, client: Socket) => tap.join(incoming, client, upstream))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return tap
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((done) => this.server.close(done))
  }

  private hear(bytes: Buffer): void {
    this.heard.push(Buffer.from(bytes))
  }

  private join(incoming: IncomingMessage, client: Socket, upstream: number): void {
    const headers = Object.entries(incoming.headers).filter(
      ([name]) => name !== 'sec-websocket-extensions',
    )
    const head = headers.map(([name, value]) => `${name}: ${String(value)}`).join('\r\n')
    const server = connect(upstream, '127.0.0.1', () => {
      server.write(`GET ${incoming.url} HTTP/1.1\r\n${head}\r\n\r\n`)
    })
    const fromClient = new FrameReader((payload) => this.hearFrame(payload))
    const fromServer = new FrameReader((payload) => this.hearFrame(payload), true)
    client.on('data', (bytes: Buffer) => fromClient.read(bytes)).pipe(server)
    server.on('data', (bytes: Buffer) => fromServer.read(bytes)).pipe(client)
    for (const [one, other] of [[client, server], [server, client]] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  }

  private hearFrame(payload: Buffer): void {
    if (payload.length > 0) this.frames += 1
    this.hear(payload)
  }
}

/** Reads WebSocket frames (RFC 6455, section 5.2) and gives each payload unmasked. */
class FrameReader {
  private pending = Buffer.alloc(0)

  constructor(
    private readonly onPayload: (payload: Buffer) => void,
    private behindHeaders = false,
  ) {}

  read(bytes: Buffer): void {
    this.pending = Buffer.concat([this.pending, bytes])
    if (this.behindHeaders) {
      const end = this.pending.indexOf('\r\n\r\n')
      if (end < 0) return
      this.pending = this.pending.subarray(end + 4)
      this.behindHeaders = false
    }
    for (let frame = this.next(); frame; frame = this.next()) this.onPayload(frame)
  }

  private next(): Buffer | null {
    const data = this.pending
    if (data.length < 2) return null
    const short = data[1]! & 0x7f
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
    const maskBytes = data[1]! & 0x80 ? 4 : 0
    const start = 2 + lengthBytes + maskBytes
    if (data.length < start) return null
    const length =
      lengthBytes === 2 ? data.readUInt16BE(2) : lengthBytes ? Number(data.readBigUInt64BE(2)) : short
    if (data.length < start + length) return null
    const mask = data.subarray(start - maskBytes, start)
    const payload = Buffer.from(data.subarray(start, start + length))
    if (maskBytes) payload.forEach((byte, at) => (payload[at] = byte ^ mask[at % 4]!))
    this.pending = data.subarray(start + length)
    return payload
  }
}
