"""Chat models of your own: fine-tuning of small language models. It knows nothing of spaCy or of reply formats."""

from spacy_ner_plus.causal.finetune import DevChats, Finetuned, finetune
from spacy_ner_plus.causal.settings import FinetuneSettings

__all__ = ["DevChats", "FinetuneSettings", "Finetuned", "finetune"]
