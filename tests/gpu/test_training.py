"""Models, optimizers, data and files on a GPU: the same as on the CPU."""

import copy
import warnings

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import kernels, nn, optim
from framework.optim import lbfgs
from framework.utils.data import DataLoader, TensorDataset
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("cupy")


class Everything(nn.Module):
    """A layer of every family; before a normalisation and for attention's keys without a bias, whose gradient would be rounding alone."""

    def __init__(self):
        super().__init__()
        self.grid = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.ConvTranspose2d(6, 4, 2, 2),
            nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 3, groups=4), nn.Upsample(scale_factor=2), nn.AvgPool2d(2), nn.LeakyReLU(),
            nn.Dropout2d(0.3),
        )  # fmt: skip
        self.words = nn.Embedding(11, 8)
        self.lstm, self.gru = nn.LSTM(8, 5, 2, bidirectional=True, batch_first=True, dropout=0.2), nn.GRU(10, 6, batch_first=True)
        self.attention, self.norm = nn.MultiheadAttention(6, 2, bias=False, batch_first=True), nn.LayerNorm(6)
        self.out = nn.Sequential(nn.Linear(64 + 6, 12), nn.RMSNorm(12), nn.GELU(), nn.Dropout(0.4), nn.Linear(12, 3))

    def forward(self, images, words):
        read = self.gru(self.lstm(self.words(words))[0])[0]
        seen = self.norm(read + self.attention(read, read, read)[0]).mean(1)
        return self.out(framework.cat([self.grid(images).flatten(1), seen], 1))


def data():
    framework.manual_seed(3)
    return framework.randn(12, 3, 6, 6), framework.randint(0, 11, (12, 4)), framework.randint(0, 3, (12,))


def trained(device, make_optimizer, steps=3):
    framework.manual_seed(1)
    model = Everything().to(device)
    optimizer = make_optimizer(model.parameters())
    loader, losses = DataLoader(TensorDataset(*data()), 4), []
    for _ in range(steps):
        for images, words, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images.to(device), words.to(device)), labels.to(device))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
    return model, optimizer, losses


OPTIMIZERS = [
    lambda p: optim.SGD(p, 0.1, momentum=0.9), lambda p: optim.Adam(p, 0.01, amsgrad=True), optim.Adadelta, optim.RMSprop,
    optim.Adagrad, optim.AdamW, optim.Adamax, optim.NAdam, optim.RAdam, optim.ASGD, optim.Rprop, optim.Adafactor,
]  # fmt: skip


@pytest.mark.parametrize("make", OPTIMIZERS, ids=lambda make: getattr(make, "__name__", "lambda"))
def test_a_training_is_that_of_the_cpu(make):
    on_gpu, optimizer, ours = trained("cuda", make)
    on_cpu, _, expected = trained("cpu", make)
    np.testing.assert_allclose(ours, expected, rtol=2e-3)
    for (name, a), b in zip(on_gpu.state_dict().items(), on_cpu.state_dict().values(), strict=True):
        assert a.device.type == "cuda", name
        np.testing.assert_allclose(a.cpu().numpy(), b.numpy(), rtol=5e-3, atol=5e-3, err_msg=name)
    for state in optimizer.state.values():
        assert all(each.device.type == "cuda" for name, each in state.items() if each.ndim), "the optimizer's state"


def test_lbfgs():
    def minimum(device):
        x = framework.tensor([3.0, -2.0], device=device, requires_grad=True)
        optimizer = optim.LBFGS([x], line_search_fn="strong_wolfe")

        def closure():
            optimizer.zero_grad()
            loss = ((x - 1) ** 4).sum() + x.prod()
            loss.backward()
            return loss

        optimizer.step(closure)
        return x.detach().cpu().numpy()

    np.testing.assert_allclose(minimum("cuda"), minimum("cpu"), rtol=1e-4)


