/** People and devices, as the PC tells of them over the live connection, and what is done to them. */
import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import type {
  ErrorCode,
  Household,
  InvitationEnded,
  InvitationOpened,
  NewRole,
  PairingAsked,
  PairingMethod,
  Reply,
  Request,
} from '../protocol/generated'
import { useAccount } from './account'
import { useConnection } from './connection'
import { services } from './services'

/**
 * How a request ended. `away`: the PC was not there to be asked. `lost`: the connection was lost
 * before the PC answered, and whether it was done is not known.
 */
export type Outcome = 'done' | ErrorCode | 'away' | 'lost'

export interface OpenInvitation {
  readonly person: string
  readonly method: PairingMethod
  /** To be shown as a QR; null by comparing. */
  readonly link: string | null
  readonly secret: string | null
  /** By this device's clock. */
  readonly endsMs: number
  /** A device shows a code: is it this one? */
  readonly asked: { readonly code: string; readonly name: string } | null
  /** How it ended: a device was paired, or why none was. */
  readonly ended: { readonly device: string } | { readonly code: ErrorCode | 'lost' } | null
}

type WithoutId<Message> = Message extends Request ? Omit<Message, 'id'> : never

export const useHousehold = defineStore('household', () => {
  const { makeId, now } = services()
  const connection = useConnection()
  const account = useAccount()
  /** As the PC said last; null until it has. */
  const household = shallowRef<Household | null>(null)
  const invitation = shallowRef<OpenInvitation | null>(null)
  /** Why the PC does not tell who is here. */
  const refusal = shallowRef<Outcome | null>(null)

  const pending = new Map<string, (outcome: Outcome) => void>()
  /** Each is asked whenever the household comes anew, until it says yes; null is the end of hope. */
  const awaiting = new Set<(household: Household | null) => boolean>()
  let opening: { id: string; person: string; method: PairingMethod } | null = null
  let followers = 0
  /** The request of this connection to be told; it has no other answer than the household. */
  let watching: string | null = null

  const people = computed(() => household.value?.people ?? [])
  const devices = computed(() => household.value?.devices ?? [])
  const me = computed(() => people.value.find(({ id }) => id === household.value?.person) ?? null)
  const thisDevice = computed(
    () => devices.value.find(({ id }) => id === household.value?.device) ?? null,
  )
  const isOwner = computed(() => me.value?.role === 'owner')

  connection.listenToReplies(take)
  // Another channel is another conversation, even where the PC was never away.
  watch(
    () => connection.turn,
    () => {
      lose()
      watchHousehold()
    },
    { flush: 'sync' },
  )
  watch(
    () => account.isIn,
    (isIn) => {
      if (isIn) return
      household.value = invitation.value = refusal.value = null
    },
  )

  /** Follows the household for as long as a page needs it. Gives what ends it. */
  function follow(): () => void {
    followers++
    watchHousehold()
    return () => void followers--
  }

  function watchHousehold(): void {
    if (followers === 0 || watching !== null || !connection.isConnected) return
    watching = makeId()
    void ask({ type: 'watch_household' }, watching).then((outcome) => {
      refusal.value = outcome === 'done' || outcome === 'lost' ? null : outcome
    })
  }

  function ask(request: WithoutId<Request>, id = makeId()): Promise<Outcome> {
    if (!connection.isConnected) return Promise.resolve('away')
    return new Promise((resolve) => {
      pending.set(id, resolve)
      connection.send({ ...request, id } as Request)
    })
  }

  function take(reply: Reply): void {
    switch (reply.type) {
      case 'done':
        return settle(reply.id, 'done')
      case 'request_refused':
        return settle(reply.id, reply.code)
      case 'household':
        return takeHousehold(reply)
      case 'invitation_opened':
        return takeOpened(reply)
      case 'pairing_asked':
        return takeAsked(reply)
      case 'invitation_ended':
        return takeEnded(reply)
    }
  }

  function settle(id: string, outcome: Outcome): void {
    pending.get(id)?.(outcome)
    pending.delete(id)
  }

  function takeHousehold(told: Household): void {
    household.value = told
    if (watching !== null) settle(watching, 'done')
    for (const wanted of awaiting) if (wanted(told)) awaiting.delete(wanted)
  }

  function takeOpened({ id, home, secret, life_ms }: InvitationOpened): void {
    if (opening?.id === id) {
      const { person, method } = opening
      invitation.value = {
        person,
        method,
        link: secret ? `${window.location.origin}/pair#${home}.${secret}` : null,
        secret: secret ?? null,
        endsMs: now() + life_ms,
        asked: null,
        ended: null,
      }
      opening = null
    }
    settle(id, 'done')
  }

  function takeAsked({ code, name }: PairingAsked): void {
    change({ asked: { code, name } })
  }

  function takeEnded({ device, code }: InvitationEnded): void {
    change({ ended: device ? { device } : { code: code ?? 'pairing_closed' } })
  }

  /** What has ended stays as it ended. */
  function change(by: Partial<OpenInvitation>): void {
    if (invitation.value && !invitation.value.ended) {
      invitation.value = { ...invitation.value, ...by }
    }
  }

  /** The PC forgets with the connection that it was asked, and closes the invitation. */
  function lose(): void {
    watching = null
    opening = null
    change({ ended: { code: 'lost' } })
    for (const id of [...pending.keys()]) settle(id, 'lost')
    for (const wanted of awaiting) wanted(null)
    awaiting.clear()
  }

  /** Makes room for a person, and gives their id once the PC has told it; null where it was not. */
  async function addPerson(
    name: string,
    role: NewRole,
  ): Promise<{ outcome: Outcome; person: string | null }> {
    const before = new Set(people.value.map(({ id }) => id))
    const outcome = await ask({ type: 'add_person', name, role })
    if (outcome !== 'done' || watching === null) return { outcome, person: null }
    const person = await new Promise<string | null>((resolve) => {
      const wanted = (told: Household | null) => {
        const added = told?.people.find(({ id }) => !before.has(id))
        if (told && !added) return false
        resolve(added?.id ?? null)
        return true
      }
      if (!wanted(household.value)) awaiting.add(wanted)
    })
    return { outcome, person }
  }

  /** Ends the invitation that was open before. */
  function openInvitation(person: string, method: PairingMethod): Promise<Outcome> {
    const id = makeId()
    invitation.value = null
    opening = { id, person, method }
    return ask({ type: 'open_invitation', person, method }, id)
  }

  function closeInvitation(): Promise<Outcome> {
    const isOpen = opening !== null || (invitation.value !== null && !invitation.value.ended)
    opening = null
    invitation.value = null
    return isOpen ? ask({ type: 'close_invitation' }) : Promise.resolve('done')
  }

  return {
    household,
    refusal,
    people,
    devices,
    me,
    thisDevice,
    isOwner,
    invitation,
    follow,
    addPerson,
    renamePerson: (person: string, name: string) => ask({ type: 'rename_person', person, name }),
    renameDevice: (device: string, name: string) => ask({ type: 'rename_device', device, name }),
    revokeDevice: (device: string) => ask({ type: 'revoke_device', device }),
    readmitDevice: (device: string) => ask({ type: 'readmit_device', device }),
    openInvitation,
    closeInvitation,
    answerPairing: (equal: boolean) => ask({ type: 'answer_pairing', equal }),
  }
})
