"""The network of PyTorch's time_sequence_prediction: two LSTM cells and a linear layer, 32,284 parameters."""

import framework
from framework import Tensor, nn

HIDDEN = 51


class Sequence(nn.Module):
    """Waves (N, L) to what follows each of their values, and on from there without being shown any more."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, HIDDEN)
        self.lstm2 = nn.LSTMCell(HIDDEN, HIDDEN)
        self.linear = nn.Linear(HIDDEN, 1)

    def forward(self, waves: Tensor, future: int = 0) -> Tensor:
        """Output (N, L + future): number t foretells value t + 1; the last ``future`` are fed with the output before them."""
        zeros = framework.zeros(len(waves), HIDDEN, dtype=waves.dtype, device=waves.device)
        state1 = state2 = (zeros, zeros)  # (h, c) of each cell, (N, 51)
        outputs = []

        def step(value: Tensor) -> None:  # (N, 1)
            nonlocal state1, state2
            state1 = self.lstm1(value, state1)
            state2 = self.lstm2(state1[0], state2)
            outputs.append(self.linear(state2[0]))  # (N, 1)

        for value in waves.split(1, dim=1):
            step(value)
        for _ in range(future):
            step(outputs[-1])
        return framework.cat(outputs, dim=1)
