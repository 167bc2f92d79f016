"""Convolutions on a GPU, by cuDNN and by columns: values and all gradients are what NumPy computes in float64."""

import math
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import framework
import framework.nn.functional as F
from framework import kernels
from framework.backends import cudnn as switches
from framework.kernels import cuda_conv, cuda_cudnn, cuda_unfold
from framework.ops import conv as ops
from tests.gpu import cudnn_stand_in
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("cupy")
WAYS = ["cudnn", "unfolded"]


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """Which kernels compute: cuDNN, or without it those that unfold."""
    monkeypatch.setattr(switches, "enabled", request.param == "cudnn")
    return request.param


@pytest.fixture
def cudnn():
    """The stand-in, asked what it was asked; there is none on a GPU."""
    if sys.modules.get("cudnn") is not cudnn_stand_in:
        pytest.skip("asks the stand-in")
    cuda_cudnn.plan_for.cache_clear()
    cudnn_stand_in.built.clear()
    return cudnn_stand_in


def call(x, w, b=None, transposed=False, **options):
    function = getattr(F, f"conv{'_transpose' * transposed}{x.ndim - 2}d")
    return function(x, w, b, **options)


def randn(*shape):
    return np.random.default_rng(math.prod(shape)).standard_normal(shape)


def outcome(arrays, dtype=framework.float64, device="cpu", arranged=lambda x: x, **options) -> list:
    """The output and the gradients by all of the arrays, as NumPy's in float64."""
    leaves = [framework.tensor(each).to(dtype).to(device).requires_grad_() for each in arrays]
    out = call(arranged(leaves[0]), *leaves[1:], **options)
    target = framework.tensor(np.cos(np.arange(math.prod(out.shape))).reshape(out.shape)).to(dtype).to(device)
    return [each.detach().cpu().double().numpy() for each in (out, *framework.autograd.grad((out * target).sum(), leaves))]


def check(arrays, dtype=framework.float64, tolerance=1e-11, **options) -> None:
    """On the GPU as on the CPU: in float64, by the ops' own formulas, of the same numbers."""
    rounded = [framework.tensor(each).to(dtype).double().numpy() for each in arrays]
    ours = outcome(arrays, dtype, "cuda", **options)
    with kernels.use("reference"):
        expected = outcome(rounded, **options)
    for mine, right in zip(ours, expected, strict=True):
        assert mine.shape == right.shape
        np.testing.assert_allclose(mine, right, rtol=tolerance, atol=tolerance * (1 + np.abs(right).max(initial=0)))


