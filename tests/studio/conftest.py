"""Product drawings: what a catalogue holds, made here so that the true outline is known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.studio.drawing import Drawing, masked


@pytest.fixture(scope="session")
def bottle() -> Drawing:
    """A green bottle with a label on a grey sweep that gets darker downwards, with a soft floor shadow."""
    size = (480, 640)
    sweep = np.linspace(238, 200, size[1])[:, None, None] * np.ones((1, size[0], 3))
    noise = np.random.default_rng(3).normal(0, 1.2, (size[1], size[0], 1))
    picture = Image.fromarray((sweep + noise).clip(0, 255).astype(np.uint8))
    shadow = Image.new("L", size, 0)
    ImageDraw.Draw(shadow).ellipse((150, 525, 350, 565), fill=110)
    picture.paste((120, 120, 120), mask=shadow.filter(ImageFilter.GaussianBlur(9)))

    def shape(pen: ImageDraw.ImageDraw, fill: object = 255) -> None:
        pen.rounded_rectangle((180, 190, 300, 550), 22, fill=fill)
        pen.rectangle((216, 110, 264, 200), fill=fill)

    pen = ImageDraw.Draw(picture)
    shape(pen, (120, 130, 125))
    pen.rectangle((180, 330, 300, 450), fill=(235, 230, 215))
    pen.text((192, 350), "OLIVE", fill=(20, 20, 20), font_size=32)
    return Drawing(picture, masked(size, shape))


@pytest.fixture(scope="session")
def mug() -> Drawing:
    """A white mug on white, with a handle to look through."""
    size = (600, 600)
    picture = Image.new("RGB", size, (252, 252, 252))
    body = (243 - 30 * np.abs(np.linspace(0, 1, 220) - 0.35)).astype(np.uint8)
    picture.paste(Image.fromarray(np.repeat(np.repeat(body[None, :, None], 290, 0), 3, 2)), (180, 170))
    pen = ImageDraw.Draw(picture)
    pen.arc((350, 230, 480, 390), -90, 90, fill=(226, 226, 224), width=24)

    def shape(drawn: ImageDraw.ImageDraw) -> None:
        drawn.rectangle((180, 170, 399, 459), fill=255)
        drawn.arc((350, 230, 480, 390), -90, 90, fill=255, width=24)

    return Drawing(picture, masked(size, shape))


@pytest.fixture(scope="session")
def chair() -> Drawing:
    """An orange armchair in a room: wall, floor, a picture, a cupboard, and grain."""
    size = (600, 600)
    picture = Image.new("RGB", size, (205, 195, 180))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 425, 600, 600), fill=(150, 115, 85))
    pen.rectangle((40, 50, 150, 190), fill=(90, 120, 150))
    pen.rectangle((480, 75, 575, 450), fill=(120, 80, 60))

    def shape(drawn: ImageDraw.ImageDraw, fill: object = 255) -> None:
        drawn.rounded_rectangle((200, 210, 400, 400), 25, fill=fill)
        drawn.rounded_rectangle((185, 350, 415, 460), 20, fill=fill)

    shape(pen, (215, 100, 45))
    grain = np.random.default_rng(5).normal(0, 5, (size[1], size[0], 1))
    picture = Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))
    return Drawing(picture.filter(ImageFilter.GaussianBlur(0.7)), masked(size, shape))


@pytest.fixture(scope="session")
def box() -> Drawing:
    """A blue cardboard box, 200 x 100, on pure white: the simplest product."""
    picture = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(picture).rectangle((100, 100, 299, 199), fill=(40, 80, 180))
    return Drawing(picture, masked((400, 300), lambda pen: pen.rectangle((100, 100, 299, 199), fill=255)))


@pytest.fixture(scope="session")
def page_of_text() -> Drawing:
    """Nothing but print: no product to find."""
    picture = Image.new("RGB", (600, 640), "white")
    pen = ImageDraw.Draw(picture)
    for line in range(21):
        pen.text((8, 8 + 30 * line), "Store in a cool dry place out of reach of children", fill="black", font_size=24)
    return Drawing(picture, np.ones((640, 600), bool))
