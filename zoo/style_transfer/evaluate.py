"""Evaluation: the losses on photographs that were not trained on, and how long it takes to reach them without the network."""

import time

import numpy as np
from PIL import Image
from rich.console import Console

import framework
import framework.nn.functional as F
from framework import Tensor, optim
from zoo.common import pictures
from zoo.common.files import write_json
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.run import load_weights, reopen
from zoo.datasets import photographs
from zoo.style_transfer import features
from zoo.style_transfer.model import TransformerNet

CONTENT = 1  # which of the four activations must be the photograph's: the second, relu2_2 of VGG16
LONGEST = 400  # steps of the baseline


def gram(x: Tensor) -> Tensor:
    """Which maps of x (N, C, H, W) are strong together, wherever that is: x xᵀ / (C H W) over the pixels, (N, C, C)."""
    n, c, h, w = x.shape
    maps = x.reshape(n, c, h * w)
    return maps @ maps.mT / (c * h * w)


class Goal:
    """What a painting y should be: like the photograph x in what is seen, like the style in how it is done.

    content = weight · mean (φ2(y) − φ2(x))²        style = weight · Σ_j mean (G(φj(y)) − G(φj(style)))²
    """

    def __init__(self, perception: features.Perception, style: np.ndarray, size: int, content_weight: float, style_weight: float) -> None:
        self.perception, self.weights = perception, (content_weight, style_weight)
        height, width = style.shape[:2]
        scale = size / min(height, width)
        small = Image.fromarray(style).resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
        with framework.no_grad():
            found = perception(framework.from_numpy(np.array(small)).permute(2, 0, 1)[None].float().to(perception.mean.device))
            self.style = [gram(each) for each in found]

    def __call__(self, painting: Tensor, photograph: Tensor) -> tuple[Tensor, Tensor]:
        """The two losses."""
        with framework.no_grad():
            wanted = self.perception(photograph)[CONTENT]
        found = self.perception(painting)
        style = sum(F.mse_loss(gram(each), goal.expand(len(each), -1, -1)) for each, goal in zip(found, self.style, strict=True))
        return self.weights[0] * F.mse_loss(found[CONTENT], wanted), self.weights[1] * style


def cut(picture: np.ndarray, size: int, seed: tuple[int, ...] | None = None) -> Tensor:
    """A square of the photograph (H, W, 3), (1, 3, size, size) from 0 to 255: its middle, or anywhere, a pure function of ``seed``."""
    height, width = picture.shape[:2]
    if min(height, width) < size:
        picture = np.array(Image.fromarray(picture).resize((max(size, width), max(size, height)), Image.Resampling.BICUBIC))
        height, width = picture.shape[:2]
    y, x = (height - size) // 2, (width - size) // 2
    if seed is not None:
        y, x = np.random.default_rng(seed).integers((height - size + 1, width - size + 1))
    return framework.from_numpy(np.ascontiguousarray(picture[y : y + size, x : x + size])).permute(2, 0, 1)[None].float()


def as_picture(x: Tensor) -> np.ndarray:
    """A picture (1, 3, H, W) as files hold it, (H, W, 3) uint8."""
    return x[0].permute(1, 2, 0).clamp(0, 255).round().to(framework.uint8).cpu().numpy()


def paint(model: TransformerNet, photographs: Tensor) -> Tensor:
    """What the network makes of photographs (N, 3, H, W), one after the other."""
    with framework.no_grad():
        return framework.cat([model(each) for each in photographs.split(1)])


def scores(model: TransformerNet, goal: Goal, tests: Tensor) -> dict[str, float]:
    """The mean losses over photographs (M, 3, S, S)."""
    with framework.no_grad():
        losses = framework.stack([framework.stack(goal(model(each), each)) for each in tests.split(1)])  # (M, 2)
    content, style = losses.double().mean(0).tolist()
    return {"test_loss": content + style, "content_loss": content, "style_loss": style}


def baseline(goal: Goal, photograph: Tensor, wanted: float) -> tuple[int, float, float]:
    """How many steps of L-BFGS on the photograph's pixels bring the loss to ``wanted``, at most LONGEST; to what they bring it; seconds.

    That is how pictures were painted before (Gatys, Ecker, Bethge: A neural algorithm of artistic style, 2015). A step is one
    evaluation of the loss and its gradient.
    """
    painting = photograph.clone().requires_grad_()
    optimizer = optim.LBFGS([painting], max_iter=20, max_eval=25)
    reached: list[float] = []
    passed: list[float] = []  # seconds
    began = time.perf_counter()

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = sum(goal(painting, photograph))
        loss.backward()
        reached.append(loss.item())
        passed.append(time.perf_counter() - began)
        return loss

    while len(reached) < LONGEST and not any(loss <= wanted for loss in reached):
        optimizer.step(closure)
    step = next((number for number, loss in enumerate(reached, 1) if loss <= wanted), LONGEST)
    return step, min(reached[:step]), passed[step - 1]


def without_network(model: TransformerNet, goal: Goal, photograph: Tensor) -> dict[str, float]:
    """The loss of the network's painting of one photograph, what :func:`baseline` takes to reach it, and the seconds of both."""
    began = time.perf_counter()
    painting = paint(model, photograph)
    painted = time.perf_counter()
    wanted = sum(goal(painting, photograph)).item()
    steps, reached, seconds = baseline(goal, photograph, wanted)
    return {
        "network_loss": wanted,
        "network_seconds": painted - began,
        "baseline_loss": reached,
        "baseline_steps": steps,
        "baseline_seconds": seconds,
    }


def evaluate(run: RunDirectory, *, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Score a run's network on its data set's test photographs, and the same picture painted without it."""
    config, data = reopen(run, "style_transfer", photographs.load, data_dir)
    flags, target = config["flags"], find_device(device)
    perception = features.load(config["features"]["name"], data_dir or flags["data_dir"]).to(target)
    goal = Goal(perception, pictures.read(run / "style.png"), flags["style_size"], flags["content_weight"], flags["style_weight"])
    model = TransformerNet(flags["width"]).to(target)
    load_weights(run, model)
    tests = framework.cat([cut(pictures.read(path), flags["size"]) for path in data.test]).to(target)  # (M, 3, S, S)
    figures = scores(model, goal, tests)

    one = tests[:1]
    compared = without_network(model, goal, one)
    pictures.write(run / "samples" / "test.png", np.concatenate([as_picture(one), as_picture(paint(model, one))], 1))
    record = {"data": data.name, "features": config["features"], **figures, **compared}
    write_json(run / "evaluation.json", record)
    say = Console(soft_wrap=True, highlight=False).print
    say(f"{len(tests)} test photographs of {data.name}, in the features of {perception.name}: ", end="")
    say(", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items()))
    say("one of them: the network paints it in {network_seconds:.2f} s, to a loss of {network_loss:.4g};".format(**compared))
    say("L-BFGS on its pixels is at {baseline_loss:.4g} after {baseline_steps} steps and {baseline_seconds:.1f} s".format(**compared))
