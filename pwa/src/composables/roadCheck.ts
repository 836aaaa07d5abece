import { onUnmounted, ref, type Ref, type ShallowRef, shallowRef } from 'vue'
import type { Check, RoadResults } from '../net/check'
import { useRoadTools } from './roadTools'

export interface RoadCheckRun {
  /** Those that are known by now. */
  results: ShallowRef<RoadResults>
  /** `failed`: the page could not get what it checks with. */
  state: Ref<'idle' | 'running' | 'done' | 'failed'>
  run: () => Promise<void>
}

/** One check of all roads at a time, which ends with the page. */
export function useRoadCheck(): RoadCheckRun {
  const roadTools = useRoadTools()
  const results = shallowRef<RoadResults>({})
  const state = ref<'idle' | 'running' | 'done' | 'failed'>('idle')
  let running: Check | null = null
  let isHere = true

  async function run(): Promise<void> {
    if (state.value === 'running') return
    state.value = 'running'
    results.value = {}
    try {
      const tools = await roadTools()
      if (!isHere) return
      running = tools.check((line, result) => {
        results.value = { ...results.value, [line]: result }
      })
      await running.done
      state.value = 'done'
    } catch {
      state.value = 'failed'
    }
  }

  onUnmounted(() => {
    isHere = false
    running?.stop()
  })
  return { results, state, run }
}
