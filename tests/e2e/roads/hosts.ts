/** Hosts for tests: Linux network namespaces with cables between them, and nothing of the machine's. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PREFIX = 'hearth'
const ETC = '/etc/netns'

/** Says why hosts cannot be made here, or gives null. */
export function whyNoHosts(): string | null {
  if (process.getuid?.() !== 0) {
    return 'The roads are proved on hosts of their own, which only root may make: sudo scripts/test roads.'
  }
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' })
    execFileSync('nft', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'The roads are proved on hosts made by `ip netns` and `nft`: install iproute2 and nftables.'
  }
  return null
}

/** One host: its network, its firewall and its programs. */
export class Host {
  constructor(
    /** Of the namespace. */
    readonly name: string,
  ) {}

  /** The command that runs another one here. */
  command(words: readonly string[]): [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.name, ...words]
  }

  /** Runs a command here and gives what it said. */
  run(...words: string[]): string {
    const [program, ...rest] = this.command(words)
    return execFileSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Starts a program here; its standard output and errors are piped. */
  start(words: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): ChildProcess {
    const [program, ...rest] = this.command(words)
    return spawn(program, rest, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  }

  /** Configures links, addresses and routes: `ip`, once for each line. */
  ip(...lines: string[]): void {
    execFileSync('ip', ['-n', this.name, '-batch', '-'], {
      input: `${lines.join('\n')}\n`,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
  }

  /** Replaces a table of the firewall, in one step. */
  firewall(table: string, chains: string, family: 'inet' | 'bridge' = 'inet'): void {
    const name = `table ${family} ${table}`
    const rules = `${name}\ndelete ${name}\n${name} {\n${chains}\n}\n`
    const [program, ...rest] = this.command(['nft', '-f', '-'])
    execFileSync(program, rest, { input: rules, stdio: ['pipe', 'ignore', 'pipe'] })
  }

  /** Passes packets on from one network to another. */
  forward(): void {
    this.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
  }

  /** Lets nothing in or out by a link, and tells nobody: the link stays up, as when the air is bad. */
  silence(link: string): void {
    this.firewall(
      `silence_${link}`,
      `chain in { type filter hook prerouting priority -400; iifname "${link}" drop; }
       chain out { type filter hook postrouting priority 400; oifname "${link}" drop; }`,
    )
  }

  /** Ends that. */
  hear(link: string): void {
    this.firewall(`silence_${link}`, '')
  }

  /** Stops every program where it is, as phones do with those that nobody looks at. */
  freeze(): void {
    for (const pid of this.processes()) process.kill(pid, 'SIGSTOP')
  }

  /** Ends that. */
  thaw(): void {
    for (const pid of this.processes()) process.kill(pid, 'SIGCONT')
  }

  /** The process ids of everything that runs here. */
  processes(): number[] {
    const said = execFileSync('ip', ['netns', 'pids', this.name], { encoding: 'utf8' })
    return said.split('\n').filter(Boolean).map(Number)
  }
}

/** Some hosts of one run, with names that no other run has. */
export class Region {
  private readonly hosts: Host[] = []
  private static opened = 0

  private constructor(private readonly prefix: string) {}

  /** @param run the id of the process whose end makes leftovers of these hosts */
  static open(run: number): Region {
    Region.opened += 1
    return new Region(`${PREFIX}-${String(run)}-${String(process.pid)}-${String(Region.opened)}-`)
  }

  /** Makes a host that is alone with its loopback, and knows other hosts by these names. */
  host(name: string, names: Record<string, readonly string[]> = {}): Host {
    const host = new Host(this.prefix + name)
    const etc = join(ETC, host.name)
    mkdirSync(etc, { recursive: true })
    // With a dot at its end too: so Chromium asks for the name of a STUN or TURN server.
    const lines = Object.entries(names).flatMap(([known, addresses]) =>
      addresses.map((address) => `${address} ${known} ${known}.`),
    )
    const loopback = ['127.0.0.1 localhost', '::1 localhost']
    writeFileSync(join(etc, 'hosts'), `${[...loopback, ...lines].join('\n')}\n`)
    // Nobody answers there: a name that is not in the file is unknown at once.
    writeFileSync(join(etc, 'resolv.conf'), 'nameserver 127.0.0.1\n')
    execFileSync('ip', ['netns', 'add', host.name])
    this.hosts.push(host)
    host.run('sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.all.accept_dad=0')
    host.ip('link set lo up')
    return host
  }

  /** Lays a cable; its ends are links of these names, and down. */
  wire(one: Host, link: string, other: Host, socket: string): void {
    const ends = ['name', link, 'netns', one.name, 'type', 'veth', 'peer', 'name', socket]
    execFileSync('ip', ['link', 'add', ...ends, 'netns', other.name])
  }

  /** Ends all programs of these hosts, and removes the hosts. */
  remove(): void {
    for (const { name } of this.hosts) remove(name)
    this.hosts.length = 0
  }
}

/** Removes the hosts of a run, whether it has removed them itself or not. */
export function removeRun(run: number): void {
  for (const name of names()) if (runOf(name) === run) remove(name)
}

/** Removes what runs that are no more have left behind. */
export function removeLeftovers(): void {
  for (const name of names()) {
    const run = runOf(name)
    if (run !== null && !existsSync(`/proc/${String(run)}`)) remove(name)
  }
}

function names(): string[] {
  const listed = [ETC, '/run/netns'].filter((folder) => existsSync(folder))
  return [...new Set(listed.flatMap((folder) => readdirSync(folder)))]
}

function runOf(name: string): number | null {
  const found = new RegExp(`^${PREFIX}-(\\d+)-\\d+-\\d+-`).exec(name)
  return found ? Number(found[1]) : null
}

function remove(name: string): void {
  if (existsSync(join('/run/netns', name))) {
    for (const pid of new Host(name).processes()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended while we looked.
      }
    }
    execFileSync('ip', ['netns', 'delete', name])
  }
  rmSync(join(ETC, name), { recursive: true, force: true })
}
