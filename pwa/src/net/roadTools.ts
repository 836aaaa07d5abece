/** What the network page does with the roads. Loaded with that page. */
import type { LineResult, RoadLine } from './check'

export interface RoadCheck {
  /** Told of every line; kept also when the check was stopped. */
  readonly done: Promise<void>
  stop(): void
}

export interface Sweep {
  /** The PC's address in that network, or null. */
  readonly found: Promise<string | null>
  stop(): void
}

export interface RoadTools {
  /** Tries every road once and tells of each as soon as it is known. */
  check(heard: (line: RoadLine, result: LineResult) => void): RoadCheck
  /** The PC's addresses as it told them, the newest; empty where it never did. */
  addresses(): Promise<readonly string[]>
  /** Looks for the PC at every address of a network. @param network as `192.168.1` */
  sweep(network: string, progressed: (done: number, total: number) => void): Sweep
}
