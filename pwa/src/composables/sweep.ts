import { onUnmounted, ref, type Ref } from 'vue'
import type { Sweep } from '../net/sweep'
import { useConnection } from '../stores/connection'
import { useRoadTools } from './roadTools'

export interface SweepRun {
  state: Ref<'idle' | 'running' | 'found' | 'missed' | 'stopped' | 'failed'>
  done: Ref<number>
  total: Ref<number>
  /** Where the PC was found. */
  address: Ref<string | null>
  start: (network: string) => Promise<void>
  stop: () => void
}

/** Looks for the PC in one network at a time; what is found is used at once. */
export function useSweep(): SweepRun {
  const roadTools = useRoadTools()
  const connection = useConnection()
  const state: SweepRun['state'] = ref('idle')
  const done = ref(0)
  const total = ref(0)
  const address = ref<string | null>(null)
  let sweep: Sweep | null = null
  /** Grows with every start and stop: what was asked for before is late. */
  let turns = 0

  async function start(network: string): Promise<void> {
    const turn = ++turns
    sweep?.stop()
    state.value = 'running'
    done.value = total.value = 0
    try {
      const tools = await roadTools()
      if (turn !== turns) return
      sweep = tools.sweep(network, (tried, all) => {
        if (turn !== turns) return
        done.value = tried
        total.value = all
      })
      const found = await sweep.found
      if (turn !== turns) return
      sweep = null
      address.value = found
      state.value = found === null ? 'missed' : 'found'
      if (found !== null && !connection.isConnected) connection.retryNow()
    } catch {
      if (turn === turns) state.value = 'failed'
    }
  }

  function stop(): void {
    if (state.value !== 'running') return
    turns++
    sweep?.stop()
    state.value = 'stopped'
  }

  onUnmounted(() => {
    turns++
    sweep?.stop()
  })
  return { state, done, total, address, start, stop }
}
