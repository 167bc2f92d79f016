"""DataParallel on replicas that share the CPU, equal to the module alone; AdaptiveLogSoftmaxWithLoss against PyTorch."""

from collections import namedtuple

import numpy as np
import pytest

import framework
from framework import nn
from tests.nn.checks import right_gradients

TWO = ["cpu", "cpu"]
Pair = namedtuple("Pair", ("sum", "more"))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(3, 4), nn.BatchNorm1d(4, affine=False), nn.Linear(4, 2)
        self.again = self.first

    def forward(self, x, scale=1.0, *, shift=None, text="text"):
        hidden = self.norm(self.again(x).tanh()) * scale
        out = self.last(hidden)
        return {"out": out if shift is None else out + shift, "pair": Pair(out.sum(1), [hidden, None]), "rows": out.mean()}


def run(module, *args, **kwargs):
    x = framework.randn(5, 3, generator=framework.Generator().manual_seed(1)).requires_grad_()
    for parameter in module.parameters():
        parameter.grad = None
    result = module(x, *args, **kwargs)
    (result["out"].square().sum() + result["pair"].more[0].sum()).backward()
    return result, [x.grad, *(each.grad for each in module.parameters())]


@pytest.mark.parametrize("devices", [TWO, ["cpu"] * 3, ["cpu"], ["cpu"] * 9])
def test_equal_to_the_module_alone(devices):
    net = Net().eval()
    shift = framework.arange(5.0).reshape(5, 1)
    (alone, grads), (parallel, parallel_grads) = (
        run(each, 2.0, shift=shift) for each in (net, nn.DataParallel(net, device_ids=devices))
    )
    assert isinstance(parallel["pair"], Pair) and isinstance(parallel["pair"].more, list) and parallel["pair"].more[1] is None
    pairs = [(alone["out"], parallel["out"]), (alone["pair"].sum, parallel["pair"].sum), *zip(grads, parallel_grads, strict=True)]
    for a, b in pairs:
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-5, atol=1e-6)
    assert parallel["rows"].shape == ((min(len(devices), 5),) if len(devices) > 1 else ())


def test_the_first_replica_updates_the_buffers():
    net = Net()
    x = framework.randn(6, 3)
    nn.DataParallel(net, TWO)(x)
    expected = Net()
    expected.load_state_dict({**net.state_dict(), **{key: each for key, each in Net().state_dict().items() if "norm" in key}})
    expected(x[:3])
    np.testing.assert_allclose(net.norm.running_mean.numpy(), expected.norm.running_mean.numpy(), rtol=1e-5)
    assert net.norm.num_batches_tracked.item() == 1


def test_random_numbers_do_not_depend_on_the_threads():
    dropout, results = nn.DataParallel(nn.Dropout(0.5), TWO), []
    for _ in range(5):
        framework.manual_seed(3)
        results.append(dropout(framework.ones(400, 50)))
    assert all(framework.equal(each, results[0]) for each in results)
    assert not framework.equal(results[0][:200], results[0][200:]) and 0.4 < (results[0] == 0).float().mean().item() < 0.6


def test_without_a_gpu_it_just_calls_the_module():
    net = nn.DataParallel(nn.Linear(3, 2))
    if not framework.cuda.is_available():
        x = framework.randn(2, 3)
        assert net.device_ids == [] and framework.equal(net(x), net.module(x))
    assert list(net.state_dict()) == ["module.weight", "module.bias"]


def test_along_another_dimension_without_recording_and_with_errors():
    double = nn.DataParallel(nn.ReLU(), TWO, dim=1)
    x = framework.randn(3, 5, requires_grad=True)
    with framework.no_grad():
        assert framework.equal(double(x), x.relu()) and not double(x).requires_grad
    out = nn.parallel.data_parallel(nn.Linear(3, 2), framework.ones(4, 3), TWO)
    assert out.shape == (4, 2) and out.requires_grad
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        nn.parallel.data_parallel(nn.Linear(3, 2), framework.ones(4, 2), TWO)
    with pytest.raises(RuntimeError, match="must have its parameters and buffers on device cuda:0"):
        nn.parallel.data_parallel(nn.Linear(3, 2), framework.ones(4, 3), [0, 1])


