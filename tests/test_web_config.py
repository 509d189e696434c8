"""TLS and passwords from a file in the exporter toolkit's format, beside promtool and on a real server."""

from __future__ import annotations

import secrets
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
import requests
from llmtrain_exporter.config import ConfigError
from llmtrain_exporter.web.tls import CIPHERS
from llmtrain_exporter.web.users import Users
from llmtrain_exporter.web.web_config import WebConfig, load

from tests.certificates import certify, openssl
from tests.serving import RUN, Site, running

SECRET_HASH = "$2b$04$.OBnyyDTidXMhRjvQeIRVuQlGQM.rolfQ50hvlGhoyYrkFenMwtnS"  # of "secret"
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key"

CERT_FILE, KEY_FILE, CLIENT_CA = (
    f"line 1: tls_server_config.{key}_file: " for key in ("cert", "key", "client_ca")
)
PAIR = "line 1: tls_server_config: cert_file {folder}/%s and key_file {folder}/%s must be a certificate and"

GOOD = {
    "an empty file": "",
    "nothing in it": "{}",
    "empty sections": "{tls_server_config: {}, http_server_config: {}, basic_auth_users: {}}",
    "a certificate": TLS + "}",
    "versions": TLS + ", min_version: TLS12, max_version: TLS13}",
    "suites": TLS + f", cipher_suites: [{', '.join(CIPHERS)}], prefer_server_cipher_suites: false}}",
    "no client certificate": TLS + ", client_auth_type: NoClientCert}",
    "client certificates": TLS
    + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: server.crt}",
    "wanted certificates": TLS + ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: server.crt}",
    "headers": "http_server_config: {http2: false, headers: {X-Frame-Options: deny, "
    "X-Content-Type-Options: nosniff, Strict-Transport-Security: max-age=1, X-XSS-Protection: '0', "
    "Content-Security-Policy: default-src 'self'}}",
    "users": f"basic_auth_users: {{ann: {SECRET_HASH}, bob: {SECRET_HASH.replace('$2b', '$2y')}}}",
}

BAD = {
    "an unknown section": (
        "tls: {}",
        "line 1: tls: unknown key; allowed: tls_server_config, http_server_config",
    ),
    "an unknown key": (
        TLS + ", cert: x}",
        "line 1: tls_server_config.cert: unknown key; did you mean cert_file?",
    ),
    "a list": ("[]", "must be a mapping of settings, such as basic_auth_users: {...}"),
    "no section": (
        "tls_server_config: on",
        "line 1: tls_server_config: must be a mapping with keys such as cert_file and key_file",
    ),
    "broken YAML": ("tls_server_config: {", "line 1, column 21: "),
    "a key twice": (
        "basic_auth_users: {}\nbasic_auth_users: {}",
        "line 2, column 1: basic_auth_users: stands twice",
    ),
    "no key": (
        "tls_server_config: {cert_file: server.crt}",
        KEY_FILE + "is missing",
    ),
    "no certificate": (
        "tls_server_config: {key_file: server.key}",
        CERT_FILE + "is missing",
    ),
    "a file that is not there": (
        "tls_server_config: {cert_file: no.crt, key_file: server.key}",
        CERT_FILE + "{folder}/no.crt: No such file or directory",
    ),
    "no PEM": (
        "tls_server_config: {cert_file: web.yml, key_file: server.key}",
        PAIR % ("web.yml", "server.key"),
    ),
    "another's key": (
        "tls_server_config: {cert_file: server.crt, key_file: other.key}",
        PAIR % ("server.crt", "other.key"),
    ),
    "no authority": (
        TLS + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: no.crt}",
        CLIENT_CA + "{folder}/no.crt: No such file or directory",
    ),
    "an authority for nothing": (
        TLS + ", client_ca_file: server.crt}",
        CLIENT_CA + "needs a client_auth_type that verifies",
    ),
    "a client_auth_type": (
        TLS + ", client_auth_type: Always}",
        "line 1: tls_server_config.client_auth_type: must be NoClientCert, VerifyClientCertIfGiven or "
        'RequireAndVerifyClientCert, not "Always"',
    ),
    "a version": (
        TLS + ", min_version: TLS14}",
        'line 1: tls_server_config.min_version: must be TLS12 or TLS13, not "TLS14"',
    ),
    "a suite": (
        TLS + ", cipher_suites: [RC4]}",
        "line 1: tls_server_config.cipher_suites[0]: must be TLS_ECDHE_ECDSA",
    ),
    "suites that are no list": (
        TLS + ", cipher_suites: {}}",
        "line 1: tls_server_config.cipher_suites: must be a list, not {}",
    ),
    "a preference": (
        TLS + ", prefer_server_cipher_suites: 1.5}",
        "line 1: tls_server_config.prefer_server_cipher_suites: must be true or false, not 1.5",
    ),
    "http2": (
        "http_server_config: {http2: maybe}",
        'line 1: http_server_config.http2: must be true or false, not "maybe"',
    ),
    "a header": (
        "http_server_config: {headers: {Server: a}}",
        "line 1: http_server_config.headers.Server: unknown key; allowed: Strict-Transport-Security, ",
    ),
    "a header's value": (
        "http_server_config: {headers: {X-Frame-Options: allow}}",
        'line 1: http_server_config.headers.X-Frame-Options: must be deny or sameorigin, not "allow"',
    ),
    "a plain password": (
        "basic_auth_users: {ann: swordfish}",
        "line 1: basic_auth_users.ann: is no bcrypt hash; htpasswd -nBC 10 ann makes one",
    ),
    "a hash that is cut": (
        f"basic_auth_users: {{ann: {SECRET_HASH[:-20]}}}",
        "line 1: basic_auth_users.ann: is no bcrypt hash",
    ),
    "a hash that costs nothing": (
        f"basic_auth_users: {{ann: {SECRET_HASH.replace('$04$', '$03$')}}}",
        "line 1: basic_auth_users.ann: is no bcrypt hash",
    ),
    "users that are a list": (
        "basic_auth_users: [ann]",
        "line 1: basic_auth_users: must be a mapping of names",
    ),
}

