"""Proxies and certificate files that environment variables name, and what is wrong with them in one line each."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from singer_rest_core.api.urls import is_loopback
from singer_rest_core.errors import ConnectionMisconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

_CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""In the order in which requests looks for them; it does not read SSL_CERT_FILE."""


class Environment:
    """What the environment says about connections to one API.

    Args:
        api_url: The URL of the API.

    Raises:
        ConnectionMisconfigured: If a certificate file or a proxy cannot be used.
    """

    def __init__(self, api_url: str) -> None:
        """Read and check it; requests reports what is wrong with each request, and in a traceback."""
        parts = urlsplit(api_url)
        with requests.Session() as session:
            merged = session.merge_environment_settings(api_url, {}, None, None, None)
        self.settings: Mapping[str, Any] = {**merged, "stream": True}
        """Arguments for `requests.Session.send`. This machine is reached without a proxy."""
        if is_loopback(parts.hostname or ""):
            self.settings = {**self.settings, "proxies": {}}
        if parts.scheme == "https":
            _check_certificate_file()
        proxy = requests.utils.select_proxy(api_url, self.settings["proxies"])
        self.proxy_variable = None if proxy is None else _proxy_variable(parts.scheme)
        """The environment variable that names the proxy for this API; None if there is none."""
        if proxy is not None:
            _check_proxy(proxy, self.proxy_variable or "the proxy")
            self._proxy_host = urlsplit(proxy if "://" in proxy else f"http://{proxy}").netloc.rpartition("@")[2]

    @property
    def proxy(self) -> str:
        """The proxy in words, without its password; empty if there is none."""
        return f"the proxy {self._proxy_host} of {self.proxy_variable}" if self.proxy_variable else ""


def untrusted_certificate(host: str, reason: str) -> ConnectionMisconfigured:
    """Return the error about a certificate that was refused.

    Args:
        host: Whose certificate it is.
        reason: What TLS says, as a clause.
    """
    used = next((name for name in _CERTIFICATE_VARIABLES if os.environ.get(name)), None)
    if used:
        hint = f"The certificate authorities are those of the file that {used} names"
    else:
        hint = "If its certificate authority is one of your own, set REQUESTS_CA_BUNDLE to a PEM file with it"
        if os.environ.get("SSL_CERT_FILE"):
            hint += " (SSL_CERT_FILE is not used)"
    return ConnectionMisconfigured(f"The certificate of {host} is not trusted: {reason}. {hint}")


def _check_certificate_file() -> None:
    variable = next((name for name in _CERTIFICATE_VARIABLES if os.environ.get(name)), None)
    if variable is None:
        return
    path = Path(os.environ[variable])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if path.is_dir():
            os.listdir(path)  # noqa: PTH208 - only whether it can be read
            return
        path.open("rb").close()
        context.load_verify_locations(path)
    except ssl.SSLError:
        reason = "which is not a PEM file with certificates"
    except OSError as error:
        reason = f"which cannot be read: {error.strerror}"
    else:
        return
    raise ConnectionMisconfigured(f"Environment variable {variable} names {path}, {reason}. Fix or unset it")


def _check_proxy(proxy: str, variable: str) -> None:
    scheme = urlsplit(proxy).scheme if "://" in proxy else "http"
    problem = None
    if scheme.startswith("socks"):
        try:
            import socks  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401, PLC0415
        except ImportError:
            problem = "names a SOCKS proxy, for which the package PySocks is missing: install it next to the tap"
        if scheme not in {"socks4", "socks4a", "socks5", "socks5h"}:
            problem = f"names a proxy with the unknown protocol {scheme}://: use http://, https:// or socks5h://"
    elif scheme not in {"http", "https"}:
        problem = f"names a proxy with the unknown protocol {scheme}://: use http://, https:// or socks5h://"
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if not parts.hostname or parts.port == 0:
            problem = problem or "names no proxy such as http://proxy.example.com:3128"
    except ValueError:
        problem = "names no proxy such as http://proxy.example.com:3128"
    if problem:
        raise ConnectionMisconfigured(f"Environment variable {variable} {problem}")


def _proxy_variable(scheme: str) -> str | None:
    """Return which variable names the proxy, as `urllib.request.getproxies` looks for it: lower case goes first."""
    names = (f"{scheme}_proxy", "all_proxy")
    return next((name for each in names for name in (each, each.upper()) if os.environ.get(name)), None)
