"""Regions of yes and no: connected pieces, holes, growing and shrinking of a (height, width) boolean mask."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Region = NDArray[np.bool_]
Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Connected pieces: `labels` is 0 outside and 1..count inside; `areas[n]` is the size of piece n in cells."""

    labels: Labels
    areas: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many pieces there are."""
        return len(self.areas) - 1

    def at_border(self) -> NDArray[np.int32]:
        """Return the numbers of the pieces that touch the picture's border."""
        edges = np.concatenate([self.labels[0], self.labels[-1], self.labels[:, 0], self.labels[:, -1]])
        return np.setdiff1d(np.unique(edges), [0])

    def only(self, numbers: NDArray[np.integer]) -> Region:
        """Return the region covered by the pieces *numbers*."""
        chosen = np.zeros(len(self.areas), bool)
        chosen[numbers] = True
        return chosen[self.labels]


def pieces(region: Region) -> Pieces:
    """Return the pieces of *region*, joined over edges and not over corners."""
    rows, starts, ends = _runs(region)
    roots = _joined(rows, starts, ends)
    _, numbers = np.unique(roots, return_inverse=True)
    labels = np.zeros(region.shape, np.int32)
    per_cell = np.repeat(numbers.astype(np.int32) + 1, ends - starts)
    labels[region] = per_cell
    areas = np.bincount(per_cell, minlength=1 + len(np.unique(roots))).astype(np.int64)
    return Pieces(labels, areas)


def _runs(region: Region) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return row, first and one-past-last column of every horizontal run, in reading order."""
    padded = np.pad(region, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    return rows, starts, ends


def _joined(rows: NDArray[np.intp], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each run the number of the run that stands for its piece (union-find over adjacent rows)."""
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first, last = starts.tolist(), ends.tolist()
    bounds = np.searchsorted(rows, np.arange(int(rows.max(initial=-1)) + 2)).tolist()
    for row in range(1, len(bounds) - 1):
        above, here = bounds[row - 1], bounds[row]
        while above < bounds[row] and here < bounds[row + 1]:
            if first[above] < last[here] and first[here] < last[above]:
                parent[root(here)] = root(above)
            if last[above] < last[here]:
                above += 1
            else:
                here += 1
    return np.array([root(run) for run in range(len(parent))], np.intp)


def reached_from_border(free: Region) -> Region:
    """Return the part of *free* that is connected to the picture's border."""
    found = pieces(free)
    return found.only(found.at_border())


def without_holes(region: Region) -> Region:
    """Return *region* with everything that it encloses."""
    return ~reached_from_border(~region)


def grown(region: Region, cells: int) -> Region:
    """Return *region* grown by *cells* in every direction (a square reach)."""
    return _reaching(_reaching(region, cells).T, cells).T


def shrunk(region: Region, cells: int) -> Region:
    """Return *region* eaten away by *cells* from every edge, not from the picture's border."""
    return ~grown(~region, cells)


def _reaching(region: Region, cells: int) -> Region:
    """Return *region* grown by *cells* up and down: a run of length n can be doubled, and one more, at a stroke."""
    done = 0
    while done < cells:
        step = min(cells - done, 2 * done + 1, region.shape[0] - 1)
        if step < 1:
            break
        wider = region.copy()
        wider[step:] |= region[:-step]
        wider[:-step] |= region[step:]
        region, done = wider, done + step
    return region


def box_of(region: Region) -> tuple[int, int, int, int] | None:
    """Return (left, top, right, bottom), right and bottom exclusive, or None for an empty region."""
    columns, rows = np.nonzero(region.any(axis=0))[0], np.nonzero(region.any(axis=1))[0]
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
