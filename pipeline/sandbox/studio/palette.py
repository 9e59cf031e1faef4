"""From the words of a prompt to the colours, ground and light of a calm set.

A prompt cannot be shown without a model; its colours can.  Two prompts with other words get other sets,
so that a wrong column or a template that filled in nothing is seen.  Knows nothing of pictures.
"""

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from pipeline.sandbox.studio.color import LUMA, Field, rgb
from pipeline.sandbox.studio.words import CALM, COLOUR_WORDS, WORDS, Colour, Touch


@dataclass(frozen=True)
class Mood:
    """A set: `wall`, `floor` and `light` are linear RGB (3,), `light` about 1 bright; `level` scales exposure.

    `ground` is plain, wood, stone, sand, cloth or water; `accents` any of window, bokeh, foliage.
    """

    wall: Field
    floor: Field
    light: Field
    ground: str
    accents: frozenset[str]
    level: float


def mood_of(prompt: str, avoid: str = "") -> Mood:
    """Return the set that *prompt* describes, without the looks of words that are also in *avoid*."""
    unwanted = set(_words(avoid))
    words = [word for word in _words(prompt) if word not in unwanted]
    touches = [WORDS[word] for word in words if word in WORDS]
    walls, floors = _coloured(words)
    calm = CALM[hashlib.sha256(prompt.encode()).digest()[0] % len(CALM)]
    walls += [touch.wall for touch in touches if touch.wall]
    floors += [touch.floor for touch in touches if touch.floor]
    wall = _mean(walls or [calm[0]])
    return Mood(
        wall=wall,
        floor=_mean(floors) if floors else _grounded(wall, calm[1], known=bool(walls)),
        light=_tint([touch.light for touch in touches if touch.light]),
        ground=next((touch.ground for touch in touches if touch.ground), "plain"),
        accents=frozenset(touch.accent for touch in touches if touch.accent),
        level=float(np.clip(np.prod([touch.level for touch in touches]), 0.5, 1.2)),
    )


def _words(text: str) -> list[str]:
    """Return the words of *text* in order, plurals of known words in the singular."""
    found = re.findall(r"[a-z]+", text.lower())
    known = WORDS.keys() | COLOUR_WORDS.keys()
    return [word[:-1] if word not in known and word[:-1] in known and word.endswith("s") else word for word in found]


def _coloured(words: list[str]) -> tuple[list[Colour], list[Colour]]:
    """Sort colour words into wall and floor: a colour right before a ground ("white marble") is the floor's."""
    walls: list[Colour] = []
    floors: list[Colour] = []
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if word in COLOUR_WORDS:
            ground = WORDS.get(following, Touch()).ground
            (floors if ground else walls).append(COLOUR_WORDS[word])
    return walls * 2, floors * 2  # a named colour counts twice against the colours words only suggest


def _mean(colours: list[Colour]) -> Field:
    """Return the mean of *colours*, the first one counting most."""
    weights = 0.6 ** np.arange(len(colours))
    mixed = np.average([rgb(colour) for colour in colours], axis=0, weights=weights)
    return np.asarray(mixed, np.float32)


def _grounded(wall: Field, calm: Colour, *, known: bool) -> Field:
    """Return a floor for a *wall* of a known colour: the same, a little darker."""
    return (wall * 0.78).astype(np.float32) if known else rgb(calm)


def _tint(colours: list[Colour]) -> Field:
    light = _mean(colours) if colours else np.ones(3, np.float32)
    return (light / max(1e-3, float(light @ LUMA))).astype(np.float32)
