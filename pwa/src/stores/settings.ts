import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { Settings } from '../storage/settings'
import { services } from './services'

export const useSettings = defineStore('settings', () => {
  const storage = services().settings
  const settings = shallowRef(storage.read())

  function change(part: Partial<Settings>): void {
    settings.value = { ...settings.value, ...part }
    storage.write(settings.value)
  }

  return {
    theme: computed(() => settings.value.theme),
    language: computed(() => settings.value.language),
    userName: computed(() => settings.value.userName),
    networkHint: computed(() => settings.value.networkHint),
    localNetworkTold: computed(() => settings.value.localNetworkTold),
    ownAppearance: computed(() => settings.value.ownAppearance),
    closedFolders: computed(() => settings.value.closedFolders),
    change,
  }
})
