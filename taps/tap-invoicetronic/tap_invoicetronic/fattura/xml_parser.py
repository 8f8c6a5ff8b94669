"""Parses the XML of invoices: entities and network are off, and namespaces need not be URIs."""

from __future__ import annotations

from xml.parsers import expat

from lxml import etree

from tap_invoicetronic.fattura.encodings import (
    NotDecodable,
    Xml,
    decoded_xml,
    from_utf8_and_windows_1252,
    is_utf8,
)

_NOT_A_URI = frozenset({etree.ErrorTypes.WAR_NS_URI, etree.ErrorTypes.WAR_NS_URI_RELATIVE})
_NO_CHARACTER_OF_XML = "\x01"


class InvalidXml(ValueError):
    """The XML is not well-formed. The message is one line and repeats nothing of it."""


def parse(content: bytes) -> etree._Element:
    """Parse XML.

    The parser's own limits apply: 10 MB for one text, and a depth far beyond the 8 levels of the format.

    Args:
        content: A file that begins with a tag, in any encoding.

    Returns:
        Its root, without comments and processing instructions. Entities are not expanded.

    Raises:
        InvalidXml: If it is not well-formed.
    """
    try:
        xml = decoded_xml(content)
    except NotDecodable as fault:
        raise InvalidXml(f"invalid XML: {fault}") from None
    if xml.encoding is not None or is_utf8(xml.content):
        return _parsed(xml)
    try:
        return _parsed(xml)
    except InvalidXml:
        # It declares an encoding that the parser does not know, or that it is not in.
        return _parsed(Xml(from_utf8_and_windows_1252(xml.content), "utf-8"))


def _parsed(xml: Xml) -> etree._Element:
    parser = _parser(xml.encoding)
    try:
        return etree.fromstring(xml.content, parser)
    except etree.XMLSyntaxError as error:
        faults = {entry.type for entry in parser.error_log}
        if faults <= _NOT_A_URI and _is_well_formed(xml):
            return _with_usable_namespaces(etree.fromstring(xml.content, _parser(xml.encoding, recover=True)))
        raise InvalidXml(f"invalid XML in line {error.lineno}") from None


def _parser(encoding: str | None, *, recover: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=encoding,
        huge_tree=False,
        load_dtd=False,
        no_network=True,
        recover=recover,
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
    )


def _is_well_formed(xml: Xml) -> bool:
    """Return whether XML is well-formed, its namespaces too, but for what a namespace may be.

    libxml2 refuses namespaces that are no URI, like `http://example.com/XSD fattura`; the SDI accepts them. Told to
    recover, it would accept anything, and it stops reporting faults after a hundred: so expat, which does not mind what
    a namespace is, has to find no fault at all.
    """
    if b"<!DOCTYPE" in xml.content:
        return False
    parser = expat.ParserCreate(xml.encoding, _NO_CHARACTER_OF_XML)
    try:
        parser.Parse(xml.content, True)  # noqa: FBT003 - the parameter has no name
    except expat.ExpatError:
        return False
    return True


def _with_usable_namespaces(root: etree._Element) -> etree._Element:
    """Remove white space around namespaces, and encode the brackets that would make a name ambiguous."""
    for element in root.iter():
        if (tag := str(element.tag)) != (usable := _usable(tag)):
            element.tag = usable
        for name, value in element.items():
            usable = _usable(str(name))
            if usable != name and usable not in element.attrib:
                del element.attrib[name]
                element.set(usable, value)
    return root


def _usable(name: str) -> str:
    namespace, _, local = name.rpartition("}")
    usable = namespace[1:].strip().replace("{", "%7B").replace("}", "%7D")
    return f"{{{usable}}}{local}" if usable else local
