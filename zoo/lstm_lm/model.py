"""The model of PyTorch's word-level example: what was read so far in two LSTM layers, and from it the next word."""

from framework import Tensor, nn

Hidden = tuple[Tensor, Tensor]  # h and c of both layers, each (2, B, H)


class LanguageModel(nn.Module):
    """Words (T, B), and what is remembered of those before, to scores of every next word (T, B, V)."""

    def __init__(self, vocabulary: int, hidden: int, dropout: float, tied: bool) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(vocabulary, hidden)
        self.rnn = nn.LSTM(hidden, hidden, num_layers=2, dropout=dropout)
        self.decoder = nn.Linear(hidden, vocabulary)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        if tied:  # a word means the same to the reader and to the writer (Press and Wolf, 2017)
            self.decoder.weight = self.encoder.weight
        else:
            nn.init.uniform_(self.decoder.weight, -0.1, 0.1)

    def forward(self, words: Tensor, hidden: Hidden | None = None) -> tuple[Tensor, Hidden]:
        x = self.drop(self.encoder(words))  # (T, B, H)
        x, hidden = self.rnn(x, hidden)  # (T, B, H)
        return self.decoder(self.drop(x)), hidden  # (T, B, V)
