"""Where documents may be stored: what the setting `documents_url` may be, and what is wrong with others."""

from __future__ import annotations

import re
import unicodedata

from singer_sdk.exceptions import FatalSyncError

# The package each protocol needs. A single put is atomic in all of them. Others (sftp, smb, webdav) are refused:
# whether their rename replaces a file depends on the server.
PACKAGES = {
    "file": None,
    "local": None,
    "memory": None,
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
}
EXTRAS = {"s3fs": "s3", "gcsfs": "gcs", "adlfs": "azure"}
"""The extra of the taps that installs each of these packages."""

_SUPPORTED = "a folder, file://, s3://, gs:// or az://"
_AZURE_ACCOUNT = re.compile(r"[a-z0-9$-]+@(?=[a-z0-9.-]+(?:/|$))")


class DocumentsUnusable(FatalSyncError):
    """The document store cannot be opened, written or read. Ends the stream; streams without documents continue."""


class PackageMissing(DocumentsUnusable):
    """The package for a kind of bucket is not installed.

    Args:
        protocol: The protocol of the bucket's URL.
    """

    def __init__(self, protocol: str) -> None:
        """Name the package and the extra that installs it."""
        package = PACKAGES[protocol] or ""
        self.extra = EXTRAS[package]
        super().__init__(f"documents_url needs the package {package} for {protocol}://, the extra {self.extra}")


def protocol_of(url: str) -> str:
    """Return the protocol of a usable URL; errors do not repeat the URL, as it may contain a password.

    Args:
        url: The setting `documents_url`.

    Raises:
        DocumentsUnusable: If documents cannot be stored there.
    """
    protocol, separator, rest = url.partition("://")
    if not url.strip():
        raise DocumentsUnusable(f"documents_url is empty: use {_SUPPORTED}, or remove it")
    if any(unicodedata.category(character) == "Cc" for character in url):
        raise DocumentsUnusable("documents_url contains a line break or another control character: remove it")
    if not separator or len(protocol) == 1:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url):
            raise DocumentsUnusable(f"documents_url is neither a path nor a URL with ://: use {_SUPPORTED}")
        return "file"
    if protocol not in PACKAGES:
        shown = f"{protocol}://" if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,20}", protocol) else "its protocol"
        raise DocumentsUnusable(f"documents_url: {shown} is not supported for documents: use {_SUPPORTED}")
    package = PACKAGES[protocol]
    bucket = rest.partition("/")[0]
    if package == "adlfs":
        rest = _AZURE_ACCOUNT.sub("", rest, count=1) if _AZURE_ACCOUNT.match(rest) else rest
    # A secret key may contain a slash, so an @ anywhere in the URL is refused.
    if (package and re.search(r"[@?#]|^(?!arn:)[^/]*:", rest)) or (not package and "@" in bucket):
        raise DocumentsUnusable(
            "documents_url must not contain credentials or options"
            + (f": set the environment variables that {package} reads" if package else ""),
        )
    if package and not bucket:
        raise DocumentsUnusable(f"documents_url has no bucket name: write it as {protocol}://bucket/folder")
    return protocol
