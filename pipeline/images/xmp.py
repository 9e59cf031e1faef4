"""Read and write one property of an XMP packet: IPTC's ``DigitalSourceType``.

The packet is edited as text at the places that an XML parser points to, so everything else in it stays byte for
byte.  Sources: ISO 16684-1 (XMP), IPTC Photo Metadata Standard (property and namespace).  Knows no image format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PROPERTY = f"{_IPTC_EXT} DigitalSourceType"

_START_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
_ATTRIBUTE = re.compile(rb"""\s+[^\s=:]+:DigitalSourceType\s*=\s*(?:"[^"]*"|'[^']*')""")
_PADDING = re.compile(rb"\s+(?=<\?xpacket end)")

_EMPTY_PACKET = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    b'<rdf:RDF xmlns:rdf="' + _RDF.encode() + b'">\n'
    b"</rdf:RDF>\n"
    b"</x:xmpmeta>\n"
    b'<?xpacket end="w"?>'
)


class BrokenXmp(Exception):
    """The packet is no XML that we can edit."""


@dataclass
class _Found:
    """What lies where in a packet; places are byte offsets."""

    values: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    """The attributes and elements that hold the property."""
    about: str = ""
    rdf: tuple[int, int] | None = None
    """The start and the end tag of ``rdf:RDF``; the same place when it is one empty tag."""


def digital_source(packet: bytes) -> str | None:
    """The value of the property; None when the packet does not have it.  Raises BrokenXmp."""
    values = _search(packet).values
    return values[0] if values else None


def with_digital_source(packet: bytes | None, value: str) -> bytes:
    """*packet*, or a new one, with the property set to *value*.  Raises BrokenXmp."""
    found = _search(packet) if packet else _Found()
    if packet is None or found.rdf is None:  # no properties at all: nothing is lost
        return _new_packet(value)
    if found.values == [value]:
        return packet
    for start, end in sorted(found.spans, reverse=True):
        packet = packet[:start] + packet[end:]
    return _insert(packet, _search(packet), value)


def without_padding(packet: bytes) -> bytes:
    """*packet* without the blanks that editors leave for growth."""
    return _PADDING.sub(b"\n", packet)


@lru_cache
def _new_packet(value: str) -> bytes:
    return _insert(_EMPTY_PACKET, _search(_EMPTY_PACKET), value)


def _insert(packet: bytes, found: _Found, value: str) -> bytes:
    description = (
        f"<rdf:Description xmlns:rdf={quoteattr(_RDF)} rdf:about={quoteattr(found.about)} "
        f"xmlns:Iptc4xmpExt={quoteattr(_IPTC_EXT)}>"
        f"<Iptc4xmpExt:DigitalSourceType>{escape(value)}</Iptc4xmpExt:DigitalSourceType></rdf:Description>\n"
    ).encode()
    assert found.rdf is not None
    start, end = found.rdf
    if start != end:
        return packet[:end] + description + packet[end:]
    tag = _start_tag(packet, start)  # <rdf:RDF ... /> must be opened first
    name = tag[1:].split(maxsplit=1)[0].rstrip(b"/>")
    opened = tag[:-2] + b">\n" + description + b"</" + name + b">"
    return packet[:start] + opened + packet[start + len(tag) :]


def _search(packet: bytes) -> _Found:
    if b"\0" in packet:
        raise BrokenXmp("not UTF-8")
    search = _Search(packet)
    try:
        search.parser.Parse(packet, True)  # noqa: FBT003  # the only name of this argument is its place
    except (expat.ExpatError, ValueError) as error:
        raise BrokenXmp(str(error)) from error
    return search.found


class _Search:
    """Walk a packet with expat and note what `_Found` asks for."""

    def __init__(self, packet: bytes) -> None:
        self.found = _Found()
        self._packet = packet
        self._open: list[tuple[str, int]] = []
        self._text: list[str] | None = None
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        self._open.append((name, at))
        if name == f"{_RDF} Description":
            self.found.about = self.found.about or attributes.get(f"{_RDF} about", "")
        if _PROPERTY in attributes:
            self.found.values.append(attributes[_PROPERTY].strip())
            self._note_attribute(at)
        if name == _PROPERTY:
            self._text = [attributes.get(f"{_RDF} resource", "")]

    def _end(self, name: str) -> None:
        _, start = self._open.pop()
        tag = _start_tag(self._packet, start)
        is_empty = tag.endswith(b"/>")
        end = start if is_empty else self.parser.CurrentByteIndex
        if name == f"{_RDF} RDF":
            self.found.rdf = (start, end)
        if name == _PROPERTY and self._text is not None:
            self.found.values.append("".join(self._text).strip())
            self.found.spans.append((start, start + len(tag) if is_empty else self._packet.index(b">", end) + 1))
            self._text = None

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _note_attribute(self, at: int) -> None:
        attribute = _ATTRIBUTE.search(_start_tag(self._packet, at))
        if attribute is None:
            raise BrokenXmp("an attribute that cannot be found again")
        self.found.spans.append((at + attribute.start(), at + attribute.end()))

    def _doctype(self, *_: object) -> None:
        raise BrokenXmp("a document type, which XMP does not have")


def _start_tag(packet: bytes, at: int) -> bytes:
    tag = _START_TAG.match(packet, at)
    if tag is None:
        raise BrokenXmp("a tag that cannot be found again")
    return tag[0]
