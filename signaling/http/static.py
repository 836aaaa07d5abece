"""The built app's files.

They are listed once, at the start: a request is looked up in the list and never touches a path
of its own making.
"""

from pathlib import Path, PurePosixPath

from aiohttp import web

from signaling.errors import NotFound

_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_COMPRESSED = (".br", ".gz")
_OURS = ("/api/", "/.well-known/")
# Said here, since the platform's own tables differ and nosniff makes a wrong one fatal.
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


class Pages:
    """Serves the folder that the app was built into; without one, nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._files = _list_files(folder) if folder else {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET everything that is not the API's.

        Raises:
            NotFound: no such file, and not a page that the app routes by itself.
        """
        path = request.path
        file = self._files.get(path)
        if file is None and _is_page(request):
            path = "/index.html"
            file = self._files.get(path)
        if file is None:
            raise NotFound
        # aiohttp takes the .br or .gz beside it where the browser accepts that.
        response = web.FileResponse(file)
        response.headers["Cache-Control"] = _FOREVER if path.startswith("/assets/") else _ASK_AGAIN
        if content_type := _TYPES.get(file.suffix):
            response.headers["Content-Type"] = content_type
        return response


def _is_page(request: web.Request) -> bool:
    """Whether a person navigates there: a browser wants HTML, and the path names no file."""
    return (
        "text/html" in request.headers.get("Accept", "")
        and not PurePosixPath(request.path).suffix
        and not request.path.startswith(_OURS)
    )


def _list_files(folder: Path) -> dict[str, Path]:
    return {
        "/" + file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if file.is_file() and file.suffix not in _COMPRESSED
    }
