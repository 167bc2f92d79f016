"""The network of PyTorch's MNIST example: two convolutions, two linear layers, 1,199,882 parameters."""

import framework.nn.functional as F
from framework import Tensor, nn

MEAN, STD = 0.1307, 0.3081  # of all pixels of MNIST's training images, on a scale from 0 to 1


def normalize(images: Tensor) -> Tensor:
    """Bytes (N, 28, 28) to what the network takes: float32 (N, 1, 28, 28) of mean 0 and standard deviation 1."""
    return (images.unsqueeze(1).float() / 255 - MEAN) / STD


class Net(nn.Module):
    """Images (N, 1, 28, 28) to the logarithms of the digits' probabilities (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))  # (N, 32, 26, 26): strokes in 3 × 3 pixels
        x = F.relu(self.conv2(x))  # (N, 64, 24, 24): shapes in 5 × 5 pixels
        x = F.max_pool2d(x, 2)  # (N, 64, 12, 12): the strongest in each 2 × 2
        x = self.dropout1(x).flatten(1)  # (N, 9216)
        x = self.dropout2(F.relu(self.fc1(x)))  # (N, 128)
        return F.log_softmax(self.fc2(x), dim=1)  # (N, 10)
