"""Generated PDF files."""

from __future__ import annotations

from sandbox.pdf import one_page_pdf


def test_a_pdf_is_valid_and_the_same_for_the_same_text() -> None:
    file = one_page_pdf(["Invoice (1)", "50 € \\ ő"])
    assert file == one_page_pdf(["Invoice (1)", "50 € \\ ő"]) != one_page_pdf(["Invoice (2)"])
    assert b"(Invoice \\(1\\)) Tj" in file
    assert b"(50 \x80 \\\\ \\\\u0151) Tj" in file
    assert file.startswith(b"%PDF-1.4\n")
    assert file.endswith(b"%%EOF\n")
    table = int(file.split()[-2])
    assert file[table:].startswith(b"xref\n0 6\n")
    places = [int(line.split()[0]) for line in file[table:].splitlines()[3:8]]
    assert [file[place : place + 7] for place in places] == [b"%d 0 obj" % number for number in range(1, 6)]
    (length,) = (int(part.split()[0]) for part in file.split(b"/Length ")[1:])
    assert file.split(b"stream\n")[1][length:] == b"\nend"
