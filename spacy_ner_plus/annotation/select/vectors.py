"""Many vectors, which wait in a temporary file and are read in blocks."""

import tempfile
from collections.abc import Iterator, Sequence
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
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
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

    def close(self) -> None:
        """Close the file, which removes it."""
        self._file.close()