STRICTER = {
    "a section without a word": ("basic_auth_users:", "line 1: basic_auth_users: must be a mapping of names"),
    "a number for a name": (
        f"basic_auth_users: {{1: {SECRET_HASH}}}",
        "line 1: basic_auth_users[1]: must be text; put it in quotes",
    ),
    "an old version": (
        TLS + ", min_version: TLS10}",
        "line 1: tls_server_config.min_version: must be TLS12 or TLS13",
    ),
    "versions the wrong way round": (
        TLS + ", min_version: TLS13, max_version: TLS12}",
        "line 1: tls_server_config.max_version: must not be below min_version",
    ),
    "a certificate nobody looks at": (
        TLS + ", client_auth_type: RequestClientCert}",
        "line 1: tls_server_config.client_auth_type: must be NoClientCert, ",
    ),
    "verified by whom": (
        TLS + ", client_auth_type: RequireAndVerifyClientCert}",
        CLIENT_CA + "is missing",
    ),
    "a header of two lines": (
        'http_server_config: {headers: {X-XSS-Protection: "0\\r\\nSet-Cookie: a"}}',
        "line 1: http_server_config.headers.X-XSS-Protection: must be text on one line",
    ),
    "no file": (TLS.replace("server.crt", '""') + "}", CERT_FILE + "must not be empty"),
}
"""What the toolkit, or some version of it, lets pass."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for localhost, its own authority, its key, and the key of another."""
    folder = tmp_path_factory.mktemp("certificates")
    certify(folder)
    openssl(folder, "genrsa", "-out", "other.key", "2048")
    openssl(folder, "rsa", "-in", "server.key", "-aes128", "-passout", "pass:x", "-out", "locked.key")
    return folder


@pytest.fixture
def write(certificates: Path) -> Callable[[str], Path]:
    """Writes a web configuration beside the certificates."""

    def write(text: str) -> Path:
        path = certificates / "web.yml"
        path.write_text(text)
        return path

    return write


