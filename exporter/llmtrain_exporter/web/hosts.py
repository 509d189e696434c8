"""Under which names a server may be asked.

A stranger's page can have its own name point to 127.0.0.1 and then read, in the browser of whoever looks at
it, what listens there: DNS rebinding. The browser sends that name as `Host`, by which it is told apart.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from llmtrain_exporter.printable import printable

MOST_SHOWN = 100  # characters of a name

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s\[\]:/@]+))(?::\d{1,5})?", re.ASCII)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """The names of a server. `listen`: the host that it listens on; `allowed`: lower case, `*.` in front of
    a domain stands for all below it, `*` for every name."""

    listen: str = ""
    allowed: tuple[str, ...] = ()

    @property
    def checked(self) -> bool:
        """Whether names matter: what listens to others is called who knows what, unless a list says so."""
        return bool(self.allowed) or is_loopback(self.listen)

    def know(self, host: str, local: str) -> bool:
        """Whether the server is called so. `host`: without port; `local`: the address it was reached at."""
        if host == self.listen.lower() or any(_covers(name, host) for name in self.allowed):
            return True
        if is_loopback(local):
            return is_loopback(host)
        asked = _address(host)
        return asked is not None and asked == _address(local)


ANY_HOST = KnownHosts()


def _covers(name: str, host: str) -> bool:
    return name in ("*", host) or (name.startswith("*.") and host.endswith(name[1:]))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def host_of(header: str) -> str:
    """The name or address in a `Host` header, lower case, without port and brackets; "" if there is none."""
    found = _HOST.fullmatch(header.strip().lower())
    return (found[1] or found[2].removesuffix(".")) if found else ""


class HostCheck:
    """Refuses who asks for a server of another name."""

    def __init__(self, app: ASGIApp, hosts: KnownHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 400 where the header is no name, else with 421.

        Without the header, which HTTP/1.0 allows, no other server is meant, and no browser asks so.
        """
        header = Headers(scope=scope).get("host")
        if header is None or self._knows(host_of(header), scope):
            await self._app(scope, receive, send)
            return
        shown = printable(header)[:MOST_SHOWN]
        log.warning("A request for %s was refused: allowed_hosts does not have that name", shown)
        status = 421 if host_of(header) else 400
        text = f'"{shown}" is no name of this server. {HOW_TO_ALLOW}\n'
        await PlainTextResponse(text, status)(scope, receive, send)

    def _knows(self, host: str, scope: Scope) -> bool:
        local, _ = scope.get("server") or ("", None)
        return bool(host) and self._hosts.know(host, local)


HOW_TO_ALLOW = (
    "If it should be asked by another name than its address, start it with --allowed-host NAME, "
    "or list the name under allowed_hosts in its settings."
)
