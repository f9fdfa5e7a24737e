"""What this machine computes fast, and what a pipeline makes of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.machine import CPU
from spacy_ner_plus.workflows.arguments.pipelines import load_pipeline, path_of

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_ner_plus.models.tagger_model import TaggerModel


@dataclass(frozen=True)
class Speed:
    """How fast a network is computed in some way.

    task (str): 'prediction', 'training' or 'prediction by OpenVINO'.
    name (str): 'fp32', 'bf16' or 'int8', and whether transformers' own layers compute in it.
    milliseconds (float | None): Of a layer, for 1,000 wordpieces; of what OpenVINO multiplies there. None where it
        can't be computed here.
    factor (float | None): How many times as fast as fp32.
    chosen (bool): Whether it is taken.
    """

    task: str
    name: str
    milliseconds: float | None
    factor: float | None
    chosen: bool


@dataclass(frozen=True)
class NetworkInfo:
    """A network on this machine.

    name (str): The component's.
    device, precision (str): Its settings.
    precision_tolerance (float): Likewise: how many points of F1 `precision` 'auto' may cost.
    int8_cost (float | None): How many int8 costs; None where that isn't known.
    chosen (Mapping[str, str]): What is taken for 'prediction' and 'training'.
    speeds (Sequence[Speed]): What was measured; nothing of a GPU.
    """

    name: str
    device: str
    precision: str
    precision_tolerance: float
    int8_cost: float | None
    chosen: Mapping[str, str]
    speeds: Sequence[Speed]


@dataclass(frozen=True)
class MachineInfo:
    """A machine, and what it computes fast.

    cpu (CPU): Its CPU.
    cpus (int): How many CPUs this process may use.
    threads (int): How many threads torch computes with.
    versions (Mapping[str, str]): Those of Python and of what computes.
    cache (Path | None): The file in which measurements are kept; None where none are.
    networks (Sequence[NetworkInfo]): What was measured; none where there is no encoder to measure.
    """

    cpu: CPU
    cpus: int
    threads: int
    versions: Mapping[str, str]
    cache: Path | None
    networks: Sequence[NetworkInfo]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The same in what JSON has."""
        from dataclasses import asdict

        return {**asdict(self), "cache": None if self.cache is None else str(self.cache)}


def info(
    pipeline: "Language | str | Path | None" = None, *, anew: bool = False, code: str | Path | None = None
) -> MachineInfo:
    """Measure how fast a pipeline's networks are computed on this machine in each precision.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline. Default: the encoder
        all-MiniLM-L6-v2, where it is installed.
    anew (bool): Whether to forget what was measured before; the pipeline then chooses again. Default: False.
    code (str | Path): A Python file to run before the pipeline is loaded. Default: none.
    RETURNS (MachineInfo): What was found.
    RAISES (UserError): Where the pipeline can't be loaded, or holds no network of ours.
    """
    import platform

    import spacy
    import torch

    from spacy_ner_plus.cpus import usable_cpus
    from spacy_ner_plus.models.runtime.measurement import versions
    from spacy_ner_plus.models.runtime.measurement_file import measurement_file
    from spacy_ner_plus.models.runtime.threads import limit_threads

    limit_threads()
    taggers = dict(_packaged()) if pipeline is None else dict(_taggers(load_pipeline(pipeline, code=code)))
    if pipeline is not None and not taggers:
        raise UserError(Errors.E565.format(name=path_of(pipeline) or pipeline.meta["name"]))
    return MachineInfo(
        cpu=CPU.here(),
        cpus=usable_cpus(),
        threads=torch.get_num_threads(),
        versions={"python": platform.python_version(), **versions(), "spacy": spacy.__version__},
        cache=measurement_file(),
        networks=[_describe(name, tagger, anew) for name, tagger in taggers.items()],
    )


def _packaged() -> "Iterator[tuple[str, TaggerModel]]":
    import spacy

    from spacy_ner_plus.models.encoders.packaged import PACKAGED, is_installed

    if not is_installed():
        return
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("transformer_ner", config={"device": "cpu", "model": {"encoder": PACKAGED}})
    pipe.token_scorer.create(_SOME_TAGS, [])
    yield PACKAGED, pipe.token_scorer.tagger


# What a network without labels scores.
_SOME_TAGS = 9


def _taggers(nlp: "Language") -> "Iterator[tuple[str, TaggerModel]]":
    from spacy_ner_plus.models.token_scorer import TaggerScorer

    for name, pipe in nlp.components:
        scorer = getattr(pipe, "token_scorer", None)
        if isinstance(scorer, TaggerScorer) and scorer.n_tags is not None:
            yield name, scorer.tagger


def _describe(name: str, tagger: "TaggerModel", anew: bool) -> NetworkInfo:
    measured = tagger.measured(anew=anew)
    speeds: list[Speed] = []
    for task, (measurement, taken) in measured.items():
        fp32 = measurement.per_thousand.get("fp32")
        for variant, milliseconds in measurement.per_thousand.items():
            factor = fp32 / milliseconds if fp32 and milliseconds else None
            speeds.append(Speed(task, variant, milliseconds, factor, variant == str(taken)))
    return NetworkInfo(
        name=name,
        device=tagger.device,
        precision=tagger.precision,
        precision_tolerance=tagger.precision_tolerance,
        int8_cost=getattr(tagger, "int8_cost", None),
        chosen=tagger.chosen(),
        speeds=speeds,
    )
