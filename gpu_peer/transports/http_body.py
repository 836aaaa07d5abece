"""The body of an answer over HTTP, never more of it than is wanted."""

import aiohttp


async def read_body(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """Read all of it.

    Raises:
        ConnectionError: it is longer than `most` bytes.
    """
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > most:
            raise ConnectionError("The answer is too long.")
    return bytes(body)
