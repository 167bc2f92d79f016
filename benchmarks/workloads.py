"""Training steps of the zoo, and some small things: each is written once, and measured in both libraries.

Where PyTorch is measured, ``import framework`` gives PyTorch (see worker.py): the zoo's models are PyTorch programs as they stand. Batches,
losses and optimizers are those of PyTorch's own examples.

What a GPU can record is a function of tensors, decorated with ``@way.record``: the whole step wherever it needs nothing from the host.
"""

from collections.abc import Callable
from dataclasses import dataclass

import framework
import framework.nn.functional as F
from framework import nn, optim

Step = Callable[[], framework.Tensor]
Task = tuple[Step, Callable[[], object]]  # a training step, which returns its loss, and a test batch's inference


@dataclass(frozen=True)
class Way:
    """How a library computes a step: where, and what it does first to a model and to the function that is the step."""

    device: str = "cpu"
    prepare: Callable[[nn.Module], nn.Module] = lambda model: model
    record: Callable[[Callable], Callable] = lambda step: step

    def prepared(self, model: nn.Module) -> nn.Module:
        """The model where it is to be computed."""
        return self.prepare(model.to(self.device))


@dataclass(frozen=True)
class Workload:
    """A step to measure: ``make(way, batch)`` sets it up, with so many samples in a batch."""

    make: Callable[[Way, int], Task]
    batch: int
    gflop: float  # of all matrix products and convolutions of the step, forward and backward; 2 for a multiplication and an addition
    doubles: bool = False  # float64: half as many a second
    images: bool = False  # worth trying with channels last in PyTorch
    odd: bool = False  # no example's: see odd_sizes.py
    gpu: bool = False  # for GPUs alone: see gpu.py


WORKLOADS: dict[str, Workload] = {}


def workload(batch: int, gflop: float = 0.0, name: str = "", **facts: bool) -> Callable:
    """Enter a function into the table."""
    return lambda make: WORKLOADS.setdefault(name or make.__name__, Workload(make, batch, gflop, **facts))


def products(tokens: float, *layers: tuple[int, int], passes: int = 3) -> float:
    """GFLOP of linear layers (in, out) for ``tokens`` rows: forward, and as many again for each of the two gradients."""
    return 2e-9 * passes * tokens * sum(i * o for i, o in layers)


def inference(model: nn.Module, *inputs: framework.Tensor) -> Callable[[], object]:
    """What a test batch takes."""

    def evaluate() -> object:
        model.eval()
        with framework.no_grad():
            out = model(*inputs)
        model.train()
        return out

    return evaluate


def descent(way: Way, optimizer: optim.Optimizer, loss_of: Callable[..., framework.Tensor], *batch: framework.Tensor) -> Step:
    """The step of everything that has one loss and one optimizer."""

    @way.record
    def step(*batch: framework.Tensor) -> framework.Tensor:
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss

    return lambda: step(*batch)


@workload(64, products(64 * 26**2, (9, 32), passes=2) + products(64 * 24**2, (288, 64)) + products(64, (9216, 128), (128, 10)), images=True)
def mnist_cnn(way: Way, batch: int) -> Task:
    """Batch 64, Adadelta; the digits are random bytes, as many as MNIST has."""
    from zoo.mnist_cnn.model import Net, normalize

    images = framework.randint(0, 256, (600, 28, 28), dtype=framework.uint8, device=way.device).repeat(100, 1, 1)
    labels = framework.randint(0, 10, (60000,), device=way.device)
    model = way.prepared(Net())
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)

    def loss_of(labels: framework.Tensor) -> framework.Tensor:
        chosen = framework.randint(0, 60000, (batch,), device=way.device)
        return F.nll_loss(model(normalize(images[chosen])), labels[chosen])

    return descent(way, optimizer, loss_of, labels), inference(model, normalize(images[:1000]))


