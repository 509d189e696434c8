"""Certificates for tests, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def openssl(folder: Path, *args: str) -> None:
    """Run openssl in that folder; skip without it."""
    try:
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs openssl, which makes the certificates of these tests")


def certify(folder: Path) -> None:
    """Write server.crt, for localhost and its own authority, and server.key into a folder."""
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    request = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names)
    openssl(folder, *request, "-keyout", "server.key", "-out", "server.crt")