@pytest.mark.parametrize("kind", [framework.float32, framework.float64], ids=lambda each: each.name)
@pytest.mark.parametrize("size, history", [(1, 1), (300, 2), (70_000, 7)])
def test_the_direction_of_lbfgs(kind, size, history):
    """By a launch a turn, as by the formula."""
    numbers = np.random.default_rng(0)
    grad, scale, *vectors = numbers.standard_normal(size), abs(numbers.standard_normal()), *numbers.standard_normal((2 * history, size))
    outcomes = []
    for device in ("cuda", "cpu"):
        given = [framework.tensor(each, dtype=kind if device == "cuda" else framework.float64, device=device) for each in (grad, *vectors)]
        ro = [framework.tensor(1.0 / size / (3 + k), dtype=given[0].dtype, device=device) for k in range(history)]
        kernels.reset()
        h_diag = framework.tensor(scale, dtype=given[0].dtype, device=device)
        out = lbfgs.newton_direction(given[0], given[1 : 1 + history], given[1 + history :], ro, h_diag)
        outcomes.append(out.cpu().double().numpy())
        assert device == "cpu" or kernels.report()["newton_direction"] == {"a_launch_a_turn": 1}
    np.testing.assert_allclose(*outcomes, rtol=0, atol=(1e-4 if kind is framework.float32 else 1e-12) * abs(outcomes[1]).max())


def test_saved_on_one_and_loaded_on_the_other(tmp_path):
    model, optimizer, _ = trained("cuda", optim.Adam)
    framework.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "file")
    loaded = framework.load(tmp_path / "file")
    again = Everything()
    again.load_state_dict(loaded["model"])
    for a, b in zip(again.parameters(), model.parameters(), strict=True):
        assert a.device.type == "cpu" and np.array_equal(a.detach().numpy(), b.detach().cpu().numpy())
    moved = Everything().to("cuda")
    moved.load_state_dict(loaded["model"])
    assert all(each.device.type == "cuda" for each in moved.state_dict().values())
    optim.Adam(moved.parameters()).load_state_dict(loaded["optimizer"])


def test_random_numbers_are_the_same_on_every_device():
    for make in (framework.rand, framework.randn):
        drawn = []
        for device in ("cpu", "cuda"):
            framework.manual_seed(7)
            drawn.append(make(50, device=device).cpu().numpy())
        np.testing.assert_allclose(*drawn, rtol=1e-6)
    drawn = []
    for device in ("cpu", "cuda"):
        framework.manual_seed(-7)
        whole = framework.empty(300, dtype=framework.int64, device=device).random_(-(1 << 40), 1 << 62)
        drawn.append((whole.tolist(), framework.rand(3000, device=device).tolist(), framework.randperm(20, device=device).tolist()))
    assert drawn[0] == drawn[1], "to the last bit, where nothing but the bits is needed"
    dropped = []
    for device in ("cpu", "cuda"):
        framework.manual_seed(7)
        dropped.append(F.dropout(framework.ones(500, device=device), 0.3).cpu().numpy())
    assert np.array_equal(*dropped)


def test_what_a_tensor_shows():
    x = framework.arange(6.0, device="cuda").reshape(2, 3).requires_grad_()
    assert repr(x) == "tensor([[0., 1., 2.],\n        [3., 4., 5.]], device='cuda:0', requires_grad=True)"
    assert x.device == framework.device("cuda:0") and x.is_cuda and not x.cpu().is_cuda
    assert x[1, 2].item() == 5.0 and x.tolist()[0] == [0, 1, 2]
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()"):
        x.detach().numpy()
    assert x.detach().to("cpu").numpy().sum() == 15
    assert copy.deepcopy(x.detach()).device.type == "cuda"


