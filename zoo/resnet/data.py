"""From a data set to batches: small images cropped and flipped on the device, photographs read and cropped by worker threads."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import framework
import framework.nn.functional as F
from framework import Tensor
from framework.utils.data import DataLoader, Dataset
from zoo.common import pictures
from zoo.common.batches import mixed
from zoo.datasets import cifar, image_folder
from zoo.datasets.cifar import SmallImages
from zoo.datasets.image_folder import ImageFolder

WORKERS = min(8, os.cpu_count() or 1)  # threads that read photographs; the batches are the same with any number
BORDER = 4  # pixels around a small image, within which the crop of its own size lies
SMALL, LARGE = 32, 224  # pixels: sides of what the network sees
STATISTICS = {  # mean and standard deviation of red, green and blue on a scale from 0 to 1: of CIFAR-10's and of ImageNet's training images
    SMALL: ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    LARGE: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def load(data: str = "auto", data_dir: Path | None = None) -> SmallImages | ImageFolder:
    """The data set that --data names: a folder with train in it is one of photographs, everything else is small images."""
    folder = Path(data).expanduser()
    return image_folder.load(folder) if (folder / "train").is_dir() else cifar.load(data, data_dir)


def normalize(images: Tensor) -> Tensor:
    """Bytes (B, 3, S, S) to float32 of mean 0 and standard deviation 1 in each colour."""
    mean, std = (framework.tensor(values, device=images.device).view(3, 1, 1) for values in STATISTICS[images.shape[-1]])
    return (images.float() / 255 - mean) / std


def batches_of(data: SmallImages | ImageFolder, device: framework.device) -> "InMemory | InFiles":
    """Where the batches of a data set come from."""
    return InMemory(data, device) if isinstance(data, SmallImages) else InFiles(data, device)


class InMemory:
    """Small images, on the device from the beginning to the end."""

    size = SMALL

    def __init__(self, data: SmallImages, device: framework.device) -> None:
        self.images = framework.from_numpy(data.train_images).to(device)  # (N, 3, 32, 32) uint8
        self.labels = framework.tensor(data.train_labels).to(device)  # (N,)
        self.test_images = framework.from_numpy(data.test_images).to(device)  # (M, 3, 32, 32) uint8
        self.test_labels = framework.tensor(data.test_labels).to(device)  # (M,)
        self.count = len(self.images)
        self.mirrors = data.origin != "built-in"  # a digit, other than a cat, is none in the mirror

    def train(self, batches: Sequence[Tensor], *, seed: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (B, 3, 32, 32), each shifted by up to four pixels and mirrored or not, and labels (B,), for batches of indices (B,)."""
        generator = framework.Generator().manual_seed(mixed(seed, epoch, 1))
        shifts = framework.randint(2 * BORDER + 1, (self.count, 2), generator=generator)  # each image's in this epoch
        mirrored = framework.rand(self.count, generator=generator) < 0.5 * self.mirrors
        for batch in batches:
            shift, mirror = shifts[batch].to(self.images.device), mirrored[batch].to(self.images.device)
            batch = batch.to(self.images.device)
            yield crop(self.images[batch], shift, mirror), self.labels[batch]

    def test(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The test images as they are, and their labels."""
        return zip(self.test_images.split(batch_size), self.test_labels.split(batch_size), strict=True)

    def test_image(self, index: int) -> np.ndarray:
        """A test image (32, 32, 3) to look at."""
        return self.test_images[index].permute(1, 2, 0).cpu().numpy()


def crop(images: Tensor, shift: Tensor, mirror: Tensor) -> Tensor:
    """Of each image (B, C, S, S) in a black border the square (C, S, S) at ``shift`` (B, 2), mirrored where ``mirror`` (B,) says so."""
    side = images.shape[-1]
    line = framework.arange(side, device=images.device)
    rows = shift[:, 0, None] + line  # (B, S)
    columns = shift[:, 1, None] + framework.where(mirror[:, None], side - 1 - line, line)  # (B, S)
    bordered = F.pad(images, (BORDER, BORDER, BORDER, BORDER)).permute(0, 2, 3, 1)  # (B, S + 8, S + 8, C)
    first = framework.arange(len(images), device=images.device)[:, None, None]
    return bordered[first, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


class InFiles:
    """Photographs, read by worker threads while the network learns from the batch before."""

    size = LARGE

    def __init__(self, data: ImageFolder, device: framework.device) -> None:
        self.data, self.device, self.count = data, device, len(data.train)

    def train(self, batches: Sequence[Tensor], *, seed: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (B, 3, 224, 224), each a random part of its photograph, and labels (B,), for batches of indices (B,)."""
        return self._read(Photographs(self.data.train, random=(seed, epoch)), [batch.tolist() for batch in batches])

    def test(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The middle of each test photograph, and its label."""
        indices = range(len(self.data.test))
        return self._read(Photographs(self.data.test), [indices[i : i + batch_size] for i in indices[::batch_size]])

    def test_image(self, index: int) -> np.ndarray:
        """A test image (224, 224, 3) to look at."""
        return middle(pictures.read(self.data.test[index][0]), LARGE)

    def _read(self, photographs: "Photographs", batches: Sequence[Sequence[int]]) -> Iterator[tuple[Tensor, Tensor]]:
        # A generator of its own: the loader draws from it, and the default one must be where a resumed run finds it
        for images, labels in DataLoader(photographs, batch_sampler=batches, num_workers=WORKERS, generator=framework.Generator()):
            yield images.to(self.device), labels.to(self.device)


class Photographs(Dataset):
    """Photographs of one size (3, 224, 224) uint8 with their labels: their middles, or with ``random`` (seed, epoch) parts of them.

    A part is a function of the seed, the epoch and the photograph's number, whichever thread reads it, and when.
    """

    def __init__(self, files: Sequence[tuple[Path, int]], random: tuple[int, int] | None = None) -> None:
        self.files, self.random = files, random

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        path, label = self.files[index]
        image = pictures.read(path)  # (H, W, 3)
        image = part(image, LARGE, np.random.default_rng((*self.random, index))) if self.random else middle(image, LARGE)
        return np.ascontiguousarray(image.transpose(2, 0, 1)), label

    def __len__(self) -> int:
        return len(self.files)


def part(photograph: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random part of a photograph (H, W, 3), scaled to (size, size, 3), mirrored half of the time.

    8 % to 100 % of its area, 3 : 4 to 4 : 3 in shape (Szegedy et al., 2014, Going deeper with convolutions); the middle square if ten
    draws do not fit into it.
    """
    height, width = photograph.shape[:2]
    for _ in range(10):
        area, shape = height * width * rng.uniform(0.08, 1), np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        across, down = np.sqrt(area * shape), np.sqrt(area / shape)
        if across <= width and down <= height:
            break
    else:
        across = down = min(width, height)
    left, top = rng.uniform(0, width - across), rng.uniform(0, height - down)
    box = (left, top, left + across, top + down)
    image = Image.fromarray(photograph).resize((size, size), Image.Resampling.BILINEAR, box)
    return np.asarray(image)[:, :: rng.choice((-1, 1))]


def middle(photograph: np.ndarray, size: int) -> np.ndarray:
    """The middle square of a photograph (H, W, 3), scaled to (size, size, 3): all of its shorter side, of 224 pixels only 7/8 of it."""
    height, width = photograph.shape[:2]
    side = min(height, width) * (LARGE / 256 if size == LARGE else 1)  # as if scaled to 256 first
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(photograph).resize((size, size), Image.Resampling.BILINEAR, box))
