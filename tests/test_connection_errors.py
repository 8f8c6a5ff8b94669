"""What is wrong with certificates and proxies is one line, once a run, that names the setting or variable."""

from __future__ import annotations

import re
import ssl
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import complaints, run_tap, write
from scripts.all_taps import tap_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import SandboxSettings

_CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Of localhost, signed by itself, with its key; valid for a hundred years."""


@pytest.fixture
def tls_url() -> Iterator[str]:
    """The URL of a server whose certificate no authority has signed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(HTTPStatus.UNAUTHORIZED)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_CERTIFICATE)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    for name in (*certificates, "http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _the_line(tap: str, settings: dict[str, Any], tmp_path: Path) -> str:
    """Run a tap that fails, and return the one line that it complains with."""
    done = run_tap(str(Path(sys.executable).with_name(tap)), "--config", write(tmp_path / "config.json", settings))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = complaints(done)
    return line


def _with_urls(settings: dict[str, Any], url: str) -> dict[str, Any]:
    return {name: url if name.endswith("_url") else value for name, value in settings.items()}


@pytest.mark.parametrize(
    ("variable", "concurrency"),
    [("REQUESTS_CA_BUNDLE", 1), ("CURL_CA_BUNDLE", 2), ("REQUESTS_CA_BUNDLE", 8), ("CURL_CA_BUNDLE", 16)],
)
def test_a_missing_certificate_file_is_reported_once_for_all_streams(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    tmp_path: Path,
    sandbox_settings: SandboxSettings,
    monkeypatch: pytest.MonkeyPatch,
    tls_url: str,
    variable: str,
    concurrency: int,
) -> None:
    monkeypatch.setenv(variable, "/nowhere/ca.pem")
    settings = _with_urls(sandbox_settings("tap-productive"), tls_url) | {"concurrency": concurrency}
    assert _the_line("tap-productive", settings, tmp_path) == (
        f"Environment variable {variable} names /nowhere/ca.pem, which cannot be read: No such file or directory. "
        "Fix or unset it"
    )


@pytest.mark.parametrize("tap", tap_names())
def test_a_certificate_file_that_is_not_pem_is_reported_by_each_tap(
    tmp_path: Path, sandbox_settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch, tls_url: str, tap: str
) -> None:
    bundle = tmp_path / "ca.der"
    bundle.write_bytes(b"\x30\x82\x01\x00")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    line = _the_line(tap, _with_urls(sandbox_settings(tap), tls_url), tmp_path)
    assert f"REQUESTS_CA_BUNDLE names {bundle}, which is not a PEM file with certificates" in line


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_certificate_of_an_unknown_authority_is_not_retried(
    tmp_path: Path, sandbox_settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch, tls_url: str, concurrency: int
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/our-ca.pem")
    settings = _with_urls(sandbox_settings("tap-invobi"), tls_url) | {"concurrency": concurrency}
    line = _the_line("tap-invobi", settings, tmp_path)
    assert re.match(r"The certificate of 127\.0\.0\.1:\d+ is not trusted: self.signed certificate\. ", line)
    assert "set REQUESTS_CA_BUNDLE to a PEM file with it (SSL_CERT_FILE is not used)" in line


def test_with_the_right_certificate_file_the_server_answers(
    tmp_path: Path, sandbox_settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch, tls_url: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(_CERTIFICATE))
    settings = _with_urls(sandbox_settings("tap-invobi"), tls_url)
    done = run_tap(str(Path(sys.executable).with_name("tap-invobi")), "--config", write(tmp_path / "c", settings))
    assert "answered 401" in done.stderr


@pytest.mark.parametrize(
    ("variable", "proxy", "reason"),
    [
        ("https_proxy", "socks5h://127.0.0.1:1080", "names a SOCKS proxy, for which the package PySocks is missing"),
        ("ALL_PROXY", "socks5://u:pa55word@127.0.0.1:1080", "for which the package PySocks is missing"),
        ("HTTPS_PROXY", "ftp://proxy:21", "names a proxy with the unknown protocol ftp://"),
        ("https_proxy", "http://:3128", "names no proxy such as http://proxy.example.com:3128"),
        ("https_proxy", "http://proxy:port", "names no proxy such as http://proxy.example.com:3128"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_reported_by_its_variable(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    tmp_path: Path,
    sandbox_settings: SandboxSettings,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    proxy: str,
    reason: str,
) -> None:
    monkeypatch.setenv(variable, proxy)
    settings = _with_urls(sandbox_settings("tap-productive"), "https://api.example.invalid")
    line = _the_line("tap-productive", settings, tmp_path)
    assert line.startswith(f"Environment variable {variable} {reason}") or reason in line
    assert variable in line
    assert "pa55word" not in line


class _RefusingProxy(BaseHTTPRequestHandler):
    """A proxy that wants a login."""

    def do_CONNECT(self) -> None:
        self.send_error(407)

    def do_GET(self) -> None:
        self.send_error(407)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login_ends_the_run_in_one_line(
    tmp_path: Path, sandbox_settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch, scheme: str, concurrency: int
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _RefusingProxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://u:pa55word@127.0.0.1:{server.server_port}")
    settings = _with_urls(sandbox_settings("tap-productive"), f"{scheme}://api.example.invalid")
    settings |= {"concurrency": concurrency, "allow_plain_http": True}
    line = _the_line("tap-productive", settings, tmp_path)
    server.shutdown()
    server.server_close()
    assert line.startswith(f"The proxy 127.0.0.1:{server.server_port} of {scheme.upper()}_PROXY refuses requests (407)")
    assert "pa55word" not in line


def test_a_proxy_that_is_down_is_named(
    tmp_path: Path, sandbox_settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _RefusingProxy)
    server.server_close()
    proxy = f"127.0.0.1:{server.server_port}"
    monkeypatch.setenv("https_proxy", proxy)
    settings = _with_urls(sandbox_settings("tap-invobi"), "https://api.example.invalid")
    assert _the_line("tap-invobi", settings, tmp_path) == (
        f"api.example.invalid cannot be reached: through the proxy {proxy} of https_proxy: Connection refused. "
        "Check https_proxy and the network"
    )
