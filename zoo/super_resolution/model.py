"""ESPCN: three convolutions among the small picture's pixels, then a rearrangement into the large picture's."""

from framework import Tensor, nn

CONTEXT = 4  # pixels on each side that the three convolutions use up: 2 + 1 + 1


def scaled(brightness: Tensor) -> Tensor:
    """Brightness from 0 to 255, of any type, as what the network takes and gives: float32 from −2 to 2, by which tanh bends."""
    return brightness.float() / 63.75 - 2


def unscaled(answer: Tensor) -> Tensor:
    """The way back, in float64: to brightness from 0 to 255, and beyond where the network overshoots."""
    return (answer.double() + 2) * 63.75


class ESPCN(nn.Module):
    """Pictures (N, 1, h + 8, w + 8) to (N, 1, r·h, r·w): each inner pixel becomes r × r, from the 9 × 9 pixels around it."""

    def __init__(self, upscale: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5)
        self.conv2 = nn.Conv2d(64, 32, 3)
        self.conv3 = nn.Conv2d(32, upscale**2, 3)
        self.shuffle = nn.PixelShuffle(upscale)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x).tanh()  # (N, 64, h + 4, w + 4)
        x = self.conv2(x).tanh()  # (N, 32, h + 2, w + 2)
        x = self.conv3(x)  # (N, r², h, w): for each pixel its r × r successors, as channels
        return self.shuffle(x)  # (N, 1, r·h, r·w)
