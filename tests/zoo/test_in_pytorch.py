"""The zoo's models are PyTorch programs: run on PyTorch, not a line changed, they give what they give here."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import framework  # where this file runs in a process of its own, PyTorch
from framework import Tensor, nn
from tests.zoo.contract import ENVIRONMENT

IN_PYTORCH = "from benchmarks.worker import answer_with_torch as now; now(); from tests.zoo.test_in_pytorch import main; main()"


def waves(*shape: int) -> Tensor:
    """Numbers of this shape, the same in both libraries."""
    return framework.sin(framework.arange(math.prod(shape)).double()).float().reshape(shape)


def models() -> dict[str, tuple[nn.Module, Callable[[], Tensor]]]:
    """Every example's networks, small where they can be, and a question to each."""
    from zoo.actor_critic.model import ActorCritic
    from zoo.dcgan.model import DCGAN
    from zoo.lstm_lm.model import LanguageModel
    from zoo.mnist_cnn.model import Net as Digits
    from zoo.resnet.model import MODELS
    from zoo.snli.model import Net as Pairs
    from zoo.style_transfer.features import VGG, SqueezeNet
    from zoo.style_transfer.model import TransformerNet
    from zoo.super_resolution.model import ESPCN
    from zoo.time_sequence.model import Sequence
    from zoo.vae.model import VAE

    actor, gan, language, digits, pairs = (
        ActorCritic(),
        DCGAN(1, 32, 8),
        LanguageModel(50, 12, 0.2, tied=True),
        Digits(),
        Pairs(waves(20, 10), 0.2),
    )
    small, large, deep = MODELS["resnet20"](10), MODELS["resnet18"](5), MODELS["resnet50"](5)
    vgg, squeezenet, painter, espcn, sequence, vae = VGG(width=8), SqueezeNet(), TransformerNet(8), ESPCN(3), Sequence().double(), VAE()
    plain = Pairs(waves(20, 10), 0.2, plain=True)
    sentences = framework.tensor([[2, 3, 4, 5], [6, 7, 8, 0], [9, 0, 0, 0]])  # 0 fills up
    return {
        "actor": (actor, lambda: actor(waves(5, 4))[0]),
        "critic": (actor, lambda: actor(waves(5, 4))[1]),
        "generator": (gan.generator, lambda: gan.generator(waves(3, 100, 1, 1))),
        "discriminator": (gan.discriminator, lambda: gan.discriminator(waves(3, 1, 32, 32))),
        "lstm_lm": (language, lambda: language(framework.arange(30).reshape(6, 5))[0]),
        "mnist_cnn": (digits, lambda: digits(waves(3, 1, 28, 28))),
        "resnet20": (small, lambda: small(waves(3, 3, 32, 32))),
        "resnet18": (large, lambda: large(waves(2, 3, 64, 64))),
        "resnet50": (deep, lambda: deep(waves(2, 3, 64, 64))),
        "snli": (pairs, lambda: pairs(sentences, sentences.flip(0))),
        "snli plain": (plain, lambda: plain(sentences, sentences.flip(0))),
        "vgg": (vgg, lambda: vgg(waves(1, 3, 32, 48))[-1]),
        "squeezenet": (squeezenet, lambda: squeezenet(waves(1, 3, 64, 64))[-1]),
        "style_transfer": (painter, lambda: painter(127 + 127 * waves(1, 3, 32, 48))),
        "super_resolution": (espcn, lambda: espcn(waves(2, 1, 20, 30))),
        "time_sequence": (sequence, lambda: sequence(waves(3, 12).double(), future=5)),
        "vae": (vae, lambda: vae.decode(vae.encode(waves(3, 784))[0])),
    }


def main() -> None:
    """In PyTorch: answer with the weights of stdin's folder, and leave the answers there."""
    folder = Path(sys.stdin.readline().strip())
    answers = {}
    for name, (model, ask) in models().items():
        weights = np.load(folder / f"{name}.npz")
        model.load_state_dict({key: framework.from_numpy(weights[key]) for key in weights})
        answers[name] = ask_quietly(model, ask)
    np.savez(folder / "answers.npz", **answers)


def ask_quietly(model: nn.Module, ask: Callable[[], Tensor]) -> np.ndarray:
    """The answer with dropout off."""
    model.eval()
    with framework.no_grad():
        return ask().numpy()


@pytest.mark.parity
def test_the_models_answer_the_same_in_pytorch(tmp_path):
    framework.manual_seed(0)
    ours = {}
    for name, (model, ask) in models().items():
        np.savez(tmp_path / f"{name}.npz", **{key: value.numpy() for key, value in model.state_dict().items()})
        ours[name] = ask_quietly(model, ask)
    subprocess.run([sys.executable, "-c", IN_PYTORCH], input=str(tmp_path), env=ENVIRONMENT, check=True, text=True)
    theirs = np.load(tmp_path / "answers.npz")
    for name, answer in ours.items():
        assert answer.dtype == theirs[name].dtype and np.abs(answer).max() > 0, name
        np.testing.assert_allclose(answer, theirs[name], rtol=1e-3, atol=1e-4 * np.abs(answer).max(), err_msg=name)
