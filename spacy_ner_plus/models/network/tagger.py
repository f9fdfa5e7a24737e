"""The network: encoder, features of the written text and a linear head, in torch alone."""

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from spacy_ner_plus.models.network.activation_ranges import ActivationRanges
from spacy_ner_plus.models.network.bert_layers import Layers, find_layers
from spacy_ner_plus.models.network.dropout import drop
from spacy_ner_plus.models.network.lora import Adapter, injected_adapter, merged_encoder, plain_names

# Numbers of tokens are rounded up to a multiple of this.
PLACES_STEP = 64
# Share of windows that are trained without the marks of where lines begin.
LINE_DROPOUT = 0.1


class Tagger(nn.Module):
    """Score IOB2 tags for tokens, read at their first wordpiece.

    encoder (nn.Module): A Hugging Face base model.
    n_tags (int): How many tags the head scores.
    n_cases (int): How many case patterns are embedded and added to the word
        embeddings; 0 for none.
    n_lines (int): 2 to do the same with whether a line begins; 0 for not.
    n_layers (int): How many of the encoder's last layers the head reads, side by side.
    dropout (float): Share of the head's input that is dropped in training.
    """

    def __init__(
        self,
        encoder: nn.Module,
        n_tags: int,
        n_cases: int = 0,
        n_lines: int = 0,
        n_layers: int = 1,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.encoder = encoder
        # Where there are none, or not on a CPU, transformers runs the encoder.
        self.layers = find_layers(encoder)
        # An adapter that was read and isn't in the encoder yet: `merged` predicts with it.
        self.read_adapter: Adapter | None = None
        # Of the weights as they are: whoever trains them drops it.
        self.ranges: ActivationRanges | None = None
        hidden_size = encoder.config.hidden_size
        width = encoder.get_input_embeddings().embedding_dim
        self.cases = nn.Embedding(n_cases, width) if n_cases else None
        self.lines = nn.Embedding(n_lines, width) if n_lines else None
        for feature in self._features():
            # The pretrained encoder is left undisturbed at the start.
            nn.init.zeros_(feature.weight)
        self.dropout = nn.Dropout(dropout)
        self.sizes = {"n_tags": n_tags, "n_cases": n_cases, "n_lines": n_lines, "n_layers": n_layers}
        self.head = _make_head(hidden_size * n_layers, n_tags)

    def by_transformers(self) -> "Tagger":
        """RETURNS (Tagger): The same network, whose encoder transformers runs on a CPU, too; all weights are shared."""
        copied = copy.copy(self)
        copied.layers = None
        return copied

    @property
    def adapter(self) -> Adapter | None:
        """RETURNS (Adapter | None): What is added to weights of the encoder, not copied; None for nothing."""
        return injected_adapter(self.encoder) if self.read_adapter is None else self.read_adapter

    def merged(self) -> "Tagger":
        """RETURNS (Tagger): The same network, its adapter merged into plain layers of its own, to predict; itself where
        it has none."""
        adapter = self.adapter
        if adapter is None:
            return self
        tagger = copy.copy(self)
        # Modules of a copy are those of the original, and so is what holds them.
        tagger._modules = dict(self._modules)
        tagger.read_adapter = None
        tagger.encoder = merged_encoder(self.encoder, adapter)
        tagger.layers = None if self.layers is None else find_layers(tagger.encoder)
        return tagger

    def adapt(self) -> None:
        """Take over an adapter that has been injected into the encoder, from where it is read from now on."""
        self.read_adapter = None
        self.layers = None if self.layers is None else find_layers(self.encoder)

    def plain_state(self) -> dict[str, torch.Tensor]:
        """RETURNS (dict[str, torch.Tensor]): All weights by name, as without an adapter: those that it is added to."""
        return plain_names(self.state_dict())

    @property
    def head_size(self) -> int:
        """RETURNS (int): How many tags are scored."""
        return self.sizes["n_tags"]

    def set_head(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Give the head weights that were trained elsewhere.

        weight (torch.Tensor): Of shape (n_tags, width).
        bias (torch.Tensor): Of shape (n_tags,).
        """
        with torch.no_grad():
            self.head.weight.copy_(weight)
            self.head.bias.copy_(bias)

    def draw_head(self, seed: int) -> None:
        """Give the head other random weights, which depend on nothing but this seed and the head's size."""
        _draw(self.head.weight, torch.Generator().manual_seed(seed))

    def resize_head(self, n_tags: int, rows: Sequence[int], margin: float) -> None:
        """Make a head for more tags.

        rows (Sequence[int]): Which tag of the new head each tag of this one becomes, O first.
        margin (float): By how much the logits of new tags are below that of O, at every token.
        """
        before = self.head
        self.head = _make_head(before.in_features, n_tags).to(before.weight)
        self.sizes = {**self.sizes, "n_tags": n_tags}
        with torch.no_grad():
            self.head.weight[:] = before.weight[0]
            self.head.bias[:] = before.bias[0] - margin
            self.head.weight[rows] = before.weight
            self.head.bias[rows] = before.bias

    def forward(
        self,
        ids: torch.Tensor,
        cases: torch.Tensor,
        lines: torch.Tensor,
        mask: torch.Tensor,
        places: torch.Tensor,
    ) -> torch.Tensor:
        """Score the tokens of a micro-batch.

        ids (torch.Tensor): Wordpiece ids, int64 of shape (windows, length).
        cases (torch.Tensor): Case patterns, int64 of the same shape.
        lines (torch.Tensor): 1 where a line begins, else 0; same shape.
        mask (torch.Tensor): 1 for wordpieces and 0 for padding, same shape.
        places (torch.Tensor): Flat index of each token's first wordpiece, (tokens,).
        RETURNS (torch.Tensor): Logits of shape (tokens, n_tags).
        """
        if self.read_adapter is not None:
            raise RuntimeError("the network's adapter is neither merged nor injected")
        inputs = {"input_ids": ids}
        if self.cases is not None or self.lines is not None:
            embeddings = self.encoder.get_input_embeddings()(ids)
            if self.cases is not None:
                embeddings = embeddings + self.cases(cases)
            if self.lines is not None:
                if self.training:
                    # Many texts have no lines: the network must do without, too.
                    lines = lines * (torch.rand(len(lines), 1, device=lines.device) >= LINE_DROPOUT)
                embeddings = embeddings + self.lines(lines)
            inputs = {"inputs_embeds": embeddings}
        if self.layers is not None and self.layers.computes_places and mask.device.type == "cpu":
            # Libraries keep code for each shape they have met: a number of tokens is rounded up.
            padded = F.pad(places, (0, -len(places) % PLACES_STEP))
            *lower, last = self.layers(mask, self.sizes["n_layers"], places=padded, **inputs)
            return self.head(torch.cat((last, *lower), dim=-1))[: len(places)]
        hidden = self.read_layers(mask, **inputs)
        # For the same reason the head on all places, and its result at those of tokens.
        logits = self.head(drop(hidden, self.dropout))
        return logits.reshape(-1, self.head_size)[places]

    def read_layers(self, mask: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """Run the encoder.

        mask (torch.Tensor): 1 for wordpieces and 0 for padding, (windows, length).
        input_ids (torch.Tensor): Wordpiece ids, of the same shape.
        inputs_embeds (torch.Tensor): Or word embeddings, (windows, length, width).
        RETURNS (torch.Tensor): Hidden states of the layers that the head reads, the last one first,
            (windows, length, layers * width).
        """
        n_layers = self.sizes["n_layers"]
        if self.layers is not None and mask.device.type == "cpu":
            *lower, last = self.layers(mask, n_layers, **inputs)
        elif n_layers == 1:
            return self.encoder(attention_mask=mask, **inputs).last_hidden_state
        else:
            output = self.encoder(attention_mask=mask, output_hidden_states=True, **inputs)
            # The last as it leaves the encoder: some normalise it once more on the way.
            lower, last = output.hidden_states[-n_layers:-1], output.last_hidden_state
        return torch.cat((last, *lower), dim=-1) if lower else last

    def predicting(
        self, layers: Layers, dtype: torch.dtype, *, embeddings: nn.Module | None = None
    ) -> "Tagger":
        """Make a tagger that predicts by other layers.

        layers (Layers): What computes in place of this tagger's own, an adapter with it.
        dtype (torch.dtype): What all else computes in.
        embeddings (nn.Module | None): The encoder's in another type than float32, where others have them already.
        RETURNS (Tagger): In evaluation mode. In float32 it shares the weights of all else with this one; in another
            type it has its own, and none of the encoder's layers.
        """
        if dtype == torch.float32:
            tagger = copy.copy(self)
            tagger.layers = layers
        else:
            # What a copy would hold in vain.
            memo = {id(self.layers.modules): nn.ModuleList(), id(self.layers): None}
            if embeddings is not None:
                memo[id(self.encoder.embeddings)] = embeddings
            tagger = copy.deepcopy(self, memo).to(dtype)
            tagger.layers = layers.without_modules(tagger.encoder)
        tagger.read_adapter = None
        return tagger.eval()

    def on_cpu(self) -> "Tagger":
        """RETURNS (Tagger): A copy on the CPU."""
        return copy.deepcopy(self).cpu()

    def head_parameters(self) -> list[nn.Parameter]:
        """RETURNS (list[nn.Parameter]): The parameters that start untrained."""
        return [p for part in (self.head, *self._features()) for p in part.parameters()]

    def _features(self) -> list[nn.Embedding]:
        return [feature for feature in (self.cases, self.lines) if feature is not None]


def _make_head(width: int, n_tags: int) -> nn.Linear:
    head = nn.Linear(width, n_tags)
    _draw(head.weight)
    nn.init.zeros_(head.bias)
    return head


def _draw(weight: torch.Tensor, generator: torch.Generator | None = None) -> None:
    nn.init.normal_(weight, std=0.02, generator=generator)
