"""`tls_server_config` of a web configuration, and the server's TLS made of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, StrictBool, ValidationError, model_validator

from llmtrain_exporter.config.fields import SettingsSection
from llmtrain_exporter.config.messages import wrong_value
from llmtrain_exporter.config.values import Name, choice

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


class TlsError(ValueError):
    """What TLS cannot be made of. `key`: which setting is to blame, "" where it is several."""

    def __init__(self, key: str, text: str) -> None:
        self.key = key
        super().__init__(text)


def _readable(path: str) -> str:
    try:
        Path(path).open("rb").close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"{path}: {reason}") from None
    return path


ReadableFile = Annotated[Name, AfterValidator(_readable)]


class TlsRule(SettingsSection):
    """`tls_server_config`. Without any key there is no TLS."""

    cert_file: ReadableFile | None = None
    key_file: ReadableFile | None = None
    client_auth_type: Annotated[str, choice(CLIENT_AUTH)] = "NoClientCert"
    client_ca_file: ReadableFile | None = None
    min_version: Annotated[str, choice(VERSIONS)] = "TLS12"
    max_version: Annotated[str, choice(VERSIONS)] = "TLS13"
    cipher_suites: tuple[Annotated[str, choice(CIPHERS)], ...] | None = None
    prefer_server_cipher_suites: StrictBool = True

    @model_validator(mode="after")
    def _complete(self) -> TlsRule:
        wrong = [wrong_value((key,), None, text) for key, text in self._problems()]
        if wrong:
            raise ValidationError.from_exception_data("tls_server_config", wrong)
        return self

    def _problems(self) -> Iterator[tuple[str, str]]:
        if not self.model_fields_set:
            return
        if self.cert_file is None:
            yield "cert_file", "is missing"
        if self.key_file is None:
            yield "key_file", "is missing"
        if self.cipher_suites == ():
            yield "cipher_suites", "must not be empty"
        if VERSIONS[self.max_version] < VERSIONS[self.min_version]:
            yield "max_version", "must not be below min_version"
        if self.verifies_clients and self.client_ca_file is None:
            yield "client_ca_file", "is missing"
        if not self.verifies_clients and self.client_ca_file is not None:
            yield "client_ca_file", "needs a client_auth_type that verifies"

    @property
    def verifies_clients(self) -> bool:
        """Whether clients are asked for a certificate."""
        return CLIENT_AUTH[self.client_auth_type] is not ssl.CERT_NONE


def context_of(rule: TlsRule) -> ssl.SSLContext | None:
    """The server's TLS; None where nothing asks for it. Raises TlsError."""
    if rule.cert_file is None or rule.key_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[rule.min_version]
    context.maximum_version = VERSIONS[rule.max_version]
    if rule.cipher_suites is not None:
        context.set_ciphers(":".join(CIPHERS[suite] for suite in rule.cipher_suites))
    if not rule.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _load_certificate(context, rule.cert_file, rule.key_file)
    context.verify_mode = CLIENT_AUTH[rule.client_auth_type]
    if rule.client_ca_file is not None:
        _load_authority(context, rule.client_ca_file)
    return context


def _load_certificate(context: ssl.SSLContext, cert: str, key: str) -> None:
    try:
        # The empty password keeps an encrypted key from asking the terminal for one.
        context.load_cert_chain(cert, key, password="")
    except (ssl.SSLError, ValueError):
        raise TlsError(
            "",
            f"cert_file {cert} and key_file {key} must be a certificate and its own, "
            "unencrypted key, both as PEM",
        ) from None


def _load_authority(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise TlsError("client_ca_file", f"{path} holds no PEM certificate") from None
