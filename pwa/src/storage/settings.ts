/** The few small things that this browser keeps between visits. */

export type Theme = 'system' | 'light' | 'dark'

export interface Settings {
  readonly theme: Theme
  /** Null: as the browser says. */
  readonly language: 'en' | 'ru' | null
  /** Who was here last, so that the shell can greet them without the server. */
  readonly userName: string | null
  /** The page about the network is still to be pointed out, once, since this browser was paired. */
  readonly networkHint: boolean
  /** The person has read why the browser will ask for the local network. */
  readonly localNetworkTold: boolean
  /** Theme and language are this device's own, whatever the person chose on others. */
  readonly ownAppearance: boolean
  /** Folders of chats that are folded up here. */
  readonly closedFolders: readonly string[]
}

export interface SettingsStorage {
  read(): Settings
  write(settings: Settings): void
}

/** Read by `public/start.js` too, before the first paint. */
const key = 'hearth.settings'

const defaults: Settings = {
  theme: 'system',
  language: null,
  userName: null,
  networkHint: false,
  localNetworkTold: false,
  ownAppearance: false,
  closedFolders: [],
}

/** Storage may be refused or full, by settings or in private windows: then nothing is kept. */
export function settingsStorage(storage: () => Storage): SettingsStorage {
  return {
    read() {
      try {
        return clean(JSON.parse(storage().getItem(key) ?? '{}'))
      } catch {
        return defaults
      }
    },
    write(settings) {
      try {
        storage().setItem(key, JSON.stringify(settings))
      } catch {
        return
      }
    },
  }
}

function clean(value: unknown): Settings {
  const settings = { ...defaults, ...(value as Partial<Settings> | null) }
  const { theme, language, userName } = settings
  return {
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    language: language === 'en' || language === 'ru' ? language : null,
    userName: typeof userName === 'string' && userName ? userName : null,
    networkHint: settings.networkHint === true,
    localNetworkTold: settings.localNetworkTold === true,
    ownAppearance: settings.ownAppearance === true,
    closedFolders: names(settings.closedFolders),
  }
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : []
}
