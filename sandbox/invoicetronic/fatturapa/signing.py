"""CAdES envelopes (.p7m): CMS SignedData with the file inside, encoded by hand.

The envelope is complete (RFC 5652, with the attributes of ETSI EN 319 122): certificate, digest and signed attributes
are present and agree. The signature is random bytes: there is no key.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from sandbox.invoicetronic.fatturapa.draw import Draw

Wrapping: TypeAlias = Literal["none", "der", "ber", "base64", "long", "overrun"]
"""No envelope; DER; BER with indefinite lengths and split content, as streaming signers write it; DER in base64 lines;
BER with lengths of eight bytes; an envelope whose content runs on over the certificate, with nothing behind it."""

INTEGER, BIT_STRING, OCTET_STRING, NULL, OBJECT_ID = 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, UTC_TIME, SEQUENCE, SET = 0x0C, 0x17, 0x30, 0x31
CONSTRUCTED_OCTET_STRING = 0x24
EXPLICIT_0 = 0xA0

END_OF_CONTENTS = b"\x00\x00"
SHORT_LENGTH = 0x80
LONG_LENGTH_BYTES = 8
CHUNK_BYTES = 1000
"""The size of one part of a split octet string."""

SIGNED_AT = b"260316080000Z"


def envelope(content: bytes, draw: Draw, wrapping: Wrapping) -> bytes:
    """Return the content of the file, signed as `wrapping` says."""
    if wrapping == "none":
        return content
    if wrapping == "base64":
        return base64.encodebytes(_signed_data(content, draw, "der")).replace(b"\n", b"\r\n")
    return _signed_data(content, draw, wrapping)


def _signed_data(content: bytes, draw: Draw, wrapping: Wrapping) -> bytes:
    outer = {"ber": _indefinite, "long": _long}.get(wrapping, _definite)
    certificate = _certificate(draw)
    if wrapping == "overrun":
        octets, behind = _definite(OCTET_STRING, content + certificate), b""
    else:
        octets = _split(content) if wrapping == "ber" else outer(OCTET_STRING, content)
        behind = _definite(EXPLICIT_0, certificate) + _definite(SET, _signer(content, certificate, draw))
    signed_data = b"".join(
        (
            _integer(1),
            _definite(SET, _algorithm("2.16.840.1.101.3.4.2.1")),
            outer(SEQUENCE, _object_id("1.2.840.113549.1.7.1") + outer(EXPLICIT_0, octets)),
            behind,
        )
    )
    return outer(SEQUENCE, _object_id("1.2.840.113549.1.7.2") + outer(EXPLICIT_0, outer(SEQUENCE, signed_data)))


def _split(content: bytes) -> bytes:
    parts = (content[start : start + CHUNK_BYTES] for start in range(0, len(content), CHUNK_BYTES))
    return _indefinite(CONSTRUCTED_OCTET_STRING, b"".join(_definite(OCTET_STRING, part) for part in parts))


def _signer(content: bytes, certificate: bytes, draw: Draw) -> bytes:
    attributes = b"".join(
        sorted(
            (
                _attribute("1.2.840.113549.1.9.3", _object_id("1.2.840.113549.1.7.1")),
                _attribute("1.2.840.113549.1.9.5", _definite(UTC_TIME, SIGNED_AT)),
                _attribute("1.2.840.113549.1.9.4", _definite(OCTET_STRING, hashlib.sha256(content).digest())),
                _attribute("1.2.840.113549.1.9.16.2.47", _signing_certificate(certificate)),
            )
        )
    )
    return _definite(
        SEQUENCE,
        b"".join(
            (
                _integer(1),
                _definite(SEQUENCE, _name("Sandbox CA") + _integer(7)),
                _algorithm("2.16.840.1.101.3.4.2.1"),
                _definite(EXPLICIT_0, attributes),
                _algorithm("1.2.840.113549.1.1.1"),
                _definite(OCTET_STRING, draw.bytes(256)),
            )
        ),
    )


def _certificate(draw: Draw) -> bytes:
    """Return a well-formed certificate for a key that does not exist."""
    key = _definite(SEQUENCE, _integer(int.from_bytes(draw.bytes(256)) | 1) + _integer(65537))
    signature = _algorithm("1.2.840.113549.1.1.11")
    to_be_signed = b"".join(
        (
            _definite(EXPLICIT_0, _integer(2)),
            _integer(7),
            signature,
            _name("Sandbox CA"),
            _definite(SEQUENCE, _definite(UTC_TIME, b"250101000000Z") + _definite(UTC_TIME, b"350101000000Z")),
            _name("Firmatario di prova"),
            _definite(SEQUENCE, _algorithm("1.2.840.113549.1.1.1") + _definite(BIT_STRING, b"\x00" + key)),
        )
    )
    return _definite(
        SEQUENCE, _definite(SEQUENCE, to_be_signed) + signature + _definite(BIT_STRING, b"\x00" + draw.bytes(256))
    )


def _signing_certificate(certificate: bytes) -> bytes:
    """Return the value of the attribute that makes it CAdES: the digest of the certificate used."""
    digest = _definite(OCTET_STRING, hashlib.sha256(certificate).digest())
    return _definite(SEQUENCE, _definite(SEQUENCE, _definite(SEQUENCE, digest)))


def _attribute(name: str, value: bytes) -> bytes:
    return _definite(SEQUENCE, _object_id(name) + _definite(SET, value))


def _name(common_name: str) -> bytes:
    pair = _object_id("2.5.4.3") + _definite(UTF8_STRING, common_name.encode())
    return _definite(SEQUENCE, _definite(SET, _definite(SEQUENCE, pair)))


def _algorithm(name: str) -> bytes:
    return _definite(SEQUENCE, _object_id(name) + _definite(NULL, b""))


def _integer(value: int) -> bytes:
    return _definite(INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def _object_id(dotted: str) -> bytes:
    first, second, *others = map(int, dotted.split("."))
    return _definite(OBJECT_ID, b"".join(map(_base_128, (40 * first + second, *others))))


def _base_128(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def _definite(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < SHORT_LENGTH:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, SHORT_LENGTH | len(octets))) + octets + content


def _indefinite(tag: int, content: bytes) -> bytes:
    return bytes((tag, SHORT_LENGTH)) + content + END_OF_CONTENTS


def _long(tag: int, content: bytes) -> bytes:
    return bytes((tag, SHORT_LENGTH | LONG_LENGTH_BYTES)) + len(content).to_bytes(LONG_LENGTH_BYTES) + content
