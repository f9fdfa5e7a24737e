"""GGUF files, written whole or not at all."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.files import written_whole

DType = Literal["f16", "q8_0", "f32"]
DTYPES: tuple[DType, ...] = ("f16", "q8_0", "f32")
# What llama.cpp calls a file most of whose tensors are of a type.
FILE_TYPES = {"f32": 0, "f16": 1, "q8_0": 7}
_BLOCK = 32
_MOST = np.finfo(np.float16).max


def write_gguf(
    out: Path,
    architecture: str,
    metadata: Mapping[str, Any],
    tensors: Iterable[tuple[str, np.ndarray]],
    *,
    dtype: DType,
) -> Path:
    """Write a GGUF file.

    architecture (str): As llama.cpp calls it.
    metadata (Mapping[str, Any]): By key: strings, numbers, booleans, and lists of these.
    tensors (Iterable[tuple[str, np.ndarray]]): By llama.cpp's names. Vectors stay floats of 32 bits.
    dtype (str): Of matrices.
    RETURNS (Path): The file.
    RAISES (UserError): Where it can't be written, or a number is too large for its type, or none.
    """
    with from_extra("finetune"):
        from gguf import GGMLQuantizationType, GGUFWriter
        from gguf.quants import quantize

    with written_whole(out) as beside:
        writer = GGUFWriter(beside, architecture)
        for key, value in metadata.items():
            _add(writer, key, value)
        for name, tensor in tensors:
            if not np.isfinite(tensor).all() or (
                dtype == "f16" and tensor.ndim > 1 and np.abs(tensor).max() > _MOST
            ):
                raise UserError(Errors.E940.format(name=name, dtype=dtype))
            if tensor.ndim < 2 or dtype == "f32":
                writer.add_tensor(name, tensor.astype(np.float32))
            elif dtype == "q8_0" and tensor.shape[-1] % _BLOCK == 0:
                kind = GGMLQuantizationType.Q8_0
                writer.add_tensor(name, quantize(tensor.astype(np.float32), kind), raw_dtype=kind)
            else:
                writer.add_tensor(name, tensor.astype(np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return out


def _add(writer: Any, key: str, value: Any) -> None:
    # True is a number, too.
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    elif value:
        writer.add_array(key, value)
