"""Layers in training: forward, and backward to their input and parameters."""

import pytest

from framework import nn, ones_like, randint, randn

IMAGES = 8, 32, 56, 56
LAYERS = {
    "Linear": (lambda: nn.Linear(784, 400), (128, 784)),
    "Bilinear": (lambda: Fed(nn.Bilinear(40, 40, 30), 2), (128, 40)),
    "Conv1d": (lambda: nn.Conv1d(32, 64, 5, padding=2), (16, 32, 500)),
    "Conv2d": (lambda: nn.Conv2d(32, 64, 3, padding=1), IMAGES),
    "Conv3d": (lambda: nn.Conv3d(8, 16, 3, padding=1), (2, 8, 16, 28, 28)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(64, 32, 4, 2, 1), (8, 64, 28, 28)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(32), IMAGES),
    "GroupNorm": (lambda: nn.GroupNorm(4, 32), IMAGES),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(32), IMAGES),
    "LayerNorm": (lambda: nn.LayerNorm(512), (1024, 512)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), IMAGES),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(1), IMAGES),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), IMAGES),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), IMAGES),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d(4), IMAGES),
    "Dropout": (lambda: nn.Dropout(0.5), (1024, 1024)),
    "PReLU": (lambda: nn.PReLU(32), IMAGES),
    "GELU": (lambda: nn.GELU(), (1024, 1024)),
    "RNN": (lambda: Fed(nn.RNN(100, 200)), (35, 20, 100)),
    "LSTM": (lambda: Fed(nn.LSTM(100, 200)), (35, 20, 100)),
    "GRU": (lambda: Fed(nn.GRU(100, 200, bidirectional=True)), (35, 20, 100)),
    "LSTMCell": (lambda: Fed(nn.LSTMCell(100, 200)), (64, 100)),
    "MultiheadAttention": (lambda: Fed(nn.MultiheadAttention(256, 8, batch_first=True), 3), (8, 64, 256)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(256, 8, 512, batch_first=True), (8, 64, 256)),
}


class Fed(nn.Module):
    """A layer whose inputs, so many, are all the same; of several outputs the first."""

    def __init__(self, layer, times=1):
        super().__init__()
        self.layer, self.times = layer, times

    def forward(self, x):
        out = self.layer(*[x] * self.times)
        return out[0] if isinstance(out, tuple) else out


def descend(benchmark, layer, x):
    grad = ones_like(layer(x))

    def step():
        layer.zero_grad()
        layer(x).backward(grad)

    benchmark(step)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.benchmark(group="layers, forward and backward")
def test_layer(benchmark, layer):
    make, shape = LAYERS[layer]
    descend(benchmark, make(), randn(*shape, requires_grad=True))


@pytest.mark.benchmark(group="layers, forward and backward")
def test_embedding(benchmark):
    descend(benchmark, nn.Embedding(10000, 100), randint(0, 10000, (128, 20)))
