"""The guided filter: smooth one field so that its edges fall where another field has edges.

He, Sun and Tang, "Guided Image Filtering" (2013) and "Fast Guided Filter" (2015): the two coefficient
fields are smooth, so they may be computed small and applied large.
"""

from pipeline.sandbox.studio.color import Field
from pipeline.sandbox.studio.fields import box_blur


def coefficients(guide: Field, wanted: Field, radius: int, softness: float) -> tuple[Field, Field]:
    """Return (gain, offset) such that gain * guide + offset follows *wanted* along the edges of *guide*.

    All are (height, width); *guide* and *wanted* run 0..1; *softness* is the variance that counts as flat.
    """
    mean_guide, mean_wanted = box_blur(guide, radius), box_blur(wanted, radius)
    spread = box_blur(guide * guide, radius) - mean_guide * mean_guide
    together = box_blur(guide * wanted, radius) - mean_guide * mean_wanted
    gain = together / (spread + softness)
    offset = mean_wanted - gain * mean_guide
    return box_blur(gain, radius), box_blur(offset, radius)


def guided(guide: Field, wanted: Field, radius: int, softness: float) -> Field:
    """Return *wanted* smoothed along *guide*; same size, not clipped."""
    gain, offset = coefficients(guide, wanted, radius, softness)
    return gain * guide + offset
