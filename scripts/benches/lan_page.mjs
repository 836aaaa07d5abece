// A browser's page that dials the PC with each of the tickets it is given, and notes when updates come.
//
// Reads the tickets as one line of JSON, prints how many channels opened, then answers each line
// `report` with what came since the last one.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const e2e = new URL('../../tests/e2e/package.json', import.meta.url)
const { chromium } = createRequire(e2e)('@playwright/test')

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const line = async () => (await lines.next()).value

const say = (what) => console.log(JSON.stringify(what))

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
})
const page = await browser.newPage()
await page.evaluate(() => {
  const channels = []
  let late = []
  let gaps = []
  let heard = new Map() // of each channel, when its latest update came

  const answer = (ticket) =>
    [
      ...['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=ice-lite'],
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      ...['c=IN IP4 0.0.0.0', 'a=mid:0', `a=ice-ufrag:${ticket.ufrag}`],
      ...[`a=ice-pwd:${ticket.password}`, `a=fingerprint:sha-256 ${ticket.fingerprint}`],
      ...['a=setup:passive', 'a=sctp-port:5000', 'a=max-message-size:262144'],
      ...ticket.addresses.map(
        (address, n) => `a=candidate:${n} 1 udp ${2130706431 - n} ${address} ${ticket.port} typ host`,
      ),
      ...['a=end-of-candidates', ''],
    ].join('\r\n')

  const decoder = new TextDecoder()

  function listen(channel) {
    channel.onmessage = ({ data }) => {
      const now = performance.timeOrigin + performance.now()
      const update = JSON.parse(decoder.decode(new Uint8Array(data, 1)))
      late.push(now - Number(update.text))
      if (heard.has(channel)) gaps.push(now - heard.get(channel))
      heard.set(channel, now)
    }
  }

  globalThis.dial = (ticket) =>
    new Promise((resolve) => {
      const peer = new RTCPeerConnection({ iceServers: [] })
      const channel = peer.createDataChannel('chat')
      channel.binaryType = 'arraybuffer'
      listen(channel)
      const begun = performance.now()
      channel.onopen = () => {
        channels.push(channel)
        resolve(performance.now() - begun)
      }
      setTimeout(() => resolve(null), 20_000)
      void peer
        .setLocalDescription()
        .then(() => peer.setRemoteDescription({ type: 'answer', sdp: answer(ticket) }))
    })

  globalThis.report = () => {
    const lost = channels.filter((one) => one.readyState !== 'open' || !heard.has(one)).length
    const told = { late, gaps, lost }
    late = []
    gaps = []
    heard = new Map()
    return told
  }
})

const tickets = JSON.parse(await line())
say(await page.evaluate((all) => Promise.all(all.map((ticket) => globalThis.dial(ticket))), tickets))
while ((await line()) === 'report') say(await page.evaluate(() => globalThis.report()))
await browser.close()
process.exit(0)