@workload(20, products(20 * 35, (200, 800), (200, 800), (200, 800), (200, 800), (200, 33278)))
def lstm_lm(way: Way, batch: int, length: int = 35) -> Task:
    """WikiText-2's vocabulary, 2 × 200, tied, batch 20, 35 words; plain SGD of norm 0.25 at most."""
    from zoo.lstm_lm.model import LanguageModel

    words = framework.randint(0, 33278, (length + 1, batch), device=way.device)
    model = way.prepared(LanguageModel(33278, 200, 0.2, tied=True))
    optimizer = optim.SGD(model.parameters(), lr=20.0)
    memory = tuple(framework.zeros(2, batch, 200, device=way.device) for _ in range(2))

    @way.record
    def learn(words: framework.Tensor, memory: tuple[framework.Tensor, ...]) -> tuple:
        optimizer.zero_grad()
        scores, hidden = model(words[:-1], memory)
        loss = F.cross_entropy(scores.flatten(0, 1), words[1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        return loss, tuple([each.detach() for each in hidden])

    def step() -> framework.Tensor:
        nonlocal memory
        loss, memory = learn(words, memory)
        return loss

    return step, inference(model, words[:-1])


def resnet(name: str, way: Way, batch: int, size: int, classes: int) -> Task:
    """SGD .1 / .9 / 1e-4."""
    from zoo.resnet.model import MODELS

    model = way.prepared(MODELS[name](classes))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    x = framework.randn(batch, 3, size, size, device=way.device)
    labels = framework.randint(0, classes, (batch,), device=way.device)
    return descent(way, optimizer, lambda x, labels: F.cross_entropy(model(x), labels), x, labels), inference(model, x)


@workload(8, 85.2, images=True)
def resnet18(way: Way, batch: int) -> Task:
    """Batch 8 at 224²."""
    return resnet("resnet18", way, batch, 224, 1000)


@workload(128, 31.2, images=True)
def resnet20(way: Way, batch: int) -> Task:
    """CIFAR-10's, batch 128."""
    return resnet("resnet20", way, batch, 32, 10)


@workload(256, 85.2 * 32, name="resnet18, bfloat16", gpu=True)
def resnet18_in_16_bits(way: Way, batch: int) -> Task:
    """Batch 256 at 224², products in bfloat16, channels last: in ours 16-bit images lie so by themselves."""
    from zoo.resnet.model import MODELS

    last = {"memory_format": framework.channels_last} if hasattr(framework, "channels_last") else {}
    model = way.prepared(MODELS["resnet18"](1000).to(way.device, **last))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    x = framework.randn(batch, 3, 224, 224, device=way.device).to(way.device, **last)
    labels = framework.randint(0, 1000, (batch,), device=way.device)

    def loss_of(x: framework.Tensor, labels: framework.Tensor) -> framework.Tensor:
        with framework.autocast(way.device, dtype=framework.bfloat16):
            return F.cross_entropy(model(x), labels)

    return descent(way, optimizer, loss_of, x, labels), inference(model, x)


@workload(64, 158.9, images=True)
def dcgan(way: Way, batch: int) -> Task:
    """64 × 64 pixels, batch 64: one update of the discriminator and one of the generator; Adam."""
    from zoo.dcgan.model import DCGAN, NOISE

    both = DCGAN(3, 64, 64)
    generator, discriminator = way.prepared(both.generator), way.prepared(both.discriminator)
    optimizers = [optim.Adam(each.parameters(), lr=2e-4, betas=(0.5, 0.999)) for each in (generator, discriminator)]
    real = framework.rand(batch, 3, 64, 64, device=way.device) * 2 - 1
    yes, no = framework.ones(batch, device=way.device), framework.zeros(batch, device=way.device)
    surprise = F.binary_cross_entropy_with_logits

    @way.record
    def step(real: framework.Tensor) -> framework.Tensor:
        optimizers[1].zero_grad()
        surprise(discriminator(real), yes).backward()
        fake = generator(framework.randn(batch, NOISE, 1, 1, device=way.device))
        surprise(discriminator(fake.detach()), no).backward()
        optimizers[1].step()
        optimizers[0].zero_grad()
        loss = surprise(discriminator(fake), yes)
        loss.backward()
        optimizers[0].step()
        return loss

    return lambda: step(real), inference(generator, framework.randn(batch, NOISE, 1, 1, device=way.device))


@workload(128, products(128, (784, 400), passes=2) + products(128, (400, 40), (20, 400), (400, 784)))
def vae(way: Way, batch: int) -> Task:
    """784-400-20-400-784, batch 128, Adam."""
    from zoo.vae.model import VAE

    class Whole(nn.Module):
        """Encoder and decoder in one call, as PyTorch's example has them."""

        def __init__(self) -> None:
            super().__init__()
            self.vae = VAE()

        def forward(self, x: framework.Tensor) -> tuple[framework.Tensor, ...]:
            mean, logvar = self.vae.encode(x)
            return self.vae.decode(mean + framework.randn_like(mean) * (0.5 * logvar).exp()), mean, logvar

    x = framework.rand(batch, 784, device=way.device)
    model = way.prepared(Whole())
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    def loss_of(x: framework.Tensor) -> framework.Tensor:
        logits, mean, logvar = model(x)
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return reconstruction - 0.5 * framework.sum(1 + logvar - mean.pow(2) - logvar.exp())

    return descent(way, optimizer, loss_of, x), inference(model, x)


@workload(4, products(4 * 85**2, (25, 64), passes=2) + products(4 * 85**2, (576, 64), (576, 32), (288, 9)), images=True)
def super_resolution(way: Way, batch: int) -> Task:
    """PyTorch's example: four convolutions, ×3, batch 4 of 85², Adam."""
    layers = [(1, 64, 5), (64, 64, 3), (64, 32, 3), (32, 9, 3)]
    convolutions = [nn.Conv2d(inputs, maps, kernel, padding=kernel // 2) for inputs, maps, kernel in layers]
    rectified = [each for convolution in convolutions[:-1] for each in (convolution, nn.ReLU())]
    model = way.prepared(nn.Sequential(*rectified, convolutions[-1], nn.PixelShuffle(3)))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    x, y = framework.rand(batch, 1, 85, 85, device=way.device), framework.rand(batch, 1, 255, 255, device=way.device)

    return descent(way, optimizer, lambda x, y: F.mse_loss(model(x), y), x, y), inference(model, x)


@workload(1, 175.3, images=True)
def style_transfer(way: Way, batch: int) -> Task:
    """One photograph of 256²; content and style as VGG16 sees them; Adam."""
    from zoo.style_transfer.features import VGG
    from zoo.style_transfer.model import TransformerNet

    def gram(x: framework.Tensor) -> framework.Tensor:
        maps = x.flatten(2)
        return maps @ maps.transpose(1, 2) / maps[0].numel()

    x = 255 * framework.rand(batch, 3, 256, 256, device=way.device)
    model, vgg = way.prepared(TransformerNet()), way.prepared(VGG().requires_grad_(False))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    with framework.no_grad():
        style = [gram(each) for each in vgg(framework.rand(1, 3, 256, 256, device=way.device))]

    def loss_of(x: framework.Tensor) -> framework.Tensor:
        found = vgg(model(x) / 127.5 - 1)
        with framework.no_grad():
            wanted = vgg(x / 127.5 - 1)[1]
        total = 1e5 * F.mse_loss(found[1], wanted)
        for each, goal in zip(found, style, strict=True):
            total = total + 1e10 * F.mse_loss(gram(each), goal.expand(len(x), -1, -1))
        return total

    return descent(way, optimizer, loss_of, x), inference(model, x)


@workload(50)
def actor_critic(way: Way, batch: int) -> Task:
    """50 decisions on one situation each, as in an episode, and the update that follows; Adam."""
    from framework.distributions import Categorical
    from zoo.actor_critic.model import ActorCritic

    model = way.prepared(ActorCritic())
    optimizer = optim.Adam(model.parameters(), lr=3e-2)
    situations = framework.randn(batch, 4, device=way.device)

    @way.record
    def step(situations: framework.Tensor) -> framework.Tensor:
        decisions = []
        for situation in situations:
            preferences, forecast = model(situation)
            policy = Categorical(logits=preferences)
            action = policy.sample()
            decisions.append((policy.log_prob(action), forecast))
        optimizer.zero_grad()
        returns = framework.linspace(1.0, -1.0, len(situations), device=way.device)
        losses = []
        for (log_probability, forecast), earned in zip(decisions, returns, strict=True):
            losses.append(F.smooth_l1_loss(forecast, earned) - log_probability * (earned - forecast.detach()))
        loss = framework.stack(losses).sum()
        loss.backward()
        optimizer.step()
        return loss

    return lambda: step(situations), inference(model, situations)


@workload(
    128,
    products(2 * 128 * 20, (100, 300), (300, 1200), (300, 1200), (300, 1200), (300, 1200))
    + products(128, (2400, 600), (600, 600), (600, 600), (600, 3)),
)
def snli(way: Way, batch: int) -> Task:
    """Batch 128 of two sentences of 20 words, GloVe's 100 numbers each; Adam."""
    from zoo.snli.model import Net

    model = way.prepared(Net(framework.randn(10000, 100), 0.2))
    optimizer = optim.Adam([each for each in model.parameters() if each.requires_grad], lr=1e-3)
    premises, hypotheses = framework.randint(2, 10000, (2, batch, 20), device=way.device)
    labels = framework.randint(0, 3, (batch,), device=way.device)

    def loss_of(premises: framework.Tensor, hypotheses: framework.Tensor, labels: framework.Tensor) -> framework.Tensor:
        return F.cross_entropy(model(premises, hypotheses), labels)

    return descent(way, optimizer, loss_of, premises, hypotheses, labels), inference(model, premises, hypotheses)


@workload(97, 4 * products(97 * 100, (1, 204), (51, 204), (51, 204), (51, 204), (51, 1)), doubles=True)
def time_sequence(way: Way, batch: int) -> Task:
    """97 waves of 100 values in float64, four evaluations of L-BFGS."""
    from zoo.time_sequence.model import Sequence

    model = way.prepared(Sequence().double())
    optimizer = optim.LBFGS(model.parameters(), lr=0.8, max_iter=4, tolerance_grad=0, tolerance_change=0)
    times = framework.arange(101.0, device=way.device) / 20
    waves = framework.sin(times + framework.rand(batch, 1, device=way.device)).double()

    @way.record  # L-BFGS itself asks for numbers
    def loss_and_gradients(waves: framework.Tensor) -> framework.Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(model(waves[:, :-1]), waves[:, 1:])
        loss.backward()
        return loss

    return lambda: optimizer.step(lambda: loss_and_gradients(waves)), inference(model, waves[:, :-1])


@workload(1, name="a + b on 3 × 4, 1,000 times")
def small_add(way: Way, batch: int) -> Task:
    """`a + b`, recorded: milliseconds a step are microseconds an addition."""
    a, b = (framework.randn(3, 4, requires_grad=True) for _ in range(2))

    def step() -> framework.Tensor:
        for _ in range(1000):
            out = a + b
        return out.sum()

    return step, lambda: a + b


@workload(1, name="MLP of 3 layers, batch 1, 100 times")
def small_mlp(way: Way, batch: int) -> Task:
    """Forward, loss and backward of an MLP of three layers on a single sample."""
    model = way.prepared(nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)))
    x, y = framework.randn(1, 10), framework.randn(1, 1)

    def step() -> framework.Tensor:
        for _ in range(100):
            model.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
        return loss

    return step, inference(model, x)


@workload(64, name="DataLoader, 100 batches of 64 digits")
def data_loading(way: Way, batch: int) -> Task:
    """Shuffled, sample by sample, as it comes."""
    from framework.utils.data import DataLoader, TensorDataset

    images = framework.randint(0, 256, (6400, 28, 28), dtype=framework.uint8)
    loader = DataLoader(TensorDataset(images, framework.randint(0, 10, (6400,))), batch_size=batch, shuffle=True)

    def step() -> framework.Tensor:
        return framework.tensor(float(sum(len(labels) for _, labels in loader)))

    return step, lambda: next(iter(loader))
