"""TLS, headers and passwords from a file in the format of the Prometheus exporter toolkit.

The format: github.com/prometheus/exporter-toolkit, docs/web-configuration.md. Stricter than the toolkit, and
what Python's TLS cannot do is refused. The file and the certificates that it names are read at the start.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmtrain_exporter.config import document
from llmtrain_exporter.web.users import Users


class WebConfigError(ValueError):
    """A web configuration that cannot be used: the file, the key, what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What such a file asks for; `headers` belong to every answer."""

    tls: ssl.SSLContext | None = None
    users: Users | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
"""The toolkit's other two ask for a certificate and do not verify it, which Python's TLS does not offer."""

CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""The safe suites of TLS 1.2, by the format's names for them. Those of TLS 1.3 cannot be chosen."""

_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
_ONE_LINE = re.compile(r"[\x20-\x7e]+")

_Check = Callable[[object], str | None]
"""What is wrong with a value, None if nothing is."""


def load(path: str) -> WebConfig:
    """The configuration in that file. Raises WebConfigError, which never tells a hash."""
    try:
        return _config(document.read(path).content, Path(path).parent)
    except OSError as error:
        raise WebConfigError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise WebConfigError(f"{path}: {error}") from None


def _config(content: object, folder: Path) -> WebConfig:
    sections = _checked("", content, _SECTIONS)
    http = _checked("http_server_config", sections.get("http_server_config", {}), _HTTP)
    headers = _checked("http_server_config.headers", http.get("headers", {}), _HEADERS)
    tls = _checked("tls_server_config", sections.get("tls_server_config", {}), _TLS)
    users = _users(sections.get("basic_auth_users", {}))
    return WebConfig(_context(tls, folder) if tls else None, Users(users) if users else None, headers)


def _checked(place: str, value: object, checks: Mapping[str, _Check]) -> dict[str, Any]:
    """The value as the mapping that it must be, with no key but these and none of them wrong."""
    if not isinstance(value, dict):
        raise ValueError(f"{place or 'the file'}: must be a mapping of {', '.join(checks)}")
    for key, inner in value.items():
        where = f"{place}.{key}" if place else str(key)
        if key not in checks:
            raise ValueError(f"{where}: is not supported; allowed: {', '.join(checks)}")
        if problem := checks[key](inner):
            raise ValueError(f"{where}: {problem}")
    return value


def _users(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(user, str) for user in value):
        raise ValueError("basic_auth_users: must be a mapping of names, as text, to bcrypt hashes")
    for user, known in value.items():
        if not (isinstance(known, str) and _BCRYPT.fullmatch(known)):
            raise ValueError(f"basic_auth_users.{user}: is no bcrypt hash; htpasswd -nBC 10 {user} makes one")
    return value


def _context(tls: Mapping[str, Any], folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[tls.get("min_version", "TLS12")]
    context.maximum_version = VERSIONS[tls.get("max_version", "TLS13")]
    if context.maximum_version < context.minimum_version:
        raise ValueError("tls_server_config.max_version: must not be below min_version")
    if "cipher_suites" in tls:
        context.set_ciphers(":".join(CIPHERS[suite] for suite in tls["cipher_suites"]))
    if not tls.get("prefer_server_cipher_suites", True):
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _load_certificate(context, _file(tls, "cert_file", folder), _file(tls, "key_file", folder))
    _verify_clients(context, tls, folder)
    return context


def _load_certificate(context: ssl.SSLContext, cert: str, key: str) -> None:
    try:
        # The empty password keeps an encrypted key from asking the terminal for one.
        context.load_cert_chain(cert, key, password="")
    except (ssl.SSLError, ValueError):
        raise ValueError(
            f"tls_server_config: cert_file {cert} and key_file {key} must be a certificate and its own, "
            "unencrypted key, both as PEM"
        ) from None


def _verify_clients(context: ssl.SSLContext, tls: Mapping[str, Any], folder: Path) -> None:
    context.verify_mode = CLIENT_AUTH[tls.get("client_auth_type", "NoClientCert")]
    if context.verify_mode is ssl.CERT_NONE:
        if "client_ca_file" in tls:
            raise ValueError("tls_server_config.client_ca_file: needs a client_auth_type that verifies")
        return
    authority = _file(tls, "client_ca_file", folder)
    try:
        context.load_verify_locations(authority)
    except ssl.SSLError:
        raise ValueError(f"tls_server_config.client_ca_file: {authority} holds no PEM certificate") from None


def _file(tls: Mapping[str, Any], key: str, folder: Path) -> str:
    """The path of a file that can be read. Relative paths start at the configuration's folder."""
    if key not in tls:
        raise ValueError(f"tls_server_config.{key}: is missing")
    path = folder / tls[key]
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"tls_server_config.{key}: {path}: {reason}") from None
    return str(path)


def _shown(value: object) -> str:
    return json.dumps(value, default=str)[:60]


def _anything(_: object) -> str | None:
    return None  # checked where it is read


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value else f"must be text, not {_shown(value)}"


def _truth(value: object) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, not {_shown(value)}"


def _one_line(value: object) -> str | None:
    right = isinstance(value, str) and _ONE_LINE.fullmatch(value)
    return None if right else f"must be text on one line, not {_shown(value)}"


def _one_of(allowed: Iterable[str]) -> _Check:
    options = tuple(allowed)
    message = f"must be one of {', '.join(options)}, not "
    return lambda value: None if value in options else message + _shown(value)


def _suites(value: object) -> str | None:
    if not isinstance(value, list) or not value:
        return f"must be a list of names, not {_shown(value)}"
    return next(filter(None, map(_one_of(CIPHERS), value)), None)


_SECTIONS: Mapping[str, _Check] = dict.fromkeys(
    ("tls_server_config", "http_server_config", "basic_auth_users"), _anything
)
_TLS: Mapping[str, _Check] = {
    "cert_file": _text,
    "key_file": _text,
    "client_auth_type": _one_of(CLIENT_AUTH),
    "client_ca_file": _text,
    "min_version": _one_of(VERSIONS),
    "max_version": _one_of(VERSIONS),
    "cipher_suites": _suites,
    "prefer_server_cipher_suites": _truth,
}
_HTTP: Mapping[str, _Check] = {
    "http2": _truth,  # HTTP/1.1 is what is spoken here; clients settle on that by themselves
    "headers": _anything,
}
_HEADERS: Mapping[str, _Check] = {
    "Strict-Transport-Security": _one_line,
    "X-Content-Type-Options": _one_of(("nosniff",)),
    "X-Frame-Options": _one_of(("deny", "sameorigin")),
    "X-XSS-Protection": _one_line,
    "Content-Security-Policy": _one_line,
}
