"""The network of PyTorch's actor-critic example: one hidden layer, and on it an actor and a critic; 1,027 parameters."""

import framework.nn.functional as F
from framework import Tensor, nn


class ActorCritic(nn.Module):
    """Situations (T, 4) to the actor's preferences for left and right (T, 2) and the critic's forecast of the return (T,)."""

    def __init__(self) -> None:
        super().__init__()
        self.affine1 = nn.Linear(4, 128)
        self.action_head = nn.Linear(128, 2)
        self.value_head = nn.Linear(128, 1)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.affine1(states))  # (T, 128): shared, what matters to the one matters to the other
        return self.action_head(x), self.value_head(x).squeeze(-1)
