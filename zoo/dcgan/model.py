"""The two networks of DCGAN, as in PyTorch's example: noise to pictures, and pictures to a score."""

import numpy as np

import framework
from framework import Tensor, nn

NOISE = 100  # numbers that a picture is made from


class Generator(nn.Module):
    """Noise (N, 100, 1, 1) to pictures (N, channels, size, size) from −1 to 1; layer by layer twice as large, with half the maps."""

    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        maps = width * size // 8  # 512 of 4 × 4 for size 64 and width 64
        layers = [nn.ConvTranspose2d(NOISE, maps, 4, 1, 0, bias=False), nn.BatchNorm2d(maps), nn.ReLU()]  # (N, maps, 4, 4)
        while maps > width:
            maps //= 2
            layers += [nn.ConvTranspose2d(2 * maps, maps, 4, 2, 1, bias=False), nn.BatchNorm2d(maps), nn.ReLU()]  # 8, 16, 32 pixels
        layers += [nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False), nn.Tanh()]  # (N, channels, size, size)
        self.main = nn.Sequential(*layers)

    def forward(self, noise: Tensor) -> Tensor:
        return self.main(noise)


class Discriminator(nn.Module):
    """Pictures (N, channels, size, size) to scores (N,), log D / (1 − D), of being real: the generator's way back."""

    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        layers = [nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]  # (N, width, size / 2, size / 2)
        maps = width
        while maps < width * size // 8:
            maps *= 2
            layers += [nn.Conv2d(maps // 2, maps, 4, 2, 1, bias=False), nn.BatchNorm2d(maps), nn.LeakyReLU(0.2)]  # … 16, 8, 4 pixels
        layers += [nn.Conv2d(maps, 1, 4, 1, 0, bias=False)]  # (N, 1, 1, 1)
        self.main = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.main(pictures).flatten()


class DCGAN(nn.Module):
    """Both, with the paper's first weights: N(0, 0.02), and N(1, 0.02) for the scales of batch normalization."""

    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        self.generator = Generator(channels, size, width)
        self.discriminator = Discriminator(channels, size, width)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, 0, 0.02)
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.weight, 1, 0.02)


def noise(count: int, seed: int) -> Tensor:
    """What pictures are made from when they are to be looked at or measured: (count, 100, 1, 1) from N(0, 1), always the same."""
    generator = framework.Generator()
    generator.manual_seed(seed)
    return framework.randn(count, NOISE, 1, 1, generator=generator)


def generate(generator: Generator, noise: Tensor, batch_size: int = 500) -> Tensor:
    """Pictures (N, channels, size, size) in bytes from noise (N, 100, 1, 1), each independent of the others."""
    generator.eval()  # batch normalization with its running means, not with those of the pictures made together
    with framework.no_grad():
        pictures = framework.cat([generator(part) for part in noise.split(batch_size)])
    return ((pictures + 1) * 127.5).round().to(framework.uint8)


def as_arrays(pictures: Tensor) -> np.ndarray:
    """Pictures (N, C, H, W) as files hold them: greys (N, H, W) or colours (N, H, W, 3)."""
    return pictures.permute(0, 2, 3, 1).squeeze(-1).cpu().numpy()
