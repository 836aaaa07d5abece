/** The end of a run: nothing bad happens any more, everything is carried over, and is judged. */
import { Device } from './device'
import { chatsOf } from './oracle'
import { wordOf } from './people'
import type { Stage } from './stage'
import { command as tellCommand } from './tale'
import { breachesOfDisk, breachesOfTab, breachesOfTheLog, deletedIn } from './verdict'

/** So many chats an engine has open at least. */
const openAtOnce = 8

/** @throws Error at the first breach, or where it does not settle */
export async function settle(stage: Stage): Promise<void> {
  stage.trace?.('--- the dust settles')
  stage.isCalm = true
  stage.do({ do: 'calm' })
  // What was deleted while the disk refused to be written is taken out with the next start.
  if (stage.didDiskFail) stage.do({ do: 'kill' })
  await stage.rest()
  if (!stage.isPcRunning) stage.do({ do: 'start' })
  stage.devices.push(new Device('new', stage))
  for (const device of stage.devices) {
    device.skewMs = 0
    device.disk.isSlow = device.disk.isFull = false
    device.disk.go(Infinity)
    // What a tab left on disk that died at once, the next that opens finds there.
    stage.open(device)
  }
  let quiet = 0
  for (let round = 0; quiet < 4; round++) {
    if (round > 400) throw new Error(`It does not settle: ${unsettled(stage).join(', ')}.`)
    stage.pass(round < 5 ? 50 : 500)
    await stage.rest()
    quiet = (await calmDown(stage)) ? quiet + 1 : 0
  }
  for await (const breach of breaches(stage)) throw new Error(breach)
}

/** Carries over all there is; gives whether there was nothing. */
async function calmDown(stage: Stage): Promise<boolean> {
  let isQuiet = true
  for (const device of stage.devices) {
    device.spread(Infinity)
    for (const tab of device.tabs) {
      if (!tab.line) {
        tab.dial()
        isQuiet = false
      }
      await stage.rest()
      for (const line of [tab.line, tab.next]) {
        if (!line) continue
        if (line.up.length > 0 || line.down.some(({ type }) => type !== 'heartbeat')) isQuiet = false
        stage.carryUp(line, Infinity)
      }
      await stage.rest()
      stage.carryDown(tab, Infinity)
      await stage.rest()
    }
  }
  return isQuiet && unsettled(stage).length === 0
}

function unsettled({ devices }: Stage): string[] {
  return devices.flatMap((device) =>
    device.tabs.flatMap((tab) => {
      const { live, pending } = tab.engine.state
      return [
        ...[...live.keys()].map((answer) => `${tab.name} sees ${answer} run`),
        ...pending
          .filter(({ state }) => state !== 'refused')
          .map(({ command, state }) => `${tab.name} has ${tellCommand(command)} ${state}`),
      ]
    }),
  )
}

async function* breaches(stage: Stage): AsyncGenerator<string> {
  const { chats } = stage.people
  const gone = [...deletedIn((await stage.dump([])).events)].map(wordOf)
  const dump = await stage.dump(gone)
  const plain = chatsOf(dump.events)
  for (const device of stage.devices) {
    for (const tab of device.tabs) {
      for (let index = 0; index < chats.length; index += openAtOnce) {
        for (const chat of chats.slice(index, index + openAtOnce)) tab.engine.openChat(chat)
        await stage.rest()
        yield* breachesOfTab(tab, dump, plain)
      }
    }
    yield* breachesOfDisk(device, dump, plain)
  }
  yield* breachesOfTheLog(dump, plain, stage.truth)
}
