"""What pictures are compared by: the activations of a network that has learned to see, at four depths."""

import re
from pathlib import Path

import numpy as np

import framework
import framework.nn.functional as F
from framework import Tensor, nn
from zoo.common.download import RemoteFile, data_root, fetch
from zoo.common.errors import UserError

PYTORCH = "https://download.pytorch.org/models/"
# name: the file that `download` brings, and the one that may be there instead (NumPy's, the same weights, fewer or rounded)
FILES = {
    "vgg16": (
        RemoteFile(
            "vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", (f"{PYTORCH}vgg16-397923af.pth",)
        ),
        "vgg16_imagenet_conv1_1-conv4_3_f16.npz",
    ),
    "squeezenet": (
        RemoteFile(
            "squeezenet1_1-b8a52dc0.pth",
            "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
            (f"{PYTORCH}squeezenet1_1-b8a52dc0.pth",),
        ),
        "squeezenet1.1_imagenet_fp32.npz",
    ),
}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, from 0 to 1: both networks' inputs


class VGG(nn.Module):
    """VGG16 (Simonyan and Zisserman, 2015) up to its tenth convolution: colours (N, 3, H, W) to relu1_2, relu2_2, relu3_3 and relu4_3."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        blocks, channels = [], 3
        for convolutions, maps in (2, width), (2, 2 * width), (3, 4 * width), (3, 8 * width):
            block = nn.ModuleList()
            for _ in range(convolutions):
                block.append(nn.Conv2d(channels, maps, 3, padding=1))
                channels = maps
            blocks.append(block)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for number, block in enumerate(self.blocks):
            x = F.max_pool2d(x, 2) if number else x
            for convolution in block:
                x = F.relu(convolution(x))
            found.append(x)  # (N, 64, H, W), (N, 128, H/2, W/2), (N, 256, H/4, W/4), (N, 512, H/8, W/8)
        return found


class Fire(nn.Module):
    """A few maps, and from them many: 1 × 1 and 3 × 3 convolutions side by side."""

    def __init__(self, channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return F.relu(framework.cat([self.expand1x1(x), self.expand3x3(x)], 1))


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 (Iandola et al., 2016) up to its last fire: colours (N, 3, H, W) to activations of 1/2, 1/4, 1/8 and 1/16 the size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, 2)
        fires = ((64, 16, 64), (128, 16, 64)), ((128, 32, 128), (256, 32, 128))
        last = ((256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256))
        self.stages = nn.ModuleList([nn.Sequential(*(Fire(*sizes) for sizes in stage)) for stage in (*fires, last)])

    def forward(self, x: Tensor) -> list[Tensor]:
        found = [F.relu(self.conv(x))]
        for stage in self.stages:
            found.append(stage(F.max_pool2d(found[-1], 3, 2, ceil_mode=True)))
        return found


class Perception(nn.Module):
    """Pictures (N, 3, H, W) from 0 to 255 to the activations of a network that stays as it is."""

    def __init__(self, name: str, network: nn.Module) -> None:
        super().__init__()
        self.name, self.network = name, network.requires_grad_(False)
        for constant, values in ("mean", MEAN), ("std", STD):
            self.register_buffer(constant, 255 * framework.tensor(values).reshape(3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        return self.network((pictures - self.mean) / self.std)


def load(name: str = "auto", data_dir: Path | None = None) -> Perception:
    """The features "vgg16" or "squeezenet", if their weights are under ``data_dir``, "own", or "auto" for the first of these that is there.

    "own" is VGG's shape, a quarter as wide, with random filters of a fixed seed: it tells textures apart (Ustyuzhaninov et al., 2017), not
    things. UserError if the weights are missing or others.
    """
    if name not in (*FILES, "own", "auto"):
        raise UserError(f"--features {name}: expected auto, vgg16, squeezenet or own")
    folder = data_root(data_dir) / "weights"
    for candidate in FILES if name == "auto" else [name]:
        if candidate == "own":
            break
        network = VGG() if candidate == "vgg16" else SqueezeNet()
        official, numpys = FILES[candidate]
        if (path := folder / official.name).is_file():
            weights = [array for key, array in framework.load(path).items() if key.startswith("features.")]
        elif (path := folder / numpys).is_file():
            arrays = np.load(path)
            names = sorted(arrays, key=lambda name: ([int(number) for number in re.findall(r"\d+", name)], "bias" in name))
            weights = [framework.from_numpy(arrays[name].astype(np.float32)) for name in names]
        elif name == "auto":
            continue
        else:
            raise UserError(f"{folder}: the weights of {name} are not there ({official.name}): get them with 'download --features {name}'")
        _fill(network, weights, path)
        return Perception(candidate, network)
    if name == "auto":
        print(f"no weights of a trained network in {folder}: pictures are compared by random filters ('download' fetches some, 5 MB)")
    framework.manual_seed(0)
    network = VGG(width=16)
    for parameter in network.parameters():
        nn.init.kaiming_normal_(parameter, nonlinearity="relu") if parameter.ndim > 1 else nn.init.zeros_(parameter)
    return Perception("own", network)


def download(name: str, data_dir: Path | None = None) -> Path:
    """Fetch the weights of "vgg16", 528 MB, or "squeezenet", 5 MB; DownloadError if no mirror delivers."""
    return fetch(FILES[name][0], data_root(data_dir) / "weights")


def _fill(network: nn.Module, weights: list[Tensor], path: Path) -> None:
    """Give the network its weights, which both kinds of file hold in the order of the layers, the deeper ones that are not wanted last."""
    parameters = list(network.parameters())
    shapes = [tuple(array.shape) for array in weights[: len(parameters)]]
    if shapes != [tuple(parameter.shape) for parameter in parameters]:
        raise UserError(f"{path}: expected the weights of {type(network).__name__}'s layers in their order, found other shapes")
    with framework.no_grad():
        for parameter, array in zip(parameters, weights, strict=False):
            parameter.copy_(array)
