"""The network of PyTorch's VAE example, 784-400-20-400-784, and the two terms of its loss."""

import framework
import framework.nn.functional as F
from framework import Tensor, nn

SIZE = 28  # pixels a side
PIXELS = SIZE * SIZE


def intensities(images: Tensor) -> Tensor:
    """Bytes (N, 28, 28) to what the network takes: float32 (N, 784) from 0 to 1."""
    return images.flatten(1).float() / 255


def binarized(images: Tensor) -> Tensor:
    """Bytes (N, 28, 28) made black or white, 0 or 255, with their grey value as the probability of white: every time the same."""
    noise = framework.Generator(images.device).manual_seed(0)
    parts = [framework.rand(part.shape, generator=noise, device=part.device) < part / 255 for part in images.split(1000)]
    return framework.cat(parts).to(framework.uint8) * 255


class VAE(nn.Module):
    """An encoder q(z|x), a Gaussian, and a decoder p(x|z), a Bernoulli distribution for each pixel."""

    def __init__(self, latent: int = 20, hidden: int = 400) -> None:
        super().__init__()
        self.latent = latent
        self.fc1 = nn.Linear(PIXELS, hidden)
        self.fc21 = nn.Linear(hidden, latent)
        self.fc22 = nn.Linear(hidden, latent)
        self.fc3 = nn.Linear(latent, hidden)
        self.fc4 = nn.Linear(hidden, PIXELS)

    def start_from_the_mean(self, images: Tensor) -> None:
        """Let the decoder of an untrained network draw the mean of images (N, 28, 28), nearly, whatever the code."""
        with framework.no_grad():
            self.fc4.bias.copy_((images.float().mean(0).flatten() / 255).logit(eps=1e-3))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images x (N, 784) to the mean μ and log σ² of q(z|x) = N(μ, diag σ²), each (N, latent)."""
        hidden = F.relu(self.fc1(x))  # (N, 400)
        return self.fc21(hidden), self.fc22(hidden)

    def decode(self, z: Tensor) -> Tensor:
        """Codes z (…, latent) to logits (…, 784): a pixel is white with the probability sigmoid(logit)."""
        return self.fc4(F.relu(self.fc3(z)))


def reparameterize(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """z = μ + σ ε: distributed as q(z|x) if ε is standard normal, and differentiable in μ and σ."""
    return mean + (logvar / 2).exp() * noise


def log_likelihood(logits: Tensor, x: Tensor) -> Tensor:
    """log p(x|z) (…), summed over the pixels: with p = sigmoid(a), x log p + (1 − x) log(1 − p) = x a − log(1 + eᵃ)."""
    return (x * logits - F.softplus(logits)).sum(-1)


def kl_divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(μ, diag σ²) ‖ N(0, 1)) (N,) = ½ Σ (μ² + σ² − 1 − log σ²), the sum over the latent numbers."""
    return (mean.square() + logvar.exp() - 1 - logvar).sum(-1) / 2
