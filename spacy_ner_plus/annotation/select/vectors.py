"""Many vectors, which wait in a temporary file and are read in blocks."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np

# Products of matrices are computed for so many vectors at once, and end at its multiples: their last digits depend on
# the shape, and this way none depends on the size of a block.
TILE = 1024


class Vectors:
    """Unit vectors, float32, in a temporary file that goes with the process: memory holds a block of them at a time.

    width (int): Of each.
    folder (Path): Where the file lies. Default: that of temporary files.
    block (int): How many are read at once, in multiples of TILE. Default: 16,384, which is 25 MB for 384 numbers.
    """

    def __init__(self, width: int, folder: Path | None = None, block: int = 16 * TILE):
        self.width = width
        self._block = max(1, block // TILE) * TILE
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - goes with the object
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, vectors: np.ndarray) -> None:
        """Add vectors, of shape (some, width)."""
        self._write(self._count, vectors)
        self._count += len(vectors)

    def tiles(self) -> Iterator[tuple[int, np.ndarray]]:
        """YIELDS (tuple[int, Floats2d]): All vectors, TILE at a time, each with the number of its first."""
        for begin in range(0, self._count, self._block):
            block = self._read(begin, min(begin + self._block, self._count))
            for offset in range(0, len(block), TILE):
                yield begin + offset, block[offset : offset + TILE]

    def take(self, indices: Sequence[int]) -> np.ndarray:
        """RETURNS (Floats2d): Some of them, in that order."""
        found = np.empty((len(indices), self.width), dtype=np.float32)
        for row, index in enumerate(indices):
            found[row] = self._read(index, index + 1)[0]
        return found

    def _read(self, begin: int, end: int) -> np.ndarray:
        size = 4 * self.width
        self._file.seek(begin * size)
        return np.frombuffer(self._file.read((end - begin) * size), dtype=np.float32).reshape(-1, self.width)

    def _write(self, begin: int, vectors: np.ndarray) -> None:
        self._file.seek(begin * 4 * self.width)
        self._file.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())

    def close(self) -> None:
        """Close the file, which removes it."""
        # What it still holds back is written then, which a full disk refuses; it is closed all the same.
        with suppress(OSError):
            self._file.close()


class VectorsOnDemand(Vectors):
    """The same, each made when it is first needed.

    count (int): How many there are; at least one.
    make (Callable): Makes some of them, by their numbers in rising order: gives them in parts, with their numbers.
    folder (Path): Where the file lies. Default: that of temporary files.
    block (int): How many are read at once.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[list[int]], Iterator[tuple[list[int], np.ndarray]]],
        folder: Path | None = None,
        block: int = 16 * TILE,
    ):
        # The width is known with the first.
        super().__init__(0, folder, block)
        del self.width
        self._count = count
        self._make = make
        self._made = np.zeros(count, dtype=bool)

    @cached_property
    def width(self) -> int:
        self._ensure([0])
        return self.width

    def append(self, vectors: np.ndarray) -> None:
        raise NotImplementedError

    def tiles(self) -> Iterator[tuple[int, np.ndarray]]:
        self._ensure(np.flatnonzero(~self._made))
        return super().tiles()

    def take(self, indices: Sequence[int]) -> np.ndarray:
        self._ensure(indices)
        return super().take(indices)

    def _ensure(self, indices: Sequence[int]) -> None:
        missing = sorted({int(index) for index in indices if not self._made[index]})
        if not missing:
            return
        for numbers, vectors in self._make(missing):
            self.__dict__.setdefault("width", vectors.shape[1])
            for number, vector in zip(numbers, vectors, strict=True):
                self._write(number, vector)
            self._made[numbers] = True
