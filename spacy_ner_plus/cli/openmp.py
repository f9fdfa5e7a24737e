"""How torch's threads wait, which OpenMP reads from the environment when torch is loaded."""

import os

# What sets how threads wait: OpenMP's own variable, and those of GNU's and of LLVM's and Intel's libraries.
POLICY = "OMP_WAIT_POLICY"
_OTHERS = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def wait_passively() -> None:
    """Let threads sleep while they wait, in this process and those that it starts, unless the user chose.

    By default they spin, which takes the cores from whatever else runs there: a training beside other jobs
    then costs many times its own work. `import spacy` loads torch, so this comes before it.
    """
    if not any(os.environ.get(name) for name in (POLICY, *_OTHERS)):
        os.environ[POLICY] = "PASSIVE"
