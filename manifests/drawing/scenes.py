"""What the endpoints need beside products: rooms with their masks, backgrounds to borrow from, a pattern."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from drawing import paint as pt
from drawing import shapes as sh
from drawing.tracer import Camera, Part, Pixels, Scene

WIDE = (1024, 768)


def living_room() -> Image.Image:
    """A corner of a living room with room for a piece of furniture on the rug."""
    floor = sh.moved(sh.box(14, 0.2, 14, 0.0), 0, -0.1)
    wall = sh.moved(sh.box(14, 6, 0.2, 0.0), 0, 2.9, -2.2)
    skirting = sh.moved(sh.box(14, 0.16, 0.08, 0.02), 0, 0.08, -2.08)
    rug = sh.moved(sh.lathe([(0, 0), (1.45, 0), (1.5, 0.015), (1.45, 0.03), (0, 0.03)], smooth=False), 0.2, 0, -0.1)
    board = sh.moved(sh.box(1.5, 0.62, 0.5, 0.02), -2.2, 0.55, -1.75)
    legs = sh.joined(*(sh.rod((x, 0, z), (x, 0.3, z), 0.03) for x in (-2.85, -1.55) for z in (-1.95, -1.55)))
    frame = sh.moved(sh.box(1.1, 1.4, 0.06, 0.01), 0.35, 2.05, -2.07)
    pot = sh.moved(
        sh.lathe([(0, 0), (0.2, 0), (0.27, 0.45), (0.24, 0.45), (0.2, 0.38), (0, 0.38)], smooth=False), 2.2, 0, -1.45
    )
    stems, leaves = _plant(2.2, 0.4, -1.45)
    art = pt.label((440, 560), "#efe9dc", "#efe9dc", [])
    draw = ImageDraw.Draw(art)
    draw.ellipse((120, 90, 340, 310), fill="#d98a54")
    draw.polygon([(40, 520), (40, 400), (160, 280), (260, 370), (330, 310), (400, 380), (400, 520)], fill="#52685a")
    picture = pt.printed(pt.flat("#3a2f28"), art, pt.in_front((0.35, 2.05), 1.0, 1.3, -2.06))
    doors = pt.striped(
        pt.wood("#b98a58", "#8d6238"), pt.flat("#4a3420"), lambda p: 0.012 - np.abs(np.abs(p[0] + 2.2) - 0.25)
    )
    books = sh.joined(
        *(
            sh.moved(sh.box(0.07, h, 0.3, 0.01), x, 0.86 + h / 2, -1.75)
            for x, h in ((-2.75, 0.3), (-2.66, 0.34), (-2.57, 0.28), (-2.48, 0.32))
        )
    )
    parts = [
        Part(floor, planks, gloss=0.03),
        Part(wall, window_light, gloss=0.0),
        Part(skirting, pt.flat("#f3efe8"), gloss=0.02),
        Part(
            rug,
            pt.striped(
                pt.cloth("#d9cdb8", 90, 0.3),
                pt.flat("#a99a80"),
                lambda p: 0.02 - np.abs(sh.length(p[0] - 0.2, p[2] + 0.1) - 1.35),
            ),
            gloss=0.0,
        ),
        Part(board, doors, gloss=0.03),
        Part(sh.joined(legs), pt.flat("#3b3330"), gloss=0.04),
        Part(frame, picture, gloss=0.02),
        Part(pot, pt.flat("#c9c3b6"), gloss=0.03),
        Part(stems, pt.flat("#4a5a34")),
        Part(leaves, pt.flat("#3f6b3c"), gloss=0.04),
        Part(books, pt.striped(pt.flat("#8c3b35"), pt.flat("#2f4f6b"), lambda p: p[0] + 2.62)),
    ]
    camera = Camera((0.2, 1.65, 6.2), (0.1, 1.15, 0), 32)
    return Scene(parts, camera, sweep=None, bounds=((0, 1, 0), 12), size=WIDE, oversampling=1.25).photograph()


def _plant(x: float, y: float, z: float) -> tuple[sh.Solid, sh.Solid]:
    stems, leaves = [], []
    for n in range(9):
        turn, lean = n * 2.4, 0.22 + 0.035 * n
        tip = (x + lean * np.cos(turn), y + 1.15 - 0.09 * n, z + lean * np.sin(turn))
        stems.append(sh.rod((x, y, z), tip, 0.015))
        leaf = sh.turned(sh.turned(sh.ball(0.24, 0.5, 1, 0.12), 35 * np.cos(turn + 3.1), "z"), np.degrees(turn))
        leaves.append(sh.moved(leaf, tip[0], tip[1] + 0.12, tip[2]))
    return sh.joined(*stems), sh.joined(*leaves)


def planks(p: sh.Points) -> Pixels:
    """Oak boards, each of its own shade, with dark joints."""
    row = np.floor(p[2] / 0.28)
    along = p[0] + 0.7 * (row % 3)
    shade = pt.noise(np.stack([row * 7.3, np.floor(along / 2.1) * 3.1, row * 0]), 1.0)
    grain = pt.wood("#b78b5e", "#99703f", rings=5)(np.stack([p[0], p[1] + row, p[2]]))
    joint = np.minimum(
        np.abs(p[2] / 0.28 - np.round(p[2] / 0.28)) * 0.28, np.abs(along / 2.1 - np.round(along / 2.1)) * 2.1
    )
    return grain * (0.8 + 0.35 * shade) * (0.55 + 0.45 * np.clip(joint / 0.012, 0, 1))


def window_light(p: sh.Points) -> Pixels:
    """A warm white wall with the light of a window across it."""
    base = np.array(pt.linear("#e6dfd2"), np.float32)[:, None]
    u, v = p[0] + 0.5 * p[1] + 2.4, p[1]
    pane = np.clip(np.minimum(np.minimum(u - 0.4, 2.2 - u), np.minimum(v - 0.9, 3.4 - v)) / 0.12, 0, 1)
    bars = np.clip(np.minimum(np.abs(u - 1.3), np.abs(v - 2.15)) / 0.06, 0, 1)
    return base * (0.84 + 0.26 * pane * bars + 0.02 * pt.cloud(p, 3))


def living_room_mask() -> Image.Image:
    """White where the piece of furniture goes: on the rug, left of the plant."""
    return _mask((356, 392, 668, 676), 60)


def table_top() -> Image.Image:
    """A kitchen table in front of a tiled wall, with room for a small product."""
    table = sh.moved(sh.box(9, 0.2, 3.2, 0.03), 0, -0.1, 0)
    wall = sh.moved(sh.box(14, 8, 0.2, 0.0), 0, 2, -2.6)
    board = sh.moved(sh.turned(sh.box(1.0, 1.35, 0.07, 0.03), -7, "x"), -1.75, 0.72, -0.95)
    jug = sh.without(
        sh.lathe([(0, 0), (0.3, 0), (0.4, 0.3), (0.28, 0.75), (0.24, 0.9), (0.3, 1.0), (0, 1.0)]),
        sh.lathe([(0, 0.5), (0.2, 0.6), (0.2, 0.9), (0.26, 1.1), (0, 1.1)], smooth=False),
    )
    lemons = sh.joined(
        *(
            sh.moved(sh.turned(sh.ball(0.17, 1.25, 1, 1), turn), x, 0.17, z)
            for x, z, turn in ((-1.05, 0.15, 20), (-0.78, -0.2, -40))
        )
    )
    napkin = sh.moved(sh.turned(sh.box(0.95, 0.03, 0.7, 0.01), 15), 1.3, 0.015, 0.25)
    parts = [
        Part(table, pt.wood("#c79c6a", "#a87a48", rings=7), gloss=0.035),
        Part(wall, tiles, gloss=0.02),
        Part(board, pt.wood("#d8b98a", "#b98f58", rings=8, along="y"), gloss=0.02),
        Part(sh.moved(jug, 1.75, 0, -0.7), pt.flat("#e9e4da"), gloss=0.06),
        Part(lemons, pt.striped(pt.flat("#f0c22b"), pt.flat("#e0ad1f"), lambda p: pt.noise(p, 40) - 0.6), gloss=0.03),
        Part(napkin, pt.cloth("#6f8797", 60, 0.35), gloss=0.0),
    ]
    camera = Camera((0, 1.75, 5.4), (0, 0.62, -0.2), 30)
    return Scene(parts, camera, sweep=None, bounds=((0, 1, 0), 12), size=WIDE, oversampling=1.25).photograph()


def tiles(p: sh.Points) -> Pixels:
    """Glazed wall tiles in a running bond."""
    row = np.floor(p[1] / 0.34)
    x = p[0] + 0.34 * (row % 2)
    shade = pt.noise(np.stack([np.floor(x / 0.68) * 5.3, row * 3.7, row * 0]), 1.0)
    joint = np.minimum(np.abs(p[1] / 0.34 - np.round(p[1] / 0.34)) * 0.34, np.abs(x / 0.68 - np.round(x / 0.68)) * 0.68)
    base = np.array(pt.linear("#cfdcd6"), np.float32)[:, None]
    return base * (0.86 + 0.2 * shade) * (0.72 + 0.28 * np.clip(joint / 0.014, 0, 1))


def table_top_mask() -> Image.Image:
    """White where the product goes: the middle of the table."""
    return _mask((398, 262, 640, 560), 40)


def _mask(box: tuple[int, int, int, int], radius: int) -> Image.Image:
    picture = Image.new("L", WIDE, 0)
    ImageDraw.Draw(picture).rounded_rectangle(box, radius, fill=255)
    return picture


def garden() -> Image.Image:
    """A mossy stone in front of blurred foliage."""
    leaves = _lights(("#2f5d34", "#4b7f3f", "#7fa653", "#c9d98a", "#1f3f2a"), 150, 26, 92)
    stone = _plane(
        lambda p: pt.mixed(
            _grey(0.20 + 0.3 * pt.cloud(p, 3)), pt.flat("#46602f")(p), np.clip(4 * pt.cloud(p, 2) - 1.9, 0, 1)
        )
    )
    return _standing_on(leaves, stone, edge=0.66)


def linen() -> Image.Image:
    """A warm wall with late light, above a linen cloth."""
    rows, columns = np.mgrid[0 : WIDE[1], 0 : WIDE[0]].astype(np.float32)
    slant = columns + 0.45 * rows
    bars = 0.5 + 0.5 * np.clip(np.sin(slant / 82) * 3, -1, 1)
    light = 0.68 + 0.26 * bars * (1 - rows / WIDE[1] * 0.5)
    wall = np.stack([light * 236, light * 212, light * 184], axis=-1).clip(0, 255).astype(np.uint8)
    above = Image.fromarray(wall).filter(ImageFilter.GaussianBlur(9))
    cloth = _plane(lambda p: pt.cloth("#e3d4bd", 160, 0.25)(p) * (0.78 + 0.35 * pt.cloud(p, 1.2)))
    return _standing_on(above, cloth, edge=0.7)


def _grey(share: sh.Distances) -> Pixels:
    return np.stack([share, share * 0.98, share * 0.93]).astype(np.float32)


def _lights(colours: tuple[str, ...], count: int, small: int, large: int) -> Image.Image:
    """Out-of-focus spots on a dark ground; their places come from the noise, so they never change."""
    picture = Image.new("RGB", WIDE, colours[-1])
    layer = ImageDraw.Draw(picture, "RGBA")
    numbers = np.stack([np.arange(count) * 17.3, np.arange(count) * 5.9, np.zeros(count)]).astype(np.float32)
    x, y, size, which = (pt.noise(numbers + seed, 1.37) for seed in (0.0, 91.7, 43.1, 7.7))
    spread = np.array([np.argsort(np.argsort(axis)) / count for axis in (x, y)])
    for n in range(count):
        radius = small + (large - small) * size[n]
        centre = spread[0, n] * WIDE[0], spread[1, n] * WIDE[1]
        red, green, blue = (int(colours[int(which[n] * 997) % (len(colours) - 1)][i : i + 2], 16) for i in (1, 3, 5))
        box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
        layer.ellipse(box, fill=(red, green, blue, 120))
    return picture.filter(ImageFilter.GaussianBlur(14))


def _plane(paint: pt.Paint) -> Image.Image:
    """A horizontal surface that runs away from the viewer."""
    rows, columns = np.mgrid[0 : WIDE[1], 0 : WIDE[0]].astype(np.float32)
    depth = 1 / (0.12 + rows / WIDE[1])
    p = np.stack(
        [((columns / WIDE[0] - 0.5) * depth * 1.6).ravel(), np.zeros(rows.size, np.float32), (depth * 1.5).ravel()]
    )
    shade = (0.85 + 0.25 * rows / WIDE[1]).ravel()
    colours = np.clip(paint(p.astype(np.float32)) * shade, 0, 1) ** np.float32(1 / 2.2)
    return Image.fromarray((colours.T.reshape(WIDE[1], WIDE[0], 3) * 255 + 0.5).astype(np.uint8))


def _standing_on(above: Image.Image, surface: Image.Image, edge: float) -> Image.Image:
    """*above*, and from *edge* downwards *surface*; its far end is out of focus."""
    top = round(WIDE[1] * edge)
    ground = surface.resize((WIDE[0], WIDE[1] - top))
    picture = above.copy()
    picture.paste(ground, (0, top))
    soft = picture.filter(ImageFilter.GaussianBlur(7))
    ramp = np.clip((np.arange(WIDE[1], dtype=np.float32) - top - 4) / (0.2 * WIDE[1]), 0, 1) * 255
    sharp = Image.fromarray(np.repeat(ramp.astype(np.uint8)[:, None], WIDE[0], axis=1))
    return Image.composite(picture, soft, sharp)


def pattern() -> Image.Image:
    """A repeating tile of a printed fabric: semicircles in four colours, seamless on all sides."""
    side, cell = 768, 192
    picture = Image.new("RGB", (side, side), "#f2e8d5")
    draw = ImageDraw.Draw(picture)
    colours = ("#1f6f78", "#d98a54", "#7b1e22", "#e8c37a")
    for row in range(side // cell):
        for column in range(side // cell):
            x, y = column * cell, row * cell
            for ring, size in enumerate((96, 66, 36)):
                colour = colours[(row + column + ring) % len(colours)]
                draw.pieslice((x + 96 - size, y + 192 - size, x + 96 + size, y + 192 + size), 180, 360, fill=colour)
    return picture


SCENES = {
    "room-living.jpg": living_room,
    "room-living-mask.png": living_room_mask,
    "room-table.jpg": table_top,
    "room-table-mask.png": table_top_mask,
    "backdrop-garden.jpg": garden,
    "backdrop-linen.jpg": linen,
    "pattern-arches.png": pattern,
}
