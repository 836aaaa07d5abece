/** One run: people, devices, the PC and all that can happen to them, in the order of one seed. */
import { Device } from './device'
import { Happenings } from './happenings'
import type { PcProcess } from './pc'
import { settle } from './settle'
import { Stage } from './stage'

/** So many deeds are done in one run, and so many steps are taken at most. */
const fewestDeeds = 6
const mostDeeds = 26
const mostSteps = 900

/** Plays it to the end; throws at the first breach. */
export async function play(
  seed: number,
  pc: PcProcess,
  trace: ((line: string) => void) | null,
): Promise<void> {
  const stage = new Stage(seed, pc, trace)
  const { random } = stage
  const count = random.pick([1, 2, 2, 3, 3, 4, 5]) ?? 1
  for (let index = 0; index < count; index++) {
    const device = new Device('ABCDE'[index] ?? '?', stage)
    device.disk.isSlow = random.chance(0.5)
    stage.devices.push(device)
    stage.open(device)
  }
  const happenings = new Happenings(stage)
  let deedsLeft = fewestDeeds + random.below(mostDeeds - fewestDeeds)
  for (let step = 0; step < mostSteps && deedsLeft > 0; step++) {
    if (happenings.next()) deedsLeft--
    await stage.endStep()
  }
  await settle(stage)
}
