"""The files that pages load: read once, known by what is in them, kept by browsers for as long."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from llmtrain_exporter.serve.pages.answers import REVALIDATED, answer

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Media types by suffix; a licence has none and is text."""


class Assets:
    """The files below a folder, by their path in it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises OSError."""
        self._files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        digest = blake2b(digest_size=6)
        for name, content in self._files.items():
            digest.update(f"{name} {len(content)} ".encode() + content)
        self.version = digest.hexdigest()

    @property
    def base(self) -> str:
        """Where they lie, relative to the pages: another place for every version."""
        return f"static/{self.version}"

    def routes(self) -> list[Route]:
        """What is answered where."""
        return [Route("/static/{version}/{name:path}", self.file)]

    async def file(self, request: Request) -> Response:
        """One file. A page of another version gets it too, and asks again the next time."""
        name = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            return PlainTextResponse("Not Found", 404)
        kind = KINDS.get(PurePosixPath(name).suffix, "text/plain; charset=utf-8")
        cache = FOREVER if request.path_params["version"] == self.version else REVALIDATED
        return answer(request, content, kind, cache=cache)
