"""LSTM and GRU layers by their kernels for GPUs, step by step and by cuDNN: values and gradients are those of the formulas on the CPU."""

import gc
import subprocess
import sys
import warnings

import numpy as np
import pytest

import framework
from framework import kernels, nn, optim
from framework.backends import cudnn
from framework.kernels import cuda_cudnn_rnn
from framework.ops import recurrent
from tests.gpu import emulator, stand_in
from tests.gpu.cudnn_rnn_stand_in import Library
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

CACHES = [getattr(cuda_cudnn_rnn, name) for name in ("library", "_handle_of", "_layer", "_batch", "_order_turned")]
TOLERANCE = {framework.float32: 3e-5, framework.float64: 1e-12, framework.bfloat16: 0.05, framework.float16: 0.005}
LAYERS = {"lstm": recurrent.lstm_layer, "gru": recurrent.gru_layer}


@pytest.fixture(params=["by_steps", "cudnn"])
def way(request, monkeypatch, cupy):  # noqa: F811
    """Which kernel computes; where there is no GPU cuDNN's library is the stand-in's."""
    yield from working(request.param, monkeypatch, cupy)


@pytest.fixture
def by_cudnn(monkeypatch, cupy):  # noqa: F811
    yield from working("cudnn", monkeypatch, cupy)


def working(way, monkeypatch, cupy):  # noqa: F811
    monkeypatch.setattr(cudnn, "enabled", way == "cudnn")
    monkeypatch.setattr(cudnn, "allow_tf32", False)
    forget()
    if cupy.ndarray is stand_in.ndarray:
        monkeypatch.setattr(cuda_cudnn_rnn, "_load", Library)
    elif way == "cudnn" and cuda_cudnn_rnn.library() is None:
        pytest.skip("needs libcudnn.so.9")
    yield way
    forget()


def forget():
    for each in reversed(CACHES):
        each.cache_clear()


def layer_of(kind, steps=5, batch=3, width=4, height=7, bias=True, turned=False, **options):
    """A call of the layer with such sizes, and its inputs: x, the states, the weights."""
    rows = (4 if kind == "lstm" else 3) * height
    data = (sum(options["batch_sizes"]),) if "batch_sizes" in options else (batch, steps) if turned else (steps, batch)
    shapes = [(*data, width), *[(batch, height)] * (2 if kind == "lstm" else 1), (rows, width), (rows, height), *[(rows,)] * (2 * bias)]

    def call(x, *rest):
        rest = rest if bias else (*rest, None, None)
        given = dict(options)
        if "lengths" in options:  # on the device, with other numbers between them
            given["lengths"] = x.new_tensor(options["lengths"], dtype=framework.int64).repeat_interleave(2)[::2]
        return LAYERS[kind](x.transpose(0, 1) if turned else x, *rest, **given)

    return call, [np.random.default_rng(number).standard_normal(shape) / 2 for number, shape in enumerate(shapes)]


def results(call, arrays, device, dtype, shown=slice(None)):
    """The outputs and the last states; then the gradients of all inputs, where only those of the outputs that are `shown` arrive."""
    tensors = [framework.tensor(each, dtype=dtype, device=device, requires_grad=True) for each in arrays]
    outs = call(*tensors)
    loss = sum([(out * weights_like(out)).sum() for out in outs[shown]])
    grads = framework.autograd.grad(loss, tensors, allow_unused=True)
    return [None if each is None else each.detach().cpu().double().numpy() for each in (*outs, *grads)]


def weights_like(out):
    weights = np.random.default_rng(out.ndim + 9).standard_normal(tuple(out.shape))
    return framework.tensor(weights, dtype=out.dtype, device=out.device)


def compare(call, arrays, dtype, tolerance, shown=slice(None), by=None):
    """`call` on the GPU and its formula on the CPU in float64; which kernel computed."""
    arrays = [each.astype(dtype.numpy).astype(np.float64) for each in arrays]
    kernels.reset()
    ours = results(call, arrays, "cuda", dtype, shown)
    used = {name for op in ("lstm_layer", "gru_layer") for name in kernels.report().get(op, {})}
    with kernels.use("reference"):
        expected = results(call, arrays, "cpu", framework.float64, shown)
    assert used == {by}
    for mine, other in zip(ours, expected, strict=True):
        assert (mine is None or not mine.any()) if other is None else mine.shape == other.shape
        if other is not None:
            np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance * max(1, np.abs(other).max()))


