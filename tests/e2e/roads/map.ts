/**
 * Where the hosts are: a VDS on the internet, a home with a PC, and a phone that is at home or away.
 *
 *     vds ── internet ── home-router ── pc
 *                 │             └╌╌╌╌ phone (wlan0, at home)
 *                 └── phone-router ╌╌ phone (cell0, away)
 *
 * The addresses look public where they are meant to be, since programs tell roads by that; no packet
 * leaves these hosts.
 */
import { type Host, Region } from './hosts.ts'
import { type NatKind, type Passing, routerRules } from './router.ts'

export type Family = 'ipv4' | 'ipv6'
export type Place = 'home' | 'away'

interface Plan {
  prefix: number
  /** How addresses of the home's network begin. */
  atHome: string
  internet: string
  vds: string
  relay: string
  routers: Record<Place, string>
  gateways: Record<Place, string>
  pc: string
  phone: Record<Place, string>
}

const plans: Record<Family, Plan> = {
  ipv4: {
    prefix: 24,
    atHome: '192.168.1.',
    internet: '5.5.5.1',
    vds: '5.5.5.10',
    relay: '5.5.5.11',
    routers: { home: '5.5.5.20', away: '5.5.5.30' },
    gateways: { home: '192.168.1.1', away: '10.20.0.1' },
    pc: '192.168.1.10',
    phone: { home: '192.168.1.30', away: '10.20.0.30' },
  },
  ipv6: {
    prefix: 64,
    atHome: '2a0d:5a00:1:',
    internet: '2a0d:5a00::1',
    vds: '2a0d:5a00::10',
    relay: '2a0d:5a00::11',
    routers: { home: '2a0d:5a00::20', away: '2a0d:5a00::30' },
    gateways: { home: '2a0d:5a00:1::1', away: '2a0d:5a00:2::1' },
    pc: '2a0d:5a00:1::10',
    phone: { home: '2a0d:5a00:1::30', away: '2a0d:5a00:2::30' },
  },
}

const links: Record<Place, string> = { home: 'wlan0', away: 'cell0' }

/** The names that every host knows. */
export const VDS_NAME = 'hearth.test'
export const RELAY_NAME = 'relay.hearth.test'

/** The hosts, their cables, their addresses. */
export class Neighbourhood {
  readonly vds: Host
  readonly pc: Host
  readonly phone: Host
  private readonly routers: Record<Place, Host>
  private readonly region: Region
  private readonly plan: Plan
  private phoneIsAt: Place | null = null

  /**
   * @param run see `Region.open`
   * @param family the only one that there is
   */
  constructor(
    run: number,
    readonly family: Family = 'ipv4',
  ) {
    this.plan = plans[family]
    this.region = Region.open(run)
    const names = { [VDS_NAME]: [this.plan.vds], [RELAY_NAME]: [this.plan.relay] }
    const host = (name: string) => this.region.host(name, names)
    this.vds = host('vds')
    this.pc = host('pc')
    this.phone = host('phone')
    this.routers = { home: host('home-router'), away: host('phone-router') }
    this.buildInternet(host('internet'))
    this.buildNetwork('home')
    this.buildNetwork('away')
    this.region.wire(this.pc, 'eth0', this.routers.home, 'pc')
    this.routers.home.ip('link set pc master lan up')
    this.pc.ip('link set eth0 up', `addr add ${this.withPrefix(this.plan.pc)} dev eth0`)
    this.pc.ip(`route add default via ${this.plan.gateways.home}`)
    this.movePhone('home')
  }

  /** Tells whether an address is one of the very network that the phone is in: the home's. */
  isNear(address: string): boolean {
    return this.phoneIsAt === 'home' && address.startsWith(this.plan.atHome)
  }

  /** The addresses that the VDS has: its own, and that of the relay. */
  get addresses(): { vds: string; relay: string } {
    return { vds: this.plan.vds, relay: this.plan.relay }
  }

  /** Sets how a network's router translates, and what it lets out. */
  router(place: Place, nat: NatKind, passing: Passing = 'everything'): void {
    this.routers[place].firewall('router', routerRules(nat, passing))
  }

