/** A whole Hearth on hosts of its own: a VDS, a PC at home, and a phone with the app. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import type { PairCommand } from '../hearth.ts'
import { Person } from '../person.ts'
import { Authority } from './authority.ts'
import { Home } from './home.ts'
import { type Family, Neighbourhood } from './map.ts'
import { Phone } from './phone.ts'
import { run } from './places.ts'
import type { Passing } from './router.ts'
import { type Truth, truthOf } from './truth.ts'
import { ORIGIN, Vds, type VdsOptions } from './vds.ts'

export interface TownOptions extends Omit<VdsOptions, 'homeKey'> {
  /** @default 'ipv4' */
  family?: Family
  /**
   * What the home's network lets out, from the beginning.
   * @default 'everything'
   */
  homePassing?: Passing
}

export class Town {
  readonly url = ORIGIN
  hasDevices = true
  /** Who has the phone, from `settle` on. */
  person!: Person

  private constructor(
    readonly map: Neighbourhood,
    readonly vds: Vds,
    readonly home: Home,
    readonly phone: Phone,
    private readonly folder: string,
  ) {}

  /** Starts everything; the phone is at home, and knows nothing of Hearth. */
  static async start(start: TownOptions = {}): Promise<Town> {
    const { family, homePassing, ...options } = start
    const folder = mkdtempSync(join(tmpdir(), 'hearth-town-'))
    const map = new Neighbourhood(run(), family)
    try {
      map.router('home', 'cone', homePassing)
      const authority = new Authority(folder)
      const home = new Home(map.pc, join(folder, 'pc'), authority.certificate)
      const all = { ...options, homeKey: home.key() }
      const vds = await Vds.start(map, join(folder, 'vds'), authority, all)
      const phone = new Phone(map.phone, join(folder, 'phone'), authority.certificate)
      await home.start()
      return new Town(map, vds, home, phone, folder)
    } catch (error) {
      map.remove()
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Makes an account on the phone, and pairs it with the PC. */
  async settle(): Promise<Person> {
    this.person = await Person.arrive(await this.phone.open(), this)
    await this.person.makeAccount('anna')
    await this.person.pair()
    await this.person.connected()
    await this.page.evaluate(() => navigator.serviceWorker.ready)
    return this.person
  }

  get page(): Page {
    return this.person.page
  }

  pair(...options: string[]): PairCommand {
    return this.home.pair(...options)
  }

  /** What the phone's browser says of the connection in use. */
  async truth(): Promise<Truth | null> {
    return truthOf(this.page, (address) => this.map.isNear(address))
  }

  /** Closes the app on the phone. */
  async leave(): Promise<void> {
    await this.page.goto('about:blank')
  }

  /** Opens the app anew on the phone, and gives what its connection is once it has one. */
  async reopen(): Promise<Truth> {
    await this.page.goto(this.url)
    await this.person.connected()
    const truth = await this.truth()
    expect(truth, 'the app says that it is connected').not.toBeNull()
    return truth!
  }

  /** Has the model count, and gives the page's last answer once it has ended. */
  async count(to: number): Promise<string> {
    await this.person.ask(`Count to ${String(to)}.`)
    return this.person.answer()
  }

  /** The words of the last answer that are on the page by now. */
  async heard(): Promise<string[]> {
    if ((await this.person.answers.count()) === 0) return []
    const text = await this.person.answers.last().locator('p').allInnerTexts()
    return text.join(' ').split(/\s+/).filter((word) => /^\d+$/.test(word))
  }

  /** All answers on the page are those of the PC's log, and the last one counts to this number. */
  async expectNothingLost(to: number): Promise<void> {
    // Not what is painted: of what is out of sight that is nothing.
    const shown = await this.person.answers.locator('p').allTextContents()
    expect(shown.map(gist)).toEqual(this.home.answers().slice(-shown.length).map(gist))
    expect(gist(shown.at(-1) ?? '')).toBe(gist(counted(to)))
  }

  async dispose(): Promise<void> {
    await this.phone.close()
    this.map.remove()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Tells one text from another in a line. */
function gist(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8)
  return `${String(text.split(' ').length)} words to ${text.slice(-8)}, ${hash}`
}

/** What the model says when it counts to a number. */
export function counted(to: number): string {
  return Array.from({ length: to }, (_, at) => String(at + 1)).join(' ')
}