SIZES = [((8, 10, [4]), {}), ((8, 10, [2, 5, 8]), {"div_value": 2.0, "head_bias": True})]


@pytest.mark.parity
@pytest.mark.parametrize("args, options", SIZES, ids=str)
@pytest.mark.parametrize("target", [[0, 9, 3, 4, 9, 1], [1, 0], 7], ids=str)
def test_adaptive_softmax_parity(args, options, target):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    x = random.standard_normal((*np.shape(target), 8))
    state, results = None, []
    for library in (torch, framework):
        layer = library.nn.AdaptiveLogSoftmaxWithLoss(*args, **options).double()
        state = state or {key: random.standard_normal(tuple(each.shape)) for key, each in layer.state_dict().items()}
        assert list(state) == list(layer.state_dict())
        layer.load_state_dict({key: library.tensor(each) for key, each in state.items()})
        leaf = library.tensor(x, requires_grad=True)
        output, loss = layer(leaf, library.tensor(target))
        (output.sum() + loss).backward()
        results.append([repr(layer), output, loss, leaf.grad, *(each.grad for each in layer.parameters())])
        if np.ndim(target):
            results[-1] += [layer.log_prob(leaf), layer.predict(leaf)]
    assert results[0][0] == results[1][0]
    for theirs, ours in zip(results[0][1:], results[1][1:], strict=True):
        assert (theirs is None) == (ours is None)
        if ours is not None:
            np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_adaptive_softmax_is_a_distribution_and_its_gradient():
    layer = nn.AdaptiveLogSoftmaxWithLoss(16, 10, [4, 6])
    x, target = framework.randn(5, 16), framework.arange(5) * 2
    logs = layer.log_prob(x)
    np.testing.assert_allclose(logs.exp().sum(1).detach().numpy(), np.ones(5), rtol=1e-5)
    output, loss = layer(x, target)
    np.testing.assert_allclose(output.detach().numpy(), logs.detach().numpy()[range(5), target.numpy()], rtol=1e-5)
    right_gradients(("AdaptiveLogSoftmaxWithLoss", (16, 10, [4, 6]), {}, [(5, 16), target.numpy()]))


@pytest.mark.parametrize(
    "do, error, message",
    [
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 10, []), ValueError, "unique integers from 1"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 10, [4, 2]), ValueError, "unique integers from 1 to n_classes - 1"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 10, [0, 4]), ValueError, "unique integers from 1 to n_classes - 1"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 10, [10]), ValueError, "unique integers from 1 to n_classes - 1"),
        (lambda: adaptive((2, 8), [3, 10]), RuntimeError, r"Target values should be in \[0, 9\], but got \[3, 10\]"),
        (lambda: adaptive((3, 8), [3, 1]), RuntimeError, r"expected an input \(N, features\) and a target \(N\)"),
        (lambda: adaptive((8,), [3, 1]), RuntimeError, "expected an input"),
        (lambda: adaptive((2, 8), [[3], [1]]), RuntimeError, "expected an input"),
    ],
)
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()


def adaptive(shape, target):
    return nn.AdaptiveLogSoftmaxWithLoss(8, 10, [4])(framework.ones(shape), framework.tensor(target))


def test_replicas_cast_as_the_caller_does():
    net = nn.Linear(3, 2)
    with framework.autocast("cpu"):
        assert nn.DataParallel(net, TWO)(framework.ones(4, 3)).dtype is net(framework.ones(4, 3)).dtype is framework.bfloat16
    assert nn.DataParallel(net, TWO)(framework.ones(4, 3)).dtype is framework.float32
