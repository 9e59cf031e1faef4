"""What is worn or carried: sneaker, backpack, watch."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from drawing import paint as pt
from drawing import shapes as sh
from drawing.tracer import Camera, Part, Scene


def sneaker() -> Scene:
    """A low sneaker seen from its outer side."""
    plan = [
        (-1.0, 0),
        (-0.95, 0.22),
        (-0.6, 0.3),
        (0.0, 0.26),
        (0.5, 0.34),
        (0.9, 0.3),
        (1.12, 0.08),
        (1.1, -0.1),
        (0.8, -0.3),
        (0.4, -0.34),
        (-0.1, -0.26),
        (-0.6, -0.29),
        (-0.95, -0.2),
    ]
    side = [
        (-0.97, 0.1),
        (-1.0, 0.45),
        (-0.93, 0.83),
        (-0.82, 0.92),
        (-0.62, 0.74),
        (-0.35, 0.7),
        (-0.1, 0.84),
        (0.08, 0.77),
        (0.4, 0.53),
        (0.75, 0.41),
        (1.02, 0.28),
        (1.08, 0.1),
        (0, 0.06),
    ]
    footprint = sh.slab(plan, 4, 0.0, "xz")

    def narrowing(p: sh.Points) -> sh.Distances:
        squeeze = 1 + 0.42 * np.clip(p[1] - 0.15, 0, 1)
        return footprint(np.stack([p[0], p[1], p[2] * squeeze])) * 0.75

    sole = sh.common(sh.slab(plan, 4, 0, "xz"), sh.moved(sh.box(3, 0.2, 3, 0.02), 0, 0.12), 0.05)
    upper = sh.common(narrowing, sh.slab(side, 2, 0.0, "xy"), 0.14)
    hole = sh.moved(sh.turned(sh.ball(0.34, 1.25, 1.1, 0.5), 10, "z"), -0.48, 0.98)
    upper = sh.without(upper, hole, 0.05)
    laces = sh.joined(
        *(
            sh.rod((x, y, -0.15), (x + 0.03, y + 0.005, 0.17), 0.028)
            for x, y in ((0.1, 0.775), (0.22, 0.7), (0.33, 0.625), (0.44, 0.555))
        )
    )
    base = pt.cloth("#2f5d8c", 150, 0.3)
    white = pt.flat("#f3f1ec")
    heel = pt.striped(base, pt.flat("#1f3552"), lambda p: -0.62 - p[0] - 0.35 * (p[1] - 0.5))
    toe = pt.striped(heel, pt.flat("#274d76"), lambda p: p[0] - 0.55 - 0.35 * (0.5 - p[1]))
    wave = pt.striped(
        toe,
        white,
        lambda p: (
            0.045
            - np.abs(p[1] - 0.36 - 0.3 * (0.28 - p[0]) ** 2 * np.sign(0.28 - p[0]) - 0.02)
            - 0.3 * np.maximum(np.abs(p[0] + 0.15) - 0.42, 0)
        ),
    )
    tongue = pt.striped(
        wave,
        pt.flat("#203f63"),
        lambda p: np.minimum(np.minimum(0.17 - np.abs(p[2]), p[0] + 0.12), 0.6 - p[0]) * (p[1] > 0.45),
    )
    ribs = pt.striped(white, pt.flat("#c9c5bb"), lambda p: 0.012 - np.abs(p[1] - 0.12))
    parts = [
        Part(sh.turned(sole, -22), pt.turned(ribs, -22)),
        Part(sh.turned(upper, -22), pt.turned(tongue, -22), gloss=0.015),
        Part(sh.turned(laces, -22), white, gloss=0.015),
    ]
    return Scene(parts, Camera((0, 1.75, 6.2), (0.04, 0.42, 0), 22), bounds=((0, 0.45, 0), 1.3))


def backpack() -> Scene:
    """A canvas day pack with leather details."""
    front = [
        (-0.52, 0.06),
        (-0.56, 0.5),
        (-0.54, 1.1),
        (-0.4, 1.5),
        (0, 1.62),
        (0.4, 1.5),
        (0.54, 1.1),
        (0.56, 0.5),
        (0.52, 0.06),
        (0, 0.0),
    ]
    body = sh.slab(front, 0.62, 0.16)
    pouch = sh.moved(
        sh.slab(
            [(-0.38, 0.12), (-0.4, 0.5), (-0.36, 0.72), (0, 0.76), (0.36, 0.72), (0.4, 0.5), (0.38, 0.12), (0, 0.1)],
            0.3,
            0.09,
        ),
        0,
        0,
        0.3,
    )
    handle = sh.moved(sh.turned(sh.ring(0.15, 0.03, 1.5), 0), 0, 1.6, -0.12)
    straps = sh.joined(
        *(
            sh.moved(
                sh.turned(
                    sh.slab(
                        [
                            (-0.5, 0.1),
                            (-0.28, 0.4),
                            (-0.22, 0.9),
                            (-0.42, 1.42),
                            (-0.32, 1.42),
                            (-0.1, 0.9),
                            (-0.16, 0.35),
                            (-0.4, 0.05),
                        ],
                        0.09,
                        0.03,
                        "zy",
                    ),
                    0,
                ),
                x,
                0,
                -0.12,
            )
            for x in (-0.3, 0.3)
        )
    )
    belts = sh.joined(*(sh.moved(sh.box(0.09, 0.62, 0.05, 0.02), x, 0.78, 0.43) for x in (-0.21, 0.21)))
    buckles = sh.joined(*(sh.moved(sh.box(0.14, 0.1, 0.06, 0.015), x, 0.62, 0.455) for x in (-0.21, 0.21)))
    canvas = pt.cloth("#6d7651", 130, 0.4)
    zipped = pt.striped(
        canvas, pt.flat("#2c2d28"), lambda p: (0.016 - np.abs(p[1] - 1.17 + 0.25 * p[0] ** 2)) * (p[2] > 0.05)
    )
    bottom = pt.striped(zipped, pt.flat("#7a4a2a"), lambda p: 0.2 - p[1])
    leather = pt.flat("#8a5530")
    angle = 24
    parts = [
        Part(body, bottom, gloss=0.012),
        Part(
            pouch,
            pt.striped(canvas, pt.flat("#2c2d28"), lambda p: 0.014 - np.abs(p[1] - 0.6 + 0.12 * p[0] ** 2)),
            gloss=0.012,
        ),
        Part(sh.joined(handle, straps), leather, gloss=0.03),
        Part(belts, leather, gloss=0.03),
        Part(buckles, pt.flat("#cfae6a"), metal=True),
    ]
    parts = [Part(sh.turned(part.solid, angle), pt.turned(part.paint, angle), part.gloss, part.metal) for part in parts]
    return Scene(parts, Camera((0.0, 1.55, 6.4), (0, 0.82, 0), 24), bounds=((0, 0.85, 0), 1.2))


def watch() -> Scene:
    """A steel wristwatch with a blue dial, standing on its strap."""
    lift = 0.62
    oval = sh.turned(
        sh.slab(
            [(-0.42, 0), (-0.36, 0.36), (0, 0.56), (0.36, 0.36), (0.42, 0), (0.36, -0.36), (0, -0.56), (-0.36, -0.36)],
            9,
            0,
            "zy",
        ),
        0,
    )

    def strap(p: sh.Points) -> sh.Distances:
        width = 0.2 + 0.05 * np.clip(p[2] / 0.4, -1, 1)
        d = sh.length(np.maximum(np.abs(oval(p)) - 0.02, 0), np.maximum(np.abs(p[0]) - width + 0.02, 0)) - 0.02
        return d * 0.8

    case = sh.turned(
        sh.lathe([(0, 0.3), (0.36, 0.3), (0.4, 0.35), (0.4, 0.47), (0.36, 0.52), (0, 0.52)], smooth=False), 90, "x"
    )
    rim = sh.moved(sh.ring(0.35, 0.035), 0, 0, 0.52)
    dial = sh.turned(sh.lathe([(0, 0.4), (0.34, 0.4), (0.34, 0.525), (0, 0.525)], smooth=False), 90, "x")
    crown = sh.moved(
        sh.turned(sh.lathe([(0, 0), (0.05, 0), (0.05, 0.09), (0, 0.09)], smooth=False), -90, "z"), 0.4, 0, 0.41
    )
    lugs = sh.joined(
        *(sh.moved(sh.box(0.07, 0.2, 0.1, 0.03), x, y, 0.36) for x in (-0.22, 0.22) for y in (-0.36, 0.36))
    )
    face = pt.printed(pt.flat("#173a63"), _dial(), pt.in_front((0, 0), 0.68, 0.68, 0.5))
    steel = pt.flat("#d5d8dc")
    leather = pt.striped(
        pt.cloth("#6a3f22", 40, 0.2),
        pt.flat("#d9b98c"),
        lambda p: 0.006 - np.abs(np.abs(p[0]) - 0.185) - 0.02 * (np.sin(p[1] * 120) > 0.3),
    )
    parts = [
        Part(strap, leather, gloss=0.03),
        Part(sh.joined(case, rim, crown, lugs), steel, metal=True),
        Part(dial, face, gloss=0.03),
    ]

    def placed(solid: sh.Solid) -> sh.Solid:
        return sh.moved(sh.turned(sh.turned(solid, -16, "x"), -20), 0, lift)

    def placed_paint(paint: pt.Paint) -> pt.Paint:
        shift = np.array([[0], [lift], [0]], np.float32)
        return lambda p: paint(sh.rotate(sh.rotate(p - shift, 20), 16, "x"))

    parts = [Part(placed(part.solid), placed_paint(part.paint), part.gloss, part.metal) for part in parts]
    return Scene(parts, Camera((0, 1.3, 6.2), (0, 0.6, 0), 14.5), bounds=((0, 0.6, 0), 0.9))


def _dial() -> Image.Image:
    """Indices, hands and a name, transparent elsewhere."""
    picture = Image.new("RGBA", (1000, 1000), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)

    def hand(degrees: float, start: float, end: float, width: int, colour: str) -> None:
        x, y = np.sin(np.radians(degrees)), -np.cos(np.radians(degrees))
        draw.line([(500 + x * start, 500 + y * start), (500 + x * end, 500 + y * end)], fill=colour, width=width)

    for minute in range(60):
        hand(minute * 6, 440, 465, 5, "#b9c6d6")
    for hour in range(12):
        hand(hour * 30, 375, 455, 26 if hour % 3 == 0 else 15, "#f4f6f8")
    draw.text((500, 300), "NORDLICHT", fill="#f4f6f8", font=ImageFont.load_default(66), anchor="mm")
    draw.text((500, 700), "automatic", fill="#c9d5e2", font=ImageFont.load_default(48), anchor="mm")
    hand(305, -60, 235, 26, "#f4f6f8")
    hand(52, -70, 370, 18, "#f4f6f8")
    hand(190, -90, 400, 7, "#e2574c")
    draw.ellipse((474, 474, 526, 526), fill="#e2574c")
    return picture
