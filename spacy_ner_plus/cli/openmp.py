"""How torch's threads wait, which OpenMP reads from the environment when torch is loaded."""

import os

# What sets how threads wait: OpenMP's own variable, and those of GNU's and of LLVM's and Intel's libraries.
POLICY = "OMP_WAIT_POLICY"
SPINS = "GOMP_SPINCOUNT"
_OTHERS = (SPINS, "KMP_BLOCKTIME")
# A few microseconds: by then most waits inside a network are over, and a training alone loses nothing; with none at
# all it was 17% slower, with 20,000 two side by side took 2.5 times one (benchmarks/side_by_side.py).
_SPINS = "5000"


def wait_passively() -> None:
    """Let threads sleep soon where they wait, in this process and those that it starts, unless the user chose.

    By default they spin, which takes the cores from whatever else runs there: a training beside other jobs
    then costs many times its own work. `import spacy` loads torch, so this comes before it.
    """
    if not any(os.environ.get(name) for name in (POLICY, *_OTHERS)):
        os.environ[POLICY] = "PASSIVE"
        os.environ[SPINS] = _SPINS
