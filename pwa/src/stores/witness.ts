import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { services } from './services'

/** What the VDS saw of this app, for a page to show. */
export const useWitness = defineStore('witness', () => {
  const { witness } = services()
  const log = shallowRef(witness.log)
  witness.onChange = () => (log.value = witness.log)
  return { log }
})
