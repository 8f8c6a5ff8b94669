"""Small PDF files: one page of text, the same bytes for the same text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MEDIA_TYPE = "application/pdf"


def one_page_pdf(lines: Sequence[str]) -> bytes:
    r"""Return a PDF of one A4 page.

    Args:
        lines: Its lines, from the top. A character that the font lacks is written as `\u…`.

    Returns:
        The file.
    """
    shown = " T* ".join(f"({_escaped(line)}) Tj" for line in lines)
    text = f"BT /F1 10 Tf 12 TL 50 800 Td {shown} ET".encode("cp1252")
    font = b"<< /Font << /F1 5 0 R >> >>"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>" % font,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    file = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    tail = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(file + tail % (size, entries, size, len(file)))


def _escaped(line: str) -> str:
    printable = line.encode("cp1252", "backslashreplace").decode("cp1252")
    return printable.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
