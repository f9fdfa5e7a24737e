"""The network: encoder, case patterns and a linear head, in torch alone."""

import torch
from torch import nn


class Tagger(nn.Module):
    """Score IOB2 tags for tokens, read at their first wordpiece.

    encoder (nn.Module): A Hugging Face base model.
    n_tags (int): How many tags the head scores.
    n_cases (int): How many case patterns are embedded and added to the word
        embeddings; 0 for none.
    dropout (float): Share of the head's input that is dropped in training.
    """

    def __init__(self, encoder: nn.Module, n_tags: int, n_cases: int = 0, dropout: float = 0.1):
        super().__init__()
        self.encoder = encoder
        hidden_size = encoder.config.hidden_size
        self.cases = None
        if n_cases:
            self.cases = nn.Embedding(n_cases, encoder.get_input_embeddings().embedding_dim)
            # The pretrained encoder is left undisturbed at the start.
            nn.init.zeros_(self.cases.weight)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, n_tags)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, ids: torch.Tensor, cases: torch.Tensor, mask: torch.Tensor, places: torch.Tensor
    ) -> torch.Tensor:
        """Score the tokens of a micro-batch.

        ids (torch.Tensor): Wordpiece ids, int64 of shape (windows, length).
        cases (torch.Tensor): Case patterns, int64 of the same shape.
        mask (torch.Tensor): 1 for wordpieces and 0 for padding, same shape.
        places (torch.Tensor): Flat index of each token's first wordpiece, (tokens,).
        RETURNS (torch.Tensor): Logits of shape (tokens, n_tags).
        """
        if self.cases is None:
            output = self.encoder(input_ids=ids, attention_mask=mask)
        else:
            embeddings = self.encoder.get_input_embeddings()(ids) + self.cases(cases)
            output = self.encoder(inputs_embeds=embeddings, attention_mask=mask)
        hidden = output.last_hidden_state
        return self.head(self.dropout(hidden.reshape(-1, hidden.shape[-1])[places]))

    def head_parameters(self) -> list[nn.Parameter]:
        """RETURNS (list[nn.Parameter]): The parameters that start untrained."""
        parameters = list(self.head.parameters())
        return parameters if self.cases is None else [*parameters, *self.cases.parameters()]
