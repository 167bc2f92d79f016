"""Residual networks: He et al.'s for CIFAR-10 (2015, §4.2), and those for ImageNet with torchvision's names, so that its weights load."""

from collections.abc import Callable

import framework.nn.functional as F
from framework import Tensor, nn


class BasicBlock(nn.Module):
    """relu(x + F(x)), F two convolutions of 3 × 3; where the shape changes, the shortcut brings x into the new one."""

    expansion = 1  # channels out, in widths

    def __init__(self, channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """relu(x + F(x)), F of 1 × 1, 3 × 3 and 1 × 1: the costly middle one sees a quarter of the channels."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


class PaddedIdentity(nn.Module):
    """He et al.'s option A, a shortcut without parameters: every stride-th pixel, and zeros for the channels that x lacks."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride, self.missing = stride, out - channels

    def forward(self, x: Tensor) -> Tensor:
        before = self.missing // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.missing - before))


def projection(channels: int, out: int, stride: int) -> nn.Module:
    """Option B: a convolution of 1 × 1 brings x into the new shape."""
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


def stage(block: type[nn.Module], channels: int, width: int, depth: int, stride: int, shortcut: Callable[..., nn.Module]) -> nn.Sequential:
    """``depth`` blocks at one resolution, the first of which takes ``channels`` and steps by ``stride``."""
    out = width * block.expansion
    changes = stride > 1 or channels != out
    first = block(channels, width, stride, shortcut(channels, out, stride) if changes else None)
    return nn.Sequential(first, *(block(out, width) for _ in range(depth - 1)))


class CifarResNet(nn.Module):
    """Images (N, 3, 32, 32) to scores (N, classes): 6 n + 2 layers, n blocks each with 16, 32 and 64 channels."""

    def __init__(self, n: int, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = stage(BasicBlock, 16, 16, n, 1, PaddedIdentity)
        self.layer2 = stage(BasicBlock, 16, 32, n, 2, PaddedIdentity)
        self.layer3 = stage(BasicBlock, 32, 64, n, 2, PaddedIdentity)
        self.fc = nn.Linear(64, classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))  # (N, 16, 32, 32)
        x = self.layer3(self.layer2(self.layer1(x)))  # (N, 64, 8, 8)
        return self.fc(x.mean((2, 3)))  # (N, classes)


class ResNet(nn.Module):
    """Images (N, 3, H, W), 224 × 224 for instance, to scores (N, classes): four stages of 64 to 512 widths."""

    def __init__(self, block: type[nn.Module], depths: tuple[int, ...], classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = stage(block, 64, 64, depths[0], 1, projection)
        self.layer2 = stage(block, 64 * block.expansion, 128, depths[1], 2, projection)
        self.layer3 = stage(block, 128 * block.expansion, 256, depths[2], 2, projection)
        self.layer4 = stage(block, 256 * block.expansion, 512, depths[3], 2, projection)
        self.fc = nn.Linear(512 * block.expansion, classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))  # (N, 64, 112, 112)
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # (N, 64, 56, 56)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (N, 512 or 2048, 7, 7)
        return self.fc(x.mean((2, 3)))  # (N, classes)


def initialize(model: nn.Module) -> None:
    """Convolutions of variance 2 / fan_out: through ReLUs, gradients keep their size (He et al., 2015, Delving deep into rectifiers)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


MODELS: dict[str, Callable[[int], nn.Module]] = {
    "resnet20": lambda classes: CifarResNet(3, classes),
    "resnet32": lambda classes: CifarResNet(5, classes),
    "resnet44": lambda classes: CifarResNet(7, classes),
    "resnet56": lambda classes: CifarResNet(9, classes),
    "resnet18": lambda classes: ResNet(BasicBlock, (2, 2, 2, 2), classes),
    "resnet34": lambda classes: ResNet(BasicBlock, (3, 4, 6, 3), classes),
    "resnet50": lambda classes: ResNet(Bottleneck, (3, 4, 6, 3), classes),
    "resnet101": lambda classes: ResNet(Bottleneck, (3, 4, 23, 3), classes),
    "resnet152": lambda classes: ResNet(Bottleneck, (3, 8, 36, 3), classes),
}
