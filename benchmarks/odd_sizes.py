"""Training steps of no example, at sizes that nothing was tuned for: every kind of convolution, attention, a GRU, odd widths throughout."""

from functools import partial

import framework
import framework.nn.functional as F
from framework import nn, optim

from .workloads import Task, Way, descent, inference, lstm_lm, workload

odd = partial(workload, odd=True)


def classifier(model: nn.Module, way: Way, *shape: int, classes: int = 7) -> Task:
    """Its step on a batch of this shape, the mean over all but batch and channels being its scores; SGD with momentum."""
    model = way.prepared(model)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x, labels = framework.randn(*shape, device=way.device), framework.randint(0, classes, shape[:1], device=way.device)

    def loss_of(x: framework.Tensor, labels: framework.Tensor) -> framework.Tensor:
        return F.cross_entropy(model(x).flatten(2).mean(2), labels)

    return descent(way, optimizer, loss_of, x, labels), inference(model, x)


@odd(37, name="plain, 27 × 27, 50 channels")
def plain(way: Way, batch: int) -> Task:
    """3 × 3 convolutions with batch norm."""
    widths = [(3, 50), (50, 50), (50, 70)]
    blocks = [nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()) for i, o in widths]
    return classifier(nn.Sequential(*blocks, nn.MaxPool2d(2), nn.Conv2d(70, 7, 3)), way, batch, 3, 27, 27)


@odd(19, name="5 × 7 taps, strides and dilation, 41 × 33")
def strided(way: Way, batch: int) -> Task:
    """Rectangular filters, strides of 2 and 3, dilation 2."""
    layers = nn.Conv2d(3, 30, (5, 7), 2), nn.ReLU(), nn.Conv2d(30, 45, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv2d(45, 7, 3, 3)
    return classifier(nn.Sequential(*layers), way, batch, 3, 41, 33)


@odd(17, name="depthwise and 1 × 1, 39 × 39")
def separable(way: Way, batch: int) -> Task:
    """Howard et al. (2017), MobileNets."""
    layers = []
    for i, o in [(3, 36), (36, 72), (72, 108)]:
        layers += [nn.Conv2d(i, i, 3, padding=1, groups=i), nn.BatchNorm2d(i), nn.ReLU(), nn.Conv2d(i, o, 1), nn.BatchNorm2d(o), nn.ReLU()]
    return classifier(nn.Sequential(*layers, nn.Conv2d(108, 7, 1)), way, batch, 3, 39, 39)


@odd(23, name="groups of 5, 30 × 30")
def grouped(way: Way, batch: int) -> Task:
    """Xie et al. (2017), ResNeXt's convolutions."""
    layers = nn.Conv2d(3, 60, 3), nn.ReLU(), nn.Conv2d(60, 60, 3, groups=5), nn.GroupNorm(5, 60), nn.ReLU(), nn.Conv2d(60, 7, 1)
    return classifier(nn.Sequential(*layers), way, batch, 3, 30, 30)


@odd(21, name="lines of 1,003")
def lines(way: Way, batch: int) -> Task:
    """Convolutions of one dimension."""
    layers = nn.Conv1d(5, 48, 9, 2), nn.ReLU(), nn.Conv1d(48, 72, 5), nn.ReLU(), nn.MaxPool1d(3), nn.Conv1d(72, 7, 3)
    return classifier(nn.Sequential(*layers), way, batch, 5, 1003)


@odd(6, name="volumes of 15 × 22 × 18")
def volumes(way: Way, batch: int) -> Task:
    """Convolutions of three dimensions."""
    layers = nn.Conv3d(2, 20, 3, padding=1), nn.ReLU(), nn.Conv3d(20, 30, 3), nn.ReLU(), nn.Conv3d(30, 7, 3, 2)
    return classifier(nn.Sequential(*layers), way, batch, 2, 15, 22, 18)


@odd(14, name="transposed, 11 × 13 to 43 × 51")
def transposed(way: Way, batch: int) -> Task:
    """Upwards by transposed convolutions."""
    layers = nn.ConvTranspose2d(90, 50, 3, 2, 1), nn.BatchNorm2d(50), nn.ReLU(), nn.ConvTranspose2d(50, 7, 5, 2)
    return classifier(nn.Sequential(*layers), way, batch, 90, 11, 13)


@odd(11, name="transformer, width 90, 37 words")
def transformer(way: Way, batch: int) -> Task:
    """Two layers of Vaswani et al. (2017) of five heads; Adam."""
    layer = nn.TransformerEncoderLayer(90, 5, 250, batch_first=True)
    model = way.prepared(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    x, y = framework.randn(2, batch, 37, 90, device=way.device)
    return descent(way, optimizer, lambda x, y: F.mse_loss(model(x), y), x, y), inference(model, x)


@odd(13, name="GRU, 2 × 77, both ways, 29 words")
def gru(way: Way, batch: int) -> Task:
    """Two layers; RMSprop."""
    model = way.prepared(nn.GRU(33, 77, 2, bidirectional=True))
    optimizer = optim.RMSprop(model.parameters(), lr=1e-3)
    x = framework.randn(29, batch, 33, device=way.device)
    return descent(way, optimizer, lambda x: model(x)[0].square().mean(), x), inference(model, x)


@odd(77, name="perceptron, 123-457-89")
def perceptron(way: Way, batch: int) -> Task:
    """Three linear layers, with layer norm and dropout."""
    layers = nn.Linear(123, 457), nn.LayerNorm(457), nn.GELU(), nn.Dropout(0.1), nn.Linear(457, 457), nn.ReLU(), nn.Linear(457, 89)
    return classifier(nn.Sequential(*layers, nn.Unflatten(1, (89, 1))), way, batch, 123, classes=89)


LONGER = {f"lstm_lm, {words} words": words for words in (70, 140)}
for _name, _words in LONGER.items():
    odd(lstm_lm.batch, name=_name)(partial(lstm_lm.make, length=_words))