def kernel(kind, way):
    return f"{kind}_by_steps" if way == "by_steps" else f"cudnn_{kind}"


PADDED = {
    "some": {},
    "backwards": {"reverse": True},
    "without biases": {"bias": False},
    "one sequence": {"batch": 1},
    "one step": {"steps": 1},
    "one step backwards": {"steps": 1, "reverse": True},
    "one unit": {"height": 1, "width": 1},
    "wide": {"batch": 2, "height": 51, "width": 33},
    "of a transpose": {"turned": True},
    "of a transpose, backwards": {"turned": True, "reverse": True},
}
PACKED = {
    "uneven": {"batch_sizes": (4, 4, 3, 1, 1), "batch": 4},
    "uneven, backwards": {"batch_sizes": (4, 4, 3, 1, 1), "batch": 4, "reverse": True},
    "one by one": {"batch_sizes": (5, 4, 3, 2, 1), "batch": 5, "reverse": True, "bias": False},
    "a large cell": {"batch_sizes": (3,), "height": 260, "width": 1},
    "a large cell of one": {"batch_sizes": (1,), "batch": 1, "height": 260, "width": 1},
}
CELLS = {
    "some": {"batch_sizes": (3,), "height": 51, "width": 1},
    "one": {"batch_sizes": (1,), "batch": 1, "height": 51, "width": 35},
    "many rows": {"batch_sizes": (9,), "batch": 9, "height": 33, "width": 70},
    "one unit": {"batch_sizes": (5,), "batch": 5, "height": 1, "width": 2},
    "the largest": {"batch_sizes": (2,), "batch": 2, "height": 256, "width": 3},
    "without biases": {"batch_sizes": (4,), "batch": 4, "bias": False},
}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("case", {**PADDED, **PACKED})
def test_in_float32(way, kind, case):
    compare(*layer_of(kind, **{**PADDED, **PACKED}[case]), framework.float32, 3e-5, by=kernel(kind, way))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("case", {**PADDED, **PACKED})
def test_in_float64(cupy, kind, case):  # noqa: F811
    compare(*layer_of(kind, **{**PADDED, **PACKED}[case]), framework.float64, 1e-12, by=f"{kind}_by_steps")


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [[5, 1, 3, 5], [2, 2, 1, 4]], ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_lengths_that_the_host_does_not_know(way, kind, reverse, lengths, dtype):
    """A sequence that has ended keeps its states; cuDNN, which wants the lengths on the host, leaves such batches to the steps."""
    call, arrays = layer_of(kind, batch=4, lengths=lengths, reverse=reverse)
    compare(call, arrays, dtype, TOLERANCE[dtype], by=f"{kind}_by_steps")
    for which in range(3 if kind == "lstm" else 2):
        compare(call, arrays, dtype, TOLERANCE[dtype], slice(which, which + 1), f"{kind}_by_steps")


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("case", CELLS)
def test_a_small_cell_is_one_launch(cupy, case, dtype):  # noqa: F811
    call, arrays = layer_of("lstm", **CELLS[case])
    compare(call, arrays, dtype, TOLERANCE[dtype], by="lstm_cell")
    for which in range(3):
        compare(call, arrays, dtype, TOLERANCE[dtype], slice(which, which + 1), "lstm_cell")


