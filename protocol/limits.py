"""Sizes that both ends of the wire agree on."""

FRAME_BYTES = 16_384
"""Largest frame on a data channel, header included.

Far below the 262,144 bytes that aiortc accepts: a heartbeat or a token waits behind at most one
frame of a long message, not behind all of it.
"""

MESSAGE_BYTES = 262_144
"""Largest message on a data channel, joined from its frames."""

TEXT_CHARS = 32_768
"""Largest text a person sends at once, in code points; at six bytes each it fits a message."""

TITLE_CHARS = 200
"""Largest title of a chat, in code points."""

FOLDER_CHARS = 64
"""Largest name of a folder of chats, in code points."""

IMPORT_CHARS = 131_072
"""Largest text of one message that is brought from elsewhere, in code points."""

UNPACKED_BYTES = 1_048_576
"""A packed page of history never unpacks to more."""

SDP_CHARS = 16_384
"""Largest session description; a data-channel-only one is under 2,000."""

SIGNALING_BYTES = 32_768
"""Largest WebSocket message on the signaling road."""

USERNAME_PATTERN = r"^[A-Za-z0-9А-Яа-яЁё_.-]{2,32}$(?!\n)"
PASSWORD_MIN_CHARS = 8
PASSWORD_MAX_CHARS = 256
