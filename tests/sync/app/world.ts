/** One run: people, devices, the PC and all that can happen to them, in the order of one seed. */
import { Device } from './device'
import { Happenings } from './happenings'
import type { PcProcess } from './pc'
import { settle } from './settle'
import { Stage } from './stage'

/** So many deeds are done in one run, and so many steps are taken at most for each. */
const fewestDeeds = 6
const mostDeeds = 26
const mostSteps = 36

/**
 * Plays it to the end; throws at the first breach.
 *
 * @param deeds as many are done; 0 for a number of the seed's
 */
export async function play(
  seed: number,
  deeds: number,
  pc: PcProcess,
  trace: ((line: string) => void) | null,
): Promise<void> {
  const stage = new Stage(seed, pc, trace)
  const { random } = stage
  const later: Device[] = []
  const count = random.pick([1, 2, 2, 3, 3, 4, 5]) ?? 1
  for (let index = 0; index < count; index++) {
    const device = new Device('ABCDE'[index] ?? '?', stage)
    device.disk.isSlow = random.chance(0.5)
    if (index > 0 && random.chance(0.2)) {
      later.push(device)
      continue
    }
    stage.devices.push(device)
    stage.open(device)
  }
  const happenings = new Happenings(stage, later)
  let deedsLeft = deeds || fewestDeeds + random.below(mostDeeds - fewestDeeds)
  for (let stepsLeft = mostSteps * Math.max(deeds, mostDeeds); stepsLeft > 0 && deedsLeft > 0; stepsLeft--) {
    if (happenings.next()) deedsLeft--
    await stage.endStep()
  }
  await settle(stage)
}
