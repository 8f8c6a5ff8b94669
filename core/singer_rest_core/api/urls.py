"""Where a token may be sent: origins, and the URLs that settings may hold."""

from __future__ import annotations

import ipaddress
from urllib.parse import urljoin, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_EXAMPLE = "an http(s) URL such as https://api.example.com/v1"


def origin(url: str) -> tuple[str, str, int]:
    """Return the origin of a URL.

    Args:
        url: An absolute URL.

    Returns:
        Scheme, host (lower case) and port.

    Raises:
        ValueError: If the URL cannot be parsed.
    """
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)


def has_origin_of(url: str, api_url: str) -> bool:
    """Return whether a URL may carry the token that belongs to an API.

    Args:
        url: The URL of a request.
        api_url: The configured URL of the API.

    Returns:
        Whether both have one origin; False for a URL with a backslash, as parsers disagree on where its host ends.
    """
    return "\\" not in url and origin(url) == origin(api_url)


def redirect_target(url: str, location: str) -> str:
    """Return the absolute URL that a redirect leads to.

    Args:
        url: The URL that was requested.
        location: The `Location` header of the response.

    Returns:
        An absolute URL, of any origin.

    Raises:
        ValueError: If that is not a URL.
    """
    target = urljoin(url, location)
    origin(target)
    return target


def url_error(url: str, *, allow_plain_http: bool) -> str | None:
    """Return what is wrong with a URL that a token shall be sent to.

    Args:
        url: The setting's value.
        allow_plain_http: Whether the user accepts http beyond this machine.

    Returns:
        A clause for the user, or None if the URL may be used.
    """
    if fault := _text_fault(url):
        return fault
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not parts.hostname:
        return f"is not {_EXAMPLE}"
    if parts.username or parts.password:
        return "must not contain a user name or password"
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        return "must not contain a query or a fragment: leave out what begins with ? or #"
    if parts.scheme == "http" and not (allow_plain_http or is_loopback(parts.hostname)):
        return "is not encrypted; use https, or set allow_plain_http if the network is yours"
    return None


def _text_fault(url: str) -> str | None:
    """Return what no URL is written with; parsers drop some of it, each another part."""
    if not url.strip():
        return f"is empty: leave it out for the usual URL, if there is one, or give {_EXAMPLE}"
    if any(character.isspace() or not character.isprintable() for character in url):
        return "contains a blank or a line break: copy it again"
    return "must not contain a backslash" if "\\" in url else None


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine.

    Args:
        host: A host name or IP address, without brackets.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
