/** How big files of chats may be, unpacked from an archive: a text of more would not fit into memory as one. */
export const FILE_BYTES = 512_000_000

/** Any command stays below this as JSON, well under the wire's MESSAGE_BYTES. */
export const COMMAND_BYTES = 200_000

/** How many turns one command takes. */
export const COMMAND_TURNS = 64

/** The last moment that a UUIDv7 can name, in the year 10889. */
export const LAST_MS = 2 ** 48 - 1
