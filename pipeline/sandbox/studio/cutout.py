"""A photograph with its product found: the starting point of every edit but the swap."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from pipeline.sandbox.studio.color import Field, Pixels, as_pixels
from pipeline.sandbox.studio.fields import blur, grid_size, resize_pixels
from pipeline.sandbox.studio.mask import Subject, find_subject
from pipeline.sandbox.studio.matte import coverage, own_colours
from pipeline.sandbox.studio.region import grown
from pipeline.sandbox.studio.source import Photo


@dataclass(frozen=True)
class Cutout:
    """A product and how it was found.

    `rgb` (height, width, 3) is the whole photograph, `alpha` (height, width) 0..255 the product's coverage
    (255 everywhere when it was not found), `sure` whether it was, `plain` whether it stood on a plain sweep.
    `set` (height, width, 3) is the photograph without the product's old shadow.
    """

    rgb: Pixels
    alpha: Pixels
    sure: bool
    plain: bool
    set: Pixels

    @cached_property
    def own(self) -> Pixels:
        """`rgb` with the old backdrop's colour removed from the product's edge."""
        return own_colours(self.rgb, self.alpha) if self.sure else self.rgb

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]

    def through(self, change: Callable[[Pixels], Pixels]) -> "Cutout":
        """Return the cut-out with *change*, a crop or a change of size, made to each of its layers."""
        rgb = change(self.rgb)
        set_ = rgb if self.set is self.rgb else change(self.set)
        return Cutout(rgb, change(self.alpha), self.sure, self.plain, set_)

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of the product in pixels, right and bottom exclusive."""
        solid = self.alpha > 96  # noqa: PLR2004 - the visible edge; fainter pixels are haze
        columns, rows = np.nonzero(solid.any(axis=0))[0], np.nonzero(solid.any(axis=1))[0]
        if not len(columns):
            return 0, 0, *self.size
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def mask(self, longest: int) -> Field:
        """Return the coverage 0..1 on a grid whose longer side is *longest* cells."""
        return resize_pixels(self.alpha, grid_size(self.size, longest)).astype(np.float32) / 255


def cut_out(photo: Photo) -> Cutout:
    """Find the product in *photo*."""
    subject: Subject = find_subject(photo)
    plain = subject.backdrop is not None or photo.alpha is not None
    return Cutout(photo.rgb, coverage(photo, subject), subject.sure, plain, _unshaded(photo.rgb, subject))


def _unshaded(rgb: Pixels, subject: Subject) -> Pixels:
    """Return *rgb* with the shadow on a plain sweep painted over: under another lamp it would fall elsewhere."""
    if not subject.sure or subject.clean is None or subject.shadow is None or not subject.shadow.any():
        return rgb
    size = (rgb.shape[1], rgb.shape[0])
    paint = blur(grown(subject.shadow | subject.region, 3).astype(np.float32), 2)
    clean = Image.fromarray(resize_pixels(subject.clean, size, sharp=False))
    where = Image.fromarray(resize_pixels(as_pixels(paint * 255), size, sharp=False))
    return np.asarray(Image.composite(clean, Image.fromarray(rgb), where))
