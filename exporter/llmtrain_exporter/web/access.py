"""Who is let in, under which names, and what every answer says besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.middleware import Middleware

from llmtrain_exporter.web.asgi import BasicAuth, FixedHeaders
from llmtrain_exporter.web.hosts import ANY_HOST, HostCheck, KnownHosts
from llmtrain_exporter.web.users import Users
from llmtrain_exporter.web.web_config import WebConfig


@dataclass(frozen=True, slots=True)
class Access:
    """`headers`: for every answer, stronger than an application's own ones. `users` None: everybody."""

    users: Users | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hosts: KnownHosts = ANY_HOST

    def middleware(self, headers: Mapping[str, str]) -> list[Middleware]:
        """What stands before an application that gives `headers` to its answers; the outermost first."""
        layers = [Middleware(FixedHeaders, headers={**headers, **self.headers})]
        if self.hosts.checked:
            layers.append(Middleware(HostCheck, hosts=self.hosts))
        if self.users:
            layers.append(Middleware(BasicAuth, users=self.users))
        return layers


def access_of(web: WebConfig, listen: str, allowed: tuple[str, ...]) -> Access:
    """The access that settings ask for. `listen`: the host that is listened on; `allowed`: see KnownHosts."""
    return Access(web.users, web.headers, KnownHosts(listen, allowed))