def promtool_accepts(promtool: Path, path: Path) -> bool:
    """Whether promtool takes the file for a good web configuration."""
    command = [str(promtool), "check", "web-config", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


Write = Callable[[str], Path]
Tool = Callable[[str], Path]


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good_files_are_good_for_promtool_too(write: Write, real_tool: Tool, text: str) -> None:
    """What is accepted here is a web configuration for Prometheus' own tools."""
    path = write(text)
    assert isinstance(load(str(path)), WebConfig)
    assert promtool_accepts(real_tool("promtool"), path)


@pytest.mark.parametrize(("text", "problem"), [*BAD.values(), *STRICTER.values()], ids=[*BAD, *STRICTER])
def test_what_is_wrong_is_told(write: Write, text: str, problem: str) -> None:
    """An error names the file, the key, what is wrong and what is allowed, on one line, and never a hash."""
    path = write(text)
    with pytest.raises(ConfigError) as error:
        load(str(path))
    message = str(error.value)
    assert message.startswith(f"{path}: {problem.replace('{folder}', str(path.parent))}")
    assert "\n" not in message
    assert "$2" not in message
    assert "swordfish" not in message


@pytest.mark.parametrize("text", [text for text, _ in BAD.values()], ids=BAD)
def test_promtool_refuses_bad_files_too(write: Write, real_tool: Tool, text: str) -> None:
    """What is refused here for more than our own strictness is refused by Prometheus' own tools."""
    assert not promtool_accepts(real_tool("promtool"), write(text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder, an endless file and a file that is no text are told by their names."""
    (tmp_path / "latin.yml").write_bytes(b"\xff\xfe\xff")
    for path in (tmp_path / "no.yml", tmp_path, Path("/dev/zero"), tmp_path / "latin.yml"):
        with pytest.raises(ConfigError, match=f"^{path}: .+"):
            load(str(path))


def test_a_locked_key_is_refused_without_asking(write: Write) -> None:
    """A key behind a password is an error, not a question on the terminal."""
    with pytest.raises(ConfigError, match="its own, unencrypted key"):
        load(str(write(TLS.replace("server.key", "locked.key") + "}")))


def test_what_a_file_asks_for(write: Write) -> None:
    """Versions, suites, headers and users arrive; without the section there is nothing."""
    (suite, name), *_ = CIPHERS.items()
    config = load(
        str(
            write(
                f"{TLS}, min_version: TLS12, max_version: TLS12, cipher_suites: [{suite}]}}\n"
                f"basic_auth_users: {{ann: {SECRET_HASH}}}\n"
                "http_server_config: {headers: {X-Frame-Options: deny}}"
            )
        )
    )
    assert config.tls
    assert config.tls.maximum_version is ssl.TLSVersion.TLSv1_2
    assert name in {cipher["name"] for cipher in config.tls.get_ciphers() if cipher["protocol"] == "TLSv1.2"}
    assert config.headers == {"X-Frame-Options": "deny"}
    assert config.users
    assert config.users.verify("ann", "secret")
    empty = load(str(write("{}")))
    assert (empty.tls, empty.users, dict(empty.headers)) == (None, None, {})


def test_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right password is remembered, a wrong one not, and an unknown user costs as much as a known one."""
    asked = list[bytes]()
    real = bcrypt.checkpw

    def checkpw(password: bytes, known: bytes) -> bool:
        asked.append(password)
        return real(password, known)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    users = Users({"ann": SECRET_HASH}, salt=secrets.token_bytes(16))
    assert not users.remembers("ann", "secret")
    assert not users.verify("ann", "wrong")
    assert not users.verify("bob", "secret")
    assert asked == [b"wrong", b"secret"]
    assert users.verify("ann", "secret")
    assert users.remembers("ann", "secret")
    assert not users.remembers("ann", "wrong")
    assert not users.remembers("bob", "secret")
    assert not users.remembers("ann", "")


def test_passwords_longer_than_bcrypt_reads() -> None:
    """Only the first 72 bytes of a password count, as everywhere else with bcrypt; any text can be asked."""
    users = Users({"ann": bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()})
    assert users.verify("ann", "x" * 100)
    assert not users.verify("ann", "x" * 71)
    assert not users.verify("ann", "\x00\ud800é")


def test_a_server_with_tls_and_passwords(write: Write, certificates: Path) -> None:
    """The exporter serves over TLS with the configured certificate, headers and users."""
    config = load(
        str(
            write(
                TLS + "}\n"
                f"basic_auth_users: {{ann: {SECRET_HASH}}}\n"
                "http_server_config: {headers: {Strict-Transport-Security: max-age=1}}"
            )
        )
    )
    with running(Site(dict(config.headers), config.users, config.tls)) as site:
        site.fleet.publish(RUN)
        assert site.server.url.startswith("https://127.0.0.1:")
        verify = str(certificates / "server.crt")
        answer = site.get("/metrics", verify=verify, auth=("ann", "secret"))
        assert 'llmtrain_loss{run="qwen/v1",split="train"} 0.5' in answer.text
        assert answer.headers["Strict-Transport-Security"] == "max-age=1"
        assert site.get("/-/healthy", verify=verify).status_code == 401
        with pytest.raises(requests.exceptions.SSLError):
            site.get("/-/healthy")
        assert b"HTTP" not in site.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


def test_a_server_that_knows_its_clients(write: Write, certificates: Path) -> None:
    """With client certificates required, only who has one gets an answer."""
    config = load(
        str(write(TLS + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: server.crt}"))
    )
    own = (str(certificates / "server.crt"), str(certificates / "server.key"))
    with running(Site(tls=config.tls)) as site:
        assert site.get("/-/healthy", verify=own[0], cert=own).status_code == 200
        with pytest.raises(requests.RequestException):
            site.get("/-/healthy", verify=own[0])


def test_a_client_that_never_finishes_its_handshake_stops_nobody(write: Write, certificates: Path) -> None:
    """Connections that stay silent cost the others nothing, and do not keep the server from ending."""
    config = load(str(write(TLS + "}")))
    with running(Site(tls=config.tls)) as site:
        silent = [site.connect(b"") for _ in range(20)]
        assert site.get("/-/healthy", verify=str(certificates / "server.crt")).status_code == 200
    for connection in silent:
        connection.close()