MIXED = {
    "add": lambda a, b: a + b,
    "matmul": lambda a, b: a @ b,
    "linear": lambda a, b: F.linear(a, b),
    "cat": lambda a, b: framework.cat([a, b]),
    "where": lambda a, b: framework.where(a > 0, a, b),
    "in place": lambda a, b: a.clone().add_(b),
    "mse_loss": lambda a, b: F.mse_loss(a, b),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", MIXED)
def test_mixed_devices_are_one_clear_error(name, turned):
    a, b = framework.ones(3, 3, device="cuda"), framework.ones(3, 3)
    two = "(cuda:0 and cpu|cpu and cuda:0)"
    with pytest.raises(RuntimeError, match=f"Expected all tensors to be on the same device, but found at least two devices, {two}"):
        MIXED[name](*((b, a) if turned else (a, b)))


def test_single_numbers_go_with_either_device():
    x = framework.ones(3, device="cuda")
    assert (x * framework.tensor(2.0)).tolist() == [2, 2, 2] and (framework.tensor(2.0) * x).device.type == "cuda"


def needs_two_gpus():
    if framework.cuda.device_count() < 2:
        pytest.skip("needs two CUDA devices")


def test_another_gpu_than_the_one_in_use():
    needs_two_gpus()
    x = framework.ones(3, device="cuda:1", requires_grad=True)
    for _ in range(2):
        y = x * 2
        (y * y + framework.cat([y[:1], x[1:]])).sum().backward()
    assert x.grad.device == y.device == framework.device("cuda:1") and framework.cuda.current_device() == 0
    assert x.grad.tolist() == [2 * (8 + 2), 2 * (8 + 1), 2 * (8 + 1)]
    total = (x.cpu() * 2).sum() + (x * 3).to("cuda:0").sum().cpu()
    total.backward()
    assert x.grad.tolist() == [25, 23, 23]


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_data_parallel_on_two(dropout):
    needs_two_gpus()
    framework.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2)).to("cuda:0")
    x = framework.randn(6, 5, device="cuda:0")
    out = nn.DataParallel(model, device_ids=[0, 1])(x)
    assert out.device == framework.device("cuda:0") and out.shape == (6, 2)
    out.square().sum().backward()
    assert all(each.grad.device == framework.device("cuda:0") for each in model.parameters())
    if not dropout:
        expected = framework.cat([copy.deepcopy(model)(x[:3]), copy.deepcopy(model)(x[3:])])
        np.testing.assert_allclose(out.detach().cpu().numpy(), expected.detach().cpu().numpy(), rtol=1e-5, atol=1e-6)


IN_PLACE = {
    "fill_": lambda x: x.fill_(3.0),
    "zero_": lambda x: x.zero_(),
    "add_": lambda x: x.add_(2.0),
    "copy_": lambda x: x.copy_(framework.arange(4.0).to(x.device)),
    "masked_fill_": lambda x: x.masked_fill_(x > 0, 5.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_on_another_gpu_than_the_one_in_use(name):
    needs_two_gpus()
    found = IN_PLACE[name](framework.ones(4, device="cuda:1"))
    assert found.device == framework.device("cuda:1")
    assert found.tolist() == IN_PLACE[name](framework.ones(4)).tolist()


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adagrad", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop", "RMSprop", "Adadelta"])
def test_optimizers_on_another_gpu_than_the_one_in_use(name):
    needs_two_gpus()

    def learnt(*devices):
        weights = [framework.tensor([1.0, -2.0, 3.0], device=each, requires_grad=True) for each in devices]
        optimizer = getattr(optim, name)(weights, lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            sum((each**2).sum().cpu() for each in weights).backward()
            optimizer.step()
        return [each.tolist() for each in weights]

    np.testing.assert_allclose(learnt("cuda:1", "cuda:0"), learnt("cpu", "cpu"), rtol=1e-5)


def test_cuda_means_the_gpu_in_use():
    needs_two_gpus()
    with framework.cuda.device(1):
        model, x = nn.Linear(3, 2).cuda(), framework.rand(2, 3, device="cuda")
        assert x.device == framework.ones(2).cuda().device == model(x).device == framework.device("cuda:1")


def test_a_compiled_step_on_another_gpu_than_the_one_in_use():
    needs_two_gpus()
    weight = framework.ones(2, device="cuda:1", requires_grad=True)
    optimizer = optim.SGD([weight], 0.5)

    @framework.compile
    def step(x):
        optimizer.zero_grad()
        loss = (weight * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = [step(framework.ones(2, device="cuda:1")).item() for _ in range(5)]
    assert losses == [2.0, 1.0, 0.0, -1.0, -2.0] and weight.tolist() == [-1.5, -1.5]
