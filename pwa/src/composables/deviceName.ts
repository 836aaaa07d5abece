interface Hints {
  /** Where the browser still has it; the newer one is not everywhere. */
  platform?: string
  userAgentData?: { platform?: string }
}

/** What a person would call this machine, as far as the browser tells; empty where it does not. */
export function deviceName(navigator: object): string {
  const { platform, userAgentData } = navigator as Hints
  const name = userAgentData?.platform ?? platform ?? ''
  return name.replace(/^Mac(OS|Intel)$/i, 'macOS').replace(/^Win32$/, 'Windows').slice(0, 64)
}
