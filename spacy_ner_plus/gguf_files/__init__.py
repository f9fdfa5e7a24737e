"""llama.cpp's own file format: models and adapters in and out, by numpy alone."""

from spacy_ner_plus.gguf_files.adapters import adapter_to_gguf
from spacy_ner_plus.gguf_files.checkpoints import Checkpoint, read_checkpoint
from spacy_ner_plus.gguf_files.metadata import read_metadata
from spacy_ner_plus.gguf_files.models import folder_to_gguf

__all__ = ["Checkpoint", "adapter_to_gguf", "folder_to_gguf", "read_checkpoint", "read_metadata"]
