"""The network of PyTorch's SNLI example: both sentences are read by one bidirectional LSTM, and what it remembers of them is compared."""

import framework
import framework.nn.functional as F
from framework import Tensor, nn
from framework.nn.utils.rnn import pack_padded_sequence
from zoo.datasets.snli import LABELS, PADDING

HIDDEN = 300


class Net(nn.Module):
    """Premises (B, S) and hypotheses (B, T), as numbers of words, to scores of the three labels (B, 3)."""

    def __init__(self, vectors: Tensor, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(vectors)  # (V, D), not trained
        self.projection = nn.Linear(vectors.size(1), HIDDEN)
        self.encoder = nn.LSTM(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
        width = 4 * HIDDEN  # two sentences, each read in two directions
        self.classifier = nn.Sequential(
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, len(LABELS)),
        )

    def encode(self, sentences: Tensor) -> Tensor:
        """What the LSTM remembers of sentences (B, T): its last state from left to right, and from right to left, (B, 600)."""
        lengths = (sentences != PADDING).sum(1)  # (B,)
        sentences = sentences[:, : int(lengths.max())]
        words = F.relu(self.projection(self.embedding(sentences)))  # (B, T, 300)
        # Packed, the LSTM ends at each sentence's own last word: padding is never read.
        packed = pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, (state, _) = self.encoder(packed)  # (2, B, 300)
        return state.transpose(0, 1).flatten(1)

    def forward(self, premises: Tensor, hypotheses: Tensor) -> Tensor:
        return self.classifier(framework.cat([self.encode(premises), self.encode(hypotheses)], dim=1))
