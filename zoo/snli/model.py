"""The network: one bidirectional LSTM reads both sentences, and what it made of them is compared, number by number.

It is that of PyTorch's SNLI example, but for the pooling and the comparison, which are InferSent's (Conneau et al., 2017): they learn from
far fewer pairs than the example's last states side by side.
"""

from itertools import pairwise

import framework
import framework.nn.functional as F
from framework import Tensor, nn
from framework.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from zoo.datasets.snli import LABELS, PADDING

HIDDEN = 300


class Net(nn.Module):
    """Premises (B, S) and hypotheses (B, T), as numbers of words, to scores of the three labels (B, 3).

    ``plain``: as PyTorch's example has it, what the LSTM ended with in both sentences, side by side.
    """

    def __init__(self, vectors: Tensor, dropout: float, plain: bool = False) -> None:
        super().__init__()
        self.plain = plain
        self.embedding = nn.Embedding.from_pretrained(vectors)  # (V, D), not trained
        self.projection = nn.Linear(vectors.size(1), HIDDEN)
        self.encoder = nn.LSTM(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
        sizes = [4 * HIDDEN] * 4 if plain else [8 * HIDDEN] + [2 * HIDDEN] * 3
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        self.compare = nn.Sequential(*layers, nn.Linear(sizes[-1], len(LABELS)))

    def encode(self, sentences: Tensor) -> Tensor:
        """Sentences (B, T) to vectors (B, 600): the largest value that each of the LSTM's outputs takes at any word."""
        lengths = (sentences != PADDING).sum(1)  # (B,)
        if not (lengths.is_cuda and framework.cuda.is_current_stream_capturing()):
            lengths = lengths.cpu()  # but while a step is recorded, nothing can be asked of the GPU
        # Packed, a sentence ends with its own last word: padding is never read.
        packed = pack_padded_sequence(sentences, lengths, batch_first=True, enforce_sorted=False)
        words = F.relu(self.projection(self.embedding(packed.data)))  # (all sentences' words, 300)
        outputs, (last, _) = self.encoder(packed._replace(data=words))
        if self.plain:
            return framework.cat([last[0], last[1]], dim=1)  # of either direction, (B, 300) each
        # An LSTM's outputs are larger than -1, so that what fills the rows up is never the largest.
        longest = sentences.size(1) if lengths.is_cuda else None  # of the batch, where that is known
        states, _ = pad_packed_sequence(outputs, batch_first=True, padding_value=-1.0, total_length=longest)  # (B, T, 600)
        return states.amax(1)

    def forward(self, premises: Tensor, hypotheses: Tensor) -> Tensor:
        u, v = self.encode(premises), self.encode(hypotheses)  # (B, 600)
        return self.compare(framework.cat([u, v] if self.plain else [u, v, (u - v).abs(), u * v], dim=1))