def computed_by() -> set:
    """The kernels that computed the three products since the last reset."""
    report = kernels.report()
    return {name for op in ("convolution", "input_grad", "weight_grad") for name in report.get(op, ())}


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("transposed", [False, True])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_geometry(way, transposed, dims, data):
    draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    each = lambda low, high: tuple(draw(low, high) for _ in range(dims))  # noqa: E731
    groups, images = data.draw(st.sampled_from([1, 1, 2, 3, 5])), draw(1, 3)
    channels, filters = groups * draw(1, 3), groups * draw(1, 3)
    kernel, stride, dilation = each(1, 5 if dims < 3 else 3), each(1, 3), each(1, 3 if dims < 3 else 2)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    options = {"stride": stride, "dilation": dilation, "groups": groups, "transposed": transposed}
    if transposed:
        sizes = each(1, 7 if dims < 3 else 4)
        largest = [((n - 1) * s + r) // 2 for n, s, r in zip(sizes, stride, reach, strict=True)]
        extra = tuple(draw(0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
        options |= {"padding": tuple(draw(0, min(4, most)) for most in largest), "output_padding": extra}
    else:
        options["padding"] = each(0, 4)
        sizes = [max(draw(1, 11 if dims < 3 else 5), r + 1 - 2 * p) for r, p in zip(reach, options["padding"], strict=True)]
    weight = (channels, filters // groups) if transposed else (filters, channels // groups)
    arrays = [randn(images, channels, *sizes), randn(*weight, *kernel), randn(filters)]

    kernels.reset()
    check(arrays[: draw(2, 3)], **options)
    assert all(name.startswith(way) for name in computed_by())


CASES = {  # input, weight, options
    "one number": ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    "depthwise": ((3, 6, 9, 8), (6, 1, 3, 3), {"groups": 6, "padding": 1}),
    "depthwise, two filters each": ((2, 4, 9, 8), (8, 1, 5, 5), {"groups": 4, "stride": 2}),
    "pointwise": ((3, 7, 5, 6), (4, 7, 1, 1), {}),
    "no images": ((0, 4, 6, 5), (3, 4, 3, 3), {}),
    "no images, transposed": ((0, 4, 6, 5), (4, 3, 3, 3), {"transposed": True}),
    "a kernel as large as the image": ((2, 3, 5, 4), (6, 3, 5, 4), {}),
    "nothing but padding seen": ((2, 3, 1, 1), (4, 3, 3, 3), {"padding": 4, "dilation": 2}),
    "steps past the end": ((2, 3, 10, 9), (4, 3, 2, 2), {"stride": 4}),
    "more padding than input, transposed": ((2, 3, 4, 4), (3, 2, 5, 5), {"transposed": True, "padding": 3, "stride": 2}),
    "output padding beyond the stride": ((2, 3, 4, 4), (3, 2, 3, 3), {"transposed": True, "dilation": 3, "output_padding": 2}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_cases(way, name, dtype):
    x, w, options = CASES[name]
    filters = w[1] * options.get("groups", 1) if options.get("transposed") else w[0]
    tolerance = {"float32": 1e-5, "float64": 1e-12, "bfloat16": 4e-2, "float16": 5e-3}[dtype]
    kernels.reset()
    check([randn(*x), randn(*w), randn(filters)], getattr(framework, dtype), tolerance, **options)
    check([randn(*x), randn(*w)], getattr(framework, dtype), tolerance, **options)
    assert "reference" not in computed_by()


@pytest.mark.parametrize("transposed", [False, True])
def test_second_derivatives(way, transposed):
    def second(device):
        x, w, b = (framework.tensor(each, device=device, requires_grad=True) for each in (randn(2, 4, 6, 5), randn(4, 2, 3, 3), randn(4)))
        out = call(x, w, b, transposed, stride=2, padding=1, groups=2)
        first = framework.autograd.grad((out**3).sum(), [x, w, b], create_graph=True)
        third = framework.autograd.grad([(each**2).sum() for each in first], [x, w, b])
        return [each.detach().cpu().numpy() for each in (*first, *third)]

    kernels.reset()
    ours = second("cuda")
    assert all(name.startswith(way) for name in computed_by())
    with kernels.use("reference"):
        for mine, right in zip(ours, second("cpu"), strict=True):
            np.testing.assert_allclose(mine, right, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("arranged", [lambda x: x.mT, lambda x: x[1:], lambda x: x[:, :, ::2], lambda x: x.permute(0, 3, 1, 2)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_inputs_as_they_lie(way, arranged, dtype):
    """Turned, beginning at an address that is no multiple of 16, with gaps, channels last."""
    check([randn(3, 3, 7, 3), randn(4, 3, 2, 3), randn(4)], getattr(framework, dtype), 1e-5 if dtype == "float32" else 4e-2,
          arranged=arranged)  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_images_of_16_bits_have_their_channels_last(dims, dtype, turned):
    """By cuDNN, however they come; the weight's gradient, lines, volumes and other types lie row by row."""
    x = framework.tensor(randn(2, *(6,) * dims, 3)).to(getattr(framework, dtype)).cuda().movedim(-1, 1)._array
    w = framework.tensor(randn(4, 3, *(2,) * dims)).to(getattr(framework, dtype)).cuda()._array
    geometry = (1,) * dims, (0,) * dims, (1,) * dims
    out = ops.convolution(x if turned else x.copy(), w, geometry, 1)
    made = [out, ops.input_grad(out, w, x.shape, geometry, 1), ops.weight_grad(out, x, w.shape, geometry, 1)]
    are_last = [np.moveaxis(each, 1, -1).flags.c_contiguous and not each.flags.c_contiguous for each in made]
    assert are_last == [dtype != "float32" and dims == 2] * 2 + [False] and made[2].flags.c_contiguous


def step_of(x, w, b):
    def step(scale):
        for each in (w, b):
            each.grad = None
        loss = (call(x * scale, w, b, padding=1, groups=2) ** 2).mean() + call(x, w, transposed=True, stride=2).mean()
        loss.backward()
        with framework.no_grad():
            w.sub_(0.1 * w.grad)
        return loss

    return step


def test_recorded(way):
    """A step with both convolutions, launched as a graph, does what it does."""

    def losses(compiled):
        x = framework.tensor(randn(2, 4, 6, 5), device="cuda")
        w, b = (framework.tensor(each, device="cuda", requires_grad=True) for each in (randn(4, 2, 3, 3), randn(4)))
        step = framework.compile(step_of(x, w, b)) if compiled else step_of(x, w, b)
        found = [step(framework.tensor(1.0 + i, dtype=framework.float64, device="cuda")).item() for i in range(6)]
        assert not compiled or (len(step.graphs) == 1 and not step.as_it_is)
        return found

    np.testing.assert_allclose(losses(True), losses(False), rtol=1e-12)


def test_a_few_images_at_a_time(monkeypatch):
    monkeypatch.setattr(switches, "enabled", False)
    monkeypatch.setattr(cuda_unfold, "_MOST", 2 * 8 * 4 * 9 * 30)  # bytes: the columns of two images
    for options in ({"padding": 1, "groups": 2}, {"padding": 1, "groups": 2, "transposed": True}):
        check([randn(5, 4, 6, 5), randn(4, 2, 3, 3), randn(4)], **options)


@pytest.mark.parametrize("part", [1, 50, 4096])
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 3, 1), (9, 2, 3), (5, 3, 17, 19), (1, 3, 40, 36), (3, 2, 2, 10, 13), (2, 300, 2)])
def test_gradients_of_a_bias(monkeypatch, shape, part):
    monkeypatch.setattr(cuda_conv, "_PART", part)
    grad = framework.tensor(randn(*shape)).cuda()
    for lies in (lambda x: x, lambda x: x.movedim(1, -1).contiguous().movedim(-1, 1)):
        ours = framework.as_tensor(cuda_conv._bias_gradient(lies(grad)._array)).cpu().numpy()
        np.testing.assert_allclose(ours, randn(*shape).sum((0, *range(2, len(shape)))), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 3, 5, 7), (2, 4, 4), (2, 3, 2, 4, 4), (1, 1, 1, 1)])
@pytest.mark.parametrize("dtype", [framework.float32, framework.bfloat16, framework.float16], ids=str)
def test_biases_are_added_in_place(dtype, shape):
    x, bias = framework.tensor(randn(*shape)).cuda().to(dtype), framework.tensor(randn(shape[1])).cuda().to(dtype)
    for lies in (lambda x: x, lambda x: x.movedim(1, -1).contiguous().movedim(-1, 1), lambda x: x.mT.contiguous().mT):
        out = lies(x.clone())
        assert cuda_conv._add_bias(out._array, bias._array) is out._array
        assert framework.equal(out, x + bias.reshape(-1, *(1,) * (len(shape) - 2)))


def test_plans_are_built_once(cudnn):
    x, w = randn(2, 3, 9, 7), randn(4, 3, 2, 3)
    for _ in range(3):
        outcome([x, w], framework.float32, "cuda")
    assert cudnn.built == ["conv_fprop plain", "conv_dgrad atomic", "conv_wgrad atomic"]
    outcome([x, w], framework.float64, "cuda")
    assert len(cudnn.built) == 6
    outcome([x, w], framework.float32, "cuda", stride=2)
    assert len(cudnn.built) == 9


def test_tf32(cudnn, monkeypatch):
    """With tensor cores float32 is multiplied with 10 bits of fraction; nobody ever gets fewer than he asked for."""
    x, w = randn(2, 3, 9, 7), randn(4, 3, 2, 3)
    exact = outcome([x, w], framework.float32, "cuda")
    monkeypatch.setattr(switches, "allow_tf32", True)
    short = outcome([x, w], framework.float32, "cuda")
    assert cudnn.built[-3:] == ["conv_fprop tensor_cores", "conv_dgrad tensor_cores", "conv_wgrad atomic_tensor_cores"]
    for rough, right in zip(short, exact, strict=True):
        assert 1e-5 < np.abs(rough - right).max() / np.abs(right).max() < 1e-2


def test_deterministic(cudnn, monkeypatch):
    monkeypatch.setattr(switches, "deterministic", True)
    for allowed, name in ((False, "plain"), (True, "tensor_cores")):
        monkeypatch.setattr(switches, "allow_tf32", allowed)
        outcome([randn(2, 3, 9, 7), randn(4, 3, 2, 3)], framework.float32, "cuda")
        assert cudnn.built[-3:] == [f"conv_fprop {name}", f"conv_dgrad {name}", f"conv_wgrad {name}"]


def test_16_bits_always_by_tensor_cores(cudnn):
    outcome([randn(2, 3, 9, 7), randn(4, 3, 2, 3)], framework.bfloat16, "cuda")
    assert cudnn.built == ["conv_fprop tensor_cores", "conv_dgrad tensor_cores", "conv_wgrad atomic_tensor_cores"]


@pytest.mark.parametrize("quickest", ["tensor_cores", "atomic", "plain"])
def test_benchmark(cudnn, monkeypatch, quickest):
    """Every plan is tried, and the quickest computes."""
    monkeypatch.setattr(switches, "benchmark", True)
    monkeypatch.setattr(switches, "allow_tf32", True)
    seconds = cuda_cudnn.Plan.seconds
    slower = lambda plan, *arrays: seconds(plan, *arrays) + 100 * (plan.graph.engines[plan.index].name != quickest)  # noqa: E731
    monkeypatch.setattr(cuda_cudnn.Plan, "seconds", slower)
    check([randn(2, 3, 9, 7), randn(4, 3, 2, 3)], framework.float32, 2e-3)
    assert len(cudnn.built) == 2 + 3 + 4
    cudnn.launched.clear()
    outcome([randn(2, 3, 9, 7), randn(4, 3, 2, 3)], framework.float32, "cuda")
    assert cudnn.launched[-1] == f"conv_wgrad {quickest}"


@pytest.mark.parametrize("unknown", [{"conv_fprop"}, {"conv_dgrad"}, {"conv_wgrad"}, {"conv_fprop", "conv_dgrad", "conv_wgrad"}])
def test_what_cudnn_does_not_know(cudnn, monkeypatch, unknown):
    """Is computed by columns; that is decided once."""
    monkeypatch.setattr(cudnn, "unknown", unknown)
    kernels.reset()
    for _ in range(2):
        check([randn(2, 3, 9, 7), randn(4, 3, 2, 3), randn(4)])
    assert {name.startswith("unfolded") for name in computed_by()} == {True, len(unknown) == 3}
    assert cuda_cudnn.plan_for.cache_info().misses == 3


@pytest.mark.parametrize("missing", ["module", "library"])
def test_without_cudnn(cudnn, monkeypatch, missing):
    def no_library():
        raise RuntimeError("Unable to find symbol cudnnCreate")

    if missing == "module":
        monkeypatch.setitem(sys.modules, "cudnn", None)
    else:
        cuda_cudnn.handle_of.cache_clear()
        monkeypatch.setattr(cudnn, "create_handle", no_library)
    kernels.reset()
    check([randn(2, 3, 9, 7), randn(4, 3, 2, 3), randn(4)])
    assert all(name.startswith("unfolded") for name in computed_by())
    cuda_cudnn.handle_of.cache_clear()