def test_a_cell_takes_rows_as_they_lie(cupy):  # noqa: F811
    """A step of waves is a column, as in the time_sequence example; states and weights may be parts of something too."""
    cell, waves, state = nn.LSTMCell(2, 5).double(), framework.randn(3, 4, 2).double(), framework.randn(3, 5, 2).double()

    def outcome(device):
        states = [each.to(device).requires_grad_() for each in (waves, state)]
        h, c = cell.to(device)(states[0][:, 1], (states[1][..., 0], states[1][..., 1]))
        grads = framework.autograd.grad((h * c).sum(), [*states, *cell.parameters()])
        return [each.detach().cpu().numpy() for each in (h, c, *grads)]

    kernels.reset()
    ours = outcome("cuda")
    assert set(kernels.report()["lstm_layer"]) == {"lstm_cell"}
    for mine, expected in zip(ours, outcome("cpu"), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind, which", [(kind, which) for kind in LAYERS for which in range(3 if kind == "lstm" else 2)])
@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_of_some_of_the_outputs(way, kind, which, reverse):
    call, arrays = layer_of(kind, reverse=reverse)
    compare(call, arrays, framework.float32, 3e-5, slice(which, which + 1), kernel(kind, way))


@pytest.mark.parametrize("kind, which", [(kind, which) for kind in LAYERS for which in range(3 if kind == "lstm" else 2)])
def test_gradients_of_some_of_the_outputs_of_packed(cupy, kind, which):  # noqa: F811
    for reverse in (False, True):
        call, arrays = layer_of(kind, batch=4, batch_sizes=(4, 3, 3, 1), reverse=reverse)
        compare(call, arrays, framework.float64, 1e-12, slice(which, which + 1), f"{kind}_by_steps")


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("options", [{}, {"reverse": True}, {"bias": False}], ids=str)
def test_bfloat16(way, kind, options):
    compare(*layer_of(kind, **options), framework.bfloat16, 0.05, by=kernel(kind, way))


@pytest.mark.parametrize("kind", LAYERS)
def test_float16(by_cudnn, kind):
    compare(*layer_of(kind), framework.float16, 0.005, by=f"cudnn_{kind}")


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("wanted", range(7))
def test_each_gradient_alone(way, kind, wanted):
    call, arrays = layer_of(kind)
    wanted = min(wanted, len(arrays) - 1)

    def gradient(device, dtype):
        tensors = [framework.tensor(each, dtype=dtype, device=device, requires_grad=i == wanted) for i, each in enumerate(arrays)]
        (grad,) = framework.autograd.grad((call(*tensors)[0] ** 2).sum(), tensors[wanted])
        return grad.cpu().double().numpy()

    with kernels.use("reference"):
        expected = gradient("cpu", framework.float64)
    np.testing.assert_allclose(gradient("cuda", framework.float32), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", LAYERS)
def test_second_derivatives_go_through_the_formula(way, kind):
    call, arrays = layer_of(kind)

    def twice(device, dtype):
        tensors = [framework.tensor(each, dtype=dtype, device=device, requires_grad=True) for each in arrays]
        first = framework.autograd.grad((call(*tensors)[0] ** 2).sum(), tensors, create_graph=True)
        second = framework.autograd.grad(sum([(each**2).sum() for each in first]), tensors)
        return [each.cpu().double().numpy() for each in second]

    with kernels.use("reference"):
        expected = twice("cpu", framework.float64)
    for mine, other in zip(twice("cuda", framework.float32), expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("reverse", [False, True])
def test_backward_twice_and_after_a_change_in_place(way, kind, reverse):
    call, arrays = layer_of(kind, reverse=reverse)
    tensors = [framework.tensor(each, dtype=framework.float32, device="cuda", requires_grad=True) for each in arrays]
    out, *last = call(*tensors)
    loss = (out * weights_like(out)).sum()
    first = framework.autograd.grad(loss, tensors, retain_graph=True)
    for each in (out, *last):
        each.detach().fill_(7.0)
    for mine, other in zip(framework.autograd.grad(loss, tensors), first, strict=True):
        np.testing.assert_allclose(mine.cpu().numpy(), other.cpu().numpy(), rtol=1e-6)


@pytest.mark.parametrize("kind", LAYERS)
def test_states_are_not_written_over(way, kind):
    call, arrays = layer_of(kind)
    tensors = [framework.tensor(each, dtype=framework.float32, device="cuda", requires_grad=True) for each in arrays]
    grads = [framework.ones(3, 7, device="cuda") for _ in range(2 if kind == "lstm" else 1)]
    framework.autograd.grad(call(*tensors)[1:], tensors, grads, allow_unused=True)
    for tensor, array in zip(tensors, arrays, strict=True):
        assert np.array_equal(tensor.detach().cpu().numpy(), array.astype(np.float32))
    assert all(bool((each == 1).all()) for each in grads)


@pytest.mark.parametrize("kind", LAYERS)
def test_without_gradients(way, kind):
    call, arrays = layer_of(kind)
    tensors = [framework.tensor(each, dtype=framework.float32, device="cuda") for each in arrays]
    kernels.reset()
    with framework.no_grad():
        ours = [each.cpu().numpy() for each in call(*tensors)]
    assert kernels.report()[f"{kind}_layer"] == {kernel(kind, way): 1}
    with kernels.use("reference"):
        expected = [each.numpy() for each in call(*[framework.tensor(each) for each in arrays])]
    for mine, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-5)


def of_layers(make, device, inputs):
    """The outputs and all gradients of a module of layers, with dropout as it falls."""
    framework.manual_seed(2)
    module = make().to(device)
    tensors = [each.to(device).requires_grad_() for each in inputs]
    outs = module(tensors[0], tuple(tensors[1:]) if len(tensors) > 2 else tensors[1]) if len(tensors) > 1 else module(*tensors)
    outs = [each for part in (outs if isinstance(outs, tuple) else (outs,)) for each in (part if isinstance(part, tuple) else (part,))]
    sum([(each * weights_like(each)).sum() for each in outs]).backward()
    return [each.detach().cpu().numpy() for each in (*outs, *(each.grad for each in (*module.parameters(), *tensors)))]


MODULES = {
    "two layers both ways": (lambda: nn.LSTM(3, 5, 2, bidirectional=True, dropout=0.4), [(6, 4, 3)]),
    "batch first": (lambda: nn.GRU(3, 5, 2, bidirectional=True, dropout=0.4, batch_first=True), [(4, 6, 3)]),
    "from given states": (lambda: nn.LSTM(3, 5, 2), [(6, 4, 3), (2, 4, 5), (2, 4, 5)]),
    "one sequence": (lambda: nn.GRU(3, 5), [(6, 3)]),
    "projected": (lambda: nn.LSTM(3, 5, proj_size=2), [(6, 4, 3)]),
    "an LSTM cell": (lambda: nn.LSTMCell(3, 51), [(4, 3), (4, 51), (4, 51)]),
    "an LSTM cell of one": (lambda: nn.LSTMCell(1, 51), [(1,)]),
    "a GRU cell": (lambda: nn.GRUCell(3, 51), [(4, 3), (4, 51)]),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules(way, name):
    make, shapes = MODULES[name]
    framework.manual_seed(5)
    inputs = [framework.randn(*shape) for shape in shapes]
    for mine, other in zip(of_layers(make, "cuda", inputs), of_layers(make, "cpu", inputs), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


def test_packed_sequences(way):
    def run(device):
        framework.manual_seed(2)
        module, sequences = nn.LSTM(3, 5, 2, bidirectional=True).to(device), [framework.randn(n, 3).to(device) for n in (2, 6, 1, 4)]
        out, (h, c) = module(nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False))
        ((out.data**2).sum() + (h * weights_like(h)).sum() + (c**2).sum()).backward()
        return [each.detach().cpu().numpy() for each in (out.data, h, c, *(each.grad for each in module.parameters()))]

    for mine, other in zip(run("cuda"), run("cpu"), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.gru, self.cell, self.out = nn.LSTM(3, 5, bidirectional=True), nn.GRU(10, 4), nn.LSTMCell(4, 6), nn.Linear(6, 1)

    def forward(self, x):
        read, state = self.gru(self.lstm(x)[0])[0], None
        for step in read:
            state = self.cell(step, state)
        return self.out(state[0])


def trained(compiled):
    framework.manual_seed(0)
    model = Reader().to("cuda")
    optimizer = optim.SGD(model.parameters(), 0.05, momentum=0.9)

    def step(x, y):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    run, losses = framework.compile(step) if compiled else step, []
    for _ in range(8):
        x = framework.randn(6, 4, 3)
        losses.append(run(x.to("cuda"), x.sum((0, 2), keepdim=True)[0].T.to("cuda")).item())
    return losses, [each.detach().cpu().numpy() for each in model.parameters()], run


def test_recorded_as_a_graph(way):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses, weights, run = trained(compiled=True)
    expected, theirs, _ = trained(compiled=False)
    assert len(run.graphs) == 1 and not run.as_it_is and losses[-1] != losses[0]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for mine, other in zip(weights, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


def used_for(kind, dtype=framework.float32, **options):
    """The kernel that a layer goes to."""
    call, arrays = layer_of(kind, **options)
    kernels.reset()
    call(*[framework.tensor(each, dtype=dtype, device="cuda") for each in arrays])
    (name,) = kernels.report()[f"{kind}_layer"]
    return name


def test_what_cudnn_is_not_asked_for(by_cudnn, monkeypatch):
    assert used_for("lstm") == "cudnn_lstm" and used_for("gru") == "cudnn_gru"
    assert used_for("gru", framework.float64) == "gru_by_steps"
    monkeypatch.setattr(cudnn, "enabled", False)
    assert used_for("lstm") == "lstm_by_steps" and used_for("gru") == "gru_by_steps"


def test_without_the_library(by_cudnn, monkeypatch):
    monkeypatch.setattr(cuda_cudnn_rnn, "_load", lambda: None)
    forget()
    assert used_for("lstm") == "lstm_by_steps" and used_for("gru") == "gru_by_steps"


def test_views_that_begin_anywhere(by_cudnn):
    call, arrays = layer_of("lstm", batch=3, height=7)
    x, h, c, *weights = [framework.tensor(each, dtype=framework.float32, device="cuda") for each in arrays]
    states = framework.stack([h, c, h])
    for mine, other in zip(call(x[1:], states[0], states[1], *weights), call(x[1:].clone(), h, c, *weights), strict=True):
        assert np.array_equal(mine.cpu().numpy(), other.cpu().numpy())


def test_where_the_library_is_looked_for(tmp_path, monkeypatch):
    """Nowhere; in NVIDIA's package; and once it is loaded, there."""
    name, folder = "libmade-for-this-test.so.9", tmp_path / "nvidia" / "cudnn" / "lib"
    monkeypatch.setattr(cuda_cudnn_rnn, "_NAME", name)
    assert cuda_cudnn_rnn._load() is None
    folder.mkdir(parents=True)
    made = [emulator.COMPILER, "-shared", "-fPIC", f"-Wl,-soname,{name}", "-x", "c++", "/dev/null", "-o", folder / name]
    subprocess.run(made, check=True)
    monkeypatch.delitem(sys.modules, "nvidia", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert cuda_cudnn_rnn._load()._name == str(folder / name)
    assert cuda_cudnn_rnn._load()._name == name


@pytest.fixture
def library(by_cudnn):
    """The stand-in for cuDNN."""
    found = cuda_cudnn_rnn.library()
    if not isinstance(found, Library):
        pytest.skip("asks what the stand-in was told")
    return found


def test_how_exactly_cudnn_multiplies(library, monkeypatch):
    for allowed, dtype, math in ((False, "float32", 3), (True, "float32", 0), (True, "float16", 1), (False, "bfloat16", 1)):
        monkeypatch.setattr(cudnn, "allow_tf32", allowed)
        used_for("lstm", getattr(framework, dtype))
        assert library.of_kind("RNN")[-1].math == math


def test_bfloat16_needs_a_newer_cudnn(library):
    library.version = 91200
    assert used_for("lstm", framework.bfloat16) == "lstm_by_steps" and used_for("lstm") == "cudnn_lstm"


def test_where_cudnn_cannot_work(library):
    library.cudnnCreate.answer = 1001  # no driver, or an old one
    assert used_for("lstm") == "lstm_by_steps"


def test_what_cudnn_does_not_do_is_said(library):
    library.cudnnRNNForward.answer = 3000
    with pytest.raises(RuntimeError, match="cudnnRNNForward: CUDNN_STATUS_NOT_SUPPORTED"):
        used_for("gru")


def test_descriptors_are_made_once_for_a_shape_and_destroyed(library):
    for _ in range(3):
        for steps in (4, 5):
            used_for("lstm", steps=steps)
    assert [len(library.of_kind(kind)) for kind in ("RNN", "RNNData", "Tensor", "handle")] == [1, 4, 2, 1]
    cuda_cudnn_rnn._layer.cache_clear()
    cuda_cudnn_rnn._batch.cache_clear()
    gc.collect()
    assert {each.kind for each in library.objects.values()} == {"handle"}


def test_weights_that_lie_apart_are_an_error(library, monkeypatch):
    get = library.cudnnGetRNNWeightParams.method

    def apart(*args):
        get(*args)
        if args[5] == 1:
            place = cuda_cudnn_rnn.ctypes.c_void_p.from_address(args[7])
            place.value += 16

    monkeypatch.setattr(library.cudnnGetRNNWeightParams, "method", apart)
    with pytest.raises(RuntimeError, match="do not lie one after the other"):
        used_for("lstm")


def test_a_cell_of_more_rows_than_a_grid_has_blocks(cupy):  # noqa: F811
    """Only 65,535 blocks lie along the second dimension of a grid: another way computes."""
    cell = nn.LSTMCell(1, 1).cuda()
    h, c = cell(framework.zeros(8 * 65_536, 1, device="cuda"))
    assert h.shape == c.shape == (8 * 65_536, 1)