  /** Takes the phone somewhere: the one network is gone, then there is the other. */
  movePhone(to: Place): void {
    this.takePhoneOut()
    this.phoneIsAt = to
    this.phone.ip(
      `link set ${links[to]} up`,
      `addr add ${this.withPrefix(this.plan.phone[to])} dev ${links[to]}`,
      `route add default via ${this.plan.gateways[to]}`,
    )
    // What phones in a network of IPv6 alone give their programs (RFC 6877, RFC 7335). Chromium on
    // Linux speaks multicast DNS by IPv4 only, and has no candidates at all without it.
    if (this.family === 'ipv6') this.phone.ip(`addr add 192.0.0.4/32 dev ${links[to]} scope link`)
  }

  /** Leaves the phone with no network at all. */
  takePhoneOut(): void {
    this.phoneIsAt = null
    for (const link of Object.values(links)) {
      this.phone.ip(`addr flush dev ${link}`, `link set ${link} down`)
    }
  }

  /** Has the home's network go on without the internet: nobody there has a way out any more. */
  dropDefaultRoutes(): void {
    this.pc.ip('route del default')
    this.phone.ip('route del default')
  }

  /** Gives the PC one more network card, behind which nobody is who matters here. */
  addSecondAddress(): void {
    this.region.wire(this.pc, 'vpn0', this.routers.away, 'vpn0')
    this.routers.away.ip('link set vpn0 up')
    const address = this.family === 'ipv4' ? '10.8.0.2/24' : 'fd00:8::2/64'
    this.pc.ip('link set vpn0 up', `addr add ${address} dev vpn0`)
  }

  /** Has the home's router give the PC another address than it had at first. */
  changeAddress(ending: number): void {
    const changed = this.plan.pc.replace(/10$/, String(ending))
    this.pc.ip(
      'addr flush dev eth0',
      `addr add ${this.withPrefix(changed)} dev eth0`,
      `route replace default via ${this.plan.gateways.home}`,
    )
  }

  /** Has the home's router keep its clients from each other; nobody is told. Both have the internet. */
  isolateClients(): void {
    this.routers.home.firewall(
      'isolation',
      'chain forward { type filter hook forward priority 0; drop; }',
      'bridge',
    )
  }

  /** Ends that. */
  joinClients(): void {
    this.routers.home.firewall('isolation', '', 'bridge')
  }

  /** The link by which the phone is in a network. */
  phoneLink(place: Place): string {
    return links[place]
  }

  remove(): void {
    this.region.remove()
  }

  private withPrefix(address: string): string {
    return `${address}/${String(this.plan.prefix)}`
  }

  private buildInternet(internet: Host): void {
    const { plan, region } = this
    internet.ip('link add br0 type bridge', 'link set br0 up')
    internet.ip(`addr add ${this.withPrefix(plan.internet)} dev br0`)
    internet.forward()
    const reach = (host: Host, link: string, ...addresses: string[]): void => {
      const port = `to-${addresses[0]!.split(/[.:]/).at(-1)!}`
      region.wire(host, link, internet, port)
      internet.ip(`link set ${port} master br0 up`)
      host.ip(`link set ${link} up`)
      // Whoever does not say from where it sends, sends from the first address.
      const second = (at: number) => (at > 0 ? 'preferred_lft 0' : '')
      host.ip(
        ...addresses.map((one, at) => `addr add ${this.withPrefix(one)} dev ${link} ${second(at)}`),
      )
      host.ip(`route add default via ${plan.internet}`)
    }
    reach(this.vds, 'eth0', plan.vds, plan.relay)
    for (const place of ['home', 'away'] as const) {
      reach(this.routers[place], 'wan', plan.routers[place])
      if (this.family === 'ipv6') {
        const network = `${plan.gateways[place].slice(0, -1)}/64`
        internet.ip(`route add ${network} via ${plan.routers[place]}`)
      }
    }
  }

  private buildNetwork(place: Place): void {
    const router = this.routers[place]
    router.forward()
    // A multicast DNS query has to reach everybody at once, and not only who asked for it before.
    router.ip('link add lan type bridge mcast_snooping 0', 'link set lan up')
    router.ip(`addr add ${this.withPrefix(this.plan.gateways[place])} dev lan`)
    this.region.wire(this.phone, links[place], router, 'phone')
    router.ip('link set phone master lan up')
    this.router(place, 'cone')
  }
}
