"""Mark an image as made by AI, without touching a pixel.

The mark is the IPTC property ``DigitalSourceType`` in XMP, as Google Merchant Center and Article 50 of the EU AI Act
ask for a machine-readable one.  Values: https://cv.iptc.org/newscodes/digitalsourcetype/, of which we use
``compositeWithTrainedAlgorithmicMedia`` (a photograph that was edited) and ``trainedAlgorithmicMedia`` (a made scene).
Knows neither endpoints nor files.
"""

from __future__ import annotations

from pipeline.images import packets, xmp

NEWSCODES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def stamp(data: bytes, digital_source: str) -> bytes:
    """The image *data* with the mark *digital_source*, a code of the IPTC list.

    JPEG, PNG and WebP get it; ICC, EXIF, other XMP properties and every coded pixel stay byte for byte.  Returned
    unchanged: other formats, multi-picture JPEG (its index holds offsets), files whose structure or XMP is broken,
    and images that carry this mark already.
    """
    try:
        packet = packets.read(data)
        marked = xmp.with_digital_source(packet, NEWSCODES + digital_source)
        return data if marked == packet else packets.replace(data, marked)
    except (packets.NoPlaceForXmp, xmp.BrokenXmp):
        return data


def labelled(data: bytes) -> str | None:
    """The code of the mark that *data* carries; None when there is none.  A value outside the IPTC list is whole."""
    try:
        packet = packets.read(data)
        value = xmp.digital_source(packet) if packet else None
    except (packets.NoPlaceForXmp, xmp.BrokenXmp):
        return None
    return value.replace("https://", "http://", 1).removeprefix(NEWSCODES) if value else None
