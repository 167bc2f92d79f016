"""Matrix products on a GPU: every way that matrices lie, every type, recorded in a graph; and the linear layer, against NumPy's float64."""

import sys

import ml_dtypes
import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import kernels
from framework.kernels import cuda_matmul
from framework.kernels.cuda_matmul import product
from framework.kernels.cuda_weights import column_sums
from tests.gpu import cublas_stand_in, stand_in
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

TYPES = {  # and what rounding leaves of them
    "float32": (np.float32, 1e-6), "float64": (np.float64, 1e-14), "float16": (np.float16, 1e-3), "bfloat16": (ml_dtypes.bfloat16, 8e-3),
}  # fmt: skip


@pytest.fixture(params=TYPES)
def dtype(request):
    return np.dtype(TYPES[request.param][0])


@pytest.fixture
def bindings(cupy):  # noqa: F811
    """Skips where nvmath-python is missing: then products are CuPy's."""
    pytest.importorskip("nvmath.bindings.cublas")


def numbers(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng((seed, *shape)).uniform(-1, 1, shape).astype(dtype)


def close(ours, expected, terms=1, start=0.0):
    """Equal to what float64 gives, but for rounding at the end, and in float32 for each of the terms of a sum."""
    tolerance = TYPES[str(ours.dtype)][1] * (1 + max(1, np.abs(start).max(initial=0))) + 1e-7 * terms * (ours.dtype != np.float64)
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours.get().astype(np.float64), expected, rtol=tolerance, atol=tolerance)


def exact(array):
    return array.get().astype(np.float64)


def transposed(cp, values):
    return cp.asarray(np.ascontiguousarray(np.swapaxes(values, -1, -2))).swapaxes(-1, -2)


def part(cp, values):
    """Part of a larger matrix."""
    whole = cp.full((*values.shape[:-2], values.shape[-2] + 3, values.shape[-1] + 2), np.nan, values.dtype)
    whole[..., 1:-2, 2:] = cp.asarray(values)
    return whole[..., 1:-2, 2:]


def every_second(cp, values):
    """Rows with others between them."""
    whole = cp.full((*values.shape[:-2], 2 * values.shape[-2], values.shape[-1]), np.nan, values.dtype)
    whole[..., ::2, :] = cp.asarray(values)
    return whole[..., ::2, :]


def neither(cp, values):
    """Rows and columns with others between them."""
    whole = cp.full((*values.shape[:-2], 2 * values.shape[-2], 3 * values.shape[-1]), np.nan, values.dtype)
    whole[..., ::2, ::3] = cp.asarray(values)
    return whole[..., ::2, ::3]


def backwards(cp, values):
    return cp.asarray(np.ascontiguousarray(values[..., ::-1, :]))[..., ::-1, :]


LAYOUTS = {
    "by rows": lambda cp, values: cp.asarray(values), "transposed": transposed, "part": part, "every second": every_second,
    "part, transposed": lambda cp, values: part(cp, np.swapaxes(values, -1, -2)).swapaxes(-1, -2),
    "neither": neither, "backwards": backwards,
}  # fmt: skip
SIZES = [(5, 7, 3), (1, 7, 3), (5, 1, 3), (5, 7, 1), (1, 1, 1), (1, 4, 1), (16, 8, 24)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("lies", LAYOUTS)
@pytest.mark.parametrize("also", LAYOUTS)
def test_as_they_lie(cupy, sizes, lies, also):  # noqa: F811
    m, k, n = sizes
    for batch in ((), (4,)):
        a, b = LAYOUTS[lies](cupy, numbers(*batch, m, k)), LAYOUTS[also](cupy, numbers(*batch, k, n, seed=1))
        close(product(a, b), exact(a) @ exact(b), k)


@pytest.mark.parametrize("lies", LAYOUTS)
def test_in_place_of_an_array_that_lies_anyhow(cupy, lies):  # noqa: F811
    for batch in ((), (3,), (1,)):
        a, b, start = cupy.asarray(numbers(*batch, 4, 6)), cupy.asarray(numbers(*batch, 6, 5)), numbers(*batch, 4, 5)
        out = LAYOUTS[lies](cupy, start)
        assert product(a, b, out, add=True) is out
        close(out, start + exact(a) @ exact(b), 6, start)
        out = LAYOUTS[lies](cupy, np.full_like(start, np.nan))
        product(a, b, out)
        close(out, exact(a) @ exact(b), 6)


def test_what_lies_beside_is_left_alone(cupy):  # noqa: F811
    a, b, whole = cupy.asarray(numbers(4, 6)), cupy.asarray(numbers(6, 5)), cupy.zeros((8, 9), np.float32)
    product(a, b, whole[2:6, 1:6])
    inside = np.zeros((8, 9), bool)
    inside[2:6, 1:6] = True
    assert not exact(whole)[~inside].any() and exact(whole)[inside].all()


def test_types(cupy, dtype):  # noqa: F811
    a, b, start = (cupy.asarray(numbers(*shape, dtype=dtype)) for shape in ((9, 300), (300, 5), (9, 5)))
    close(product(a, b), exact(a) @ exact(b), 300)
    expected = exact(start) + exact(a) @ exact(b)
    close(product(a, b, start, add=True), expected, 300, expected)


def test_halves_are_added_up_in_float32(cupy):  # noqa: F811
    ones = cupy.full((1, 4096), 1.0, np.float16)  # 2048 + 1 = 2048 in float16
    assert exact(product(ones, ones.T)).item() == 4096


@pytest.mark.parametrize("shapes", [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 3), (3, 0)), ((0, 2, 3), (0, 3, 2)), ((2, 2, 0), (2, 0, 3)),
                                    ((0, 2, 3), (1, 3, 2)), ((1, 2, 3), (0, 3, 2))], ids=str)  # fmt: skip
def test_nothing_to_multiply(cupy, shapes):  # noqa: F811
    a, b = (cupy.zeros(shape, np.float32) for shape in shapes)
    out = product(a, b)
    assert out.shape == (exact(a) @ exact(b)).shape and not exact(out).any()
    out += 1
    assert (exact(product(a, b, out, add=True)) == 1).all()


def test_batches(cupy):  # noqa: F811
    a, b = numbers(4, 5, 6), numbers(4, 6, 3)
    ours, other = cupy.asarray(a), cupy.asarray(b)
    close(product(ours[::2], other[1::2]), exact(ours[::2]) @ exact(other[1::2]), 6)
    close(product(ours[::-1], other), exact(ours)[::-1] @ exact(other), 6)
    close(product(ours, other[2:3]), exact(ours) @ exact(other)[2], 6)
    close(product(ours[:1], other), exact(ours)[0] @ exact(other), 6)
    close(product(ours, cupy.broadcast_to(other[0], other.shape)), exact(ours) @ exact(other)[0], 6)
    heads = ours.reshape(4, 5, 2, 3).transpose(2, 0, 1, 3)  # (heads, N, L, D)
    close(product(heads[1], heads[0].swapaxes(-1, -2)), exact(heads[1]) @ exact(heads[0]).swapaxes(-1, -2), 3)


def test_windows_that_overlap(cupy):  # noqa: F811
    windows, b = cupy.lib.stride_tricks.sliding_window_view(cupy.asarray(numbers(9)), 4), cupy.asarray(numbers(4, 3))
    close(product(windows, b), exact(windows) @ exact(b), 4)


def test_tf32_only_where_it_is_allowed(cupy, bindings, monkeypatch):  # noqa: F811
    a, b = cupy.asarray(numbers(64, 512)), cupy.asarray(numbers(512, 64))
    expected = exact(a) @ exact(b)
    strict = np.abs(exact(product(a, b)) - expected).max()
    monkeypatch.setattr(framework.backends.cuda.matmul, "allow_tf32", True)
    short = np.abs(exact(product(a, b)) - expected).max()
    assert strict < 1e-4 < short < 0.1
    double = a.astype(np.float64)
    close(product(double, double.T), exact(double) @ exact(double).T)
    bfloat = a.astype(ml_dtypes.bfloat16)
    close(product(bfloat, bfloat.T), exact(bfloat) @ exact(bfloat).T, 512, 512)


def test_recorded_in_a_graph(cupy, bindings, dtype):  # noqa: F811
    a, b, batch = (cupy.asarray(numbers(*shape, dtype=dtype)) for shape in ((6, 5), (5, 4), (3, 4, 5)))

    def step():
        return product(a, b), product(batch, b[None]), product(a[:, ::2], b[::2])

    step()
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        outs = step()
        graph = stream.end_capture()
    for number in range(3):
        a[...] = cupy.asarray(numbers(6, 5, dtype=dtype, seed=number))
        cupy.cuda.Device().synchronize()
        graph.launch(stream)
        stream.synchronize()
        for ours, expected in zip(outs, (exact(a) @ exact(b), exact(batch) @ exact(b), exact(a)[:, ::2] @ exact(b)[::2]), strict=True):
            close(ours, expected, 5)


def computed_by(op) -> set:
    return set(kernels.report().get(op, {}))


MATMULS = {
    "matrices": ((5, 6), (6, 4)), "batches": ((3, 5, 6), (3, 6, 4)), "heads": ((2, 3, 5, 6), (2, 3, 6, 4)), "rows": ((2, 3, 5, 6), (6, 4)),
    "one": ((1, 5, 6), (1, 6, 4)), "a vector": ((2, 5, 6), (6,)), "nothing": ((2, 0, 6), (2, 6, 4)), "no terms": ((2, 3, 0), (0, 4)),
    "broadcast": ((2, 1, 5, 6), (3, 6, 4)), "one by many": ((5, 6), (3, 6, 4)), "many by one": ((2, 3, 5, 6), (1, 1, 6, 4)),
    "one alone, of more dimensions": ((1, 1, 5, 6), (1, 6, 4)), "nothing, broadcast": ((0, 1, 5, 6), (3, 6, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", MATMULS)
def test_matmul(cupy, bindings, name):  # noqa: F811
    shapes = MATMULS[name]
    ours = [framework.tensor(numbers(*shape, dtype=np.float64), device="cuda", requires_grad=True) for shape in shapes]
    kernels.reset()
    out = ours[0] @ ours[1]
    assert computed_by("matmul") == {"cublas_matmul"}
    (out * out).sum().backward()
    host = [each.detach().cpu().requires_grad_() for each in ours]
    expected = host[0] @ host[1]
    (expected * expected).sum().backward()
    for mine, theirs in ((out.detach(), expected.detach()), *((each.grad, other.grad) for each, other in zip(ours, host, strict=True))):
        np.testing.assert_allclose(mine.cpu().numpy(), theirs.numpy(), rtol=1e-12, atol=1e-12)


EINSUMS = {
    "matrices": ("ij,jk->ik", (5, 6), (6, 4)), "transposed": ("ij,kj->ki", (5, 6), (4, 6)),
    "heads": ("nlhd,nshd->nhls", (2, 3, 4, 5), (2, 6, 4, 5)), "batches": ("bij,bjk->bik", (3, 5, 6), (3, 6, 4)),
    "several sums": ("abcd,bdce->ea", (2, 3, 4, 5), (3, 5, 4, 6)),
    "a vector": ("ij,j->i", (5, 6), (6,)), "all": ("ij,ij->", (5, 6), (5, 6)), "one name": ("i,i->", (5,), (5,)),
    "no sum": ("i,j->ji", (5,), (6,)), "three": ("ij,jk,kl->il", (5, 6), (6, 4), (4, 3)),
    "three, a batch": ("bi,bj,ij->b", (4, 5), (4, 6), (5, 6)), "three, one sum": ("ai,bi,ci->abc", (2, 7), (3, 7), (4, 7)),
    "four": ("ab,bc,cd,da->", (2, 3), (3, 4), (4, 5), (5, 2)),
    "nothing": ("ij,jk->ik", (0, 6), (6, 4)), "no terms": ("ij,jk->ik", (5, 0), (0, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", EINSUMS)
def test_einsum(cupy, bindings, name):  # noqa: F811
    equation, *shapes = EINSUMS[name]
    ours = [framework.tensor(numbers(*shape, dtype=np.float64), device="cuda", requires_grad=True) for shape in shapes]
    kernels.reset()
    out = framework.einsum(equation, *ours)
    weights = framework.tensor(numbers(*out.shape, 1, dtype=np.float64)[..., 0], device="cuda")
    grads = framework.autograd.grad((out * weights).sum(), ours, create_graph=True)
    second = framework.autograd.grad(sum([(each * each).sum() for each in grads]), ours)
    assert computed_by("matmul") == {"cublas_matmul"}
    host = [each.detach().cpu().requires_grad_() for each in ours]
    expected = framework.einsum(equation, *host)
    first = framework.autograd.grad((expected * weights.cpu()).sum(), host, create_graph=True)
    theirs = expected, *first, *framework.autograd.grad(sum([(each * each).sum() for each in first]), host)
    for mine, other in zip((out, *grads, *second), theirs, strict=True):
        np.testing.assert_allclose(mine.detach().cpu().numpy(), other.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", TYPES)
def test_types_of_einsum(cupy, bindings, kind):  # noqa: F811
    """16-bit floats are added up in float32, with no copy of all in it."""
    a, b = (framework.tensor(numbers(*shape), device="cuda").to(getattr(framework, kind)) for shape in ((3, 9, 40), (40, 3, 5)))
    kernels.reset()
    out = framework.einsum("bik,kbj->bij", a, b)
    assert out.dtype is a.dtype and computed_by("matmul") == {"cublas_matmul"}
    close(out._array, np.einsum("bik,kbj->bij", exact(a._array), exact(b._array)), 40)


def test_products_of_all_kinds_are_recorded(cupy, bindings):  # noqa: F811
    weight = framework.tensor(numbers(4, 3), device="cuda", requires_grad=True)

    def step(x):  # (2, 5, 4)
        rows = framework.einsum("nij,jk->nik", x, weight) @ framework.tensordot(weight, x, ([0], [2])).permute(1, 0, 2)
        (x.unsqueeze(1) @ weight).sum().backward()
        return rows.detach()

    run = framework.compile(step)
    for number in range(5):
        x = framework.tensor(numbers(2, 5, 4, seed=number), device="cuda")
        weight.grad = None
        ours, grad = run(x), weight.grad.clone()
        weight.grad = None
        assert framework.allclose(ours, step(x), atol=1e-5) and framework.allclose(grad, weight.grad, atol=1e-5)
    assert len(run.graphs) == 1


def test_heads_that_must_be_copied(cupy):  # noqa: F811
    values = framework.tensor(numbers(2, 7, 3, 4), device="cuda").transpose(1, 2)  # (N, heads, L, D)
    host = values.cpu().numpy().astype(np.float64)
    close((values @ values.mT)._array, host @ host.swapaxes(-1, -2), 4)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(6,), (4, 6), (700, 6), (2, 3, 6), (0, 6)], ids=str)
@pytest.mark.parametrize("kind", ["float32", "float64", "bfloat16", "float16"])
def test_linear(cupy, bindings, kind, shape, bias):  # noqa: F811
    types = getattr(framework, kind)
    x, w, b = (framework.tensor(numbers(*each), device="cuda").to(types).requires_grad_() for each in (shape, (5, 6), (5,)))
    kernels.reset()
    out = F.linear(x, w, b if bias else None)
    assert computed_by("linear") == {"linear_layer"} and out.shape == (*shape[:-1], 5)
    grad = framework.tensor(numbers(*out.shape), device="cuda").to(types)
    out.backward(grad)
    rows, weight, row, g = (exact(each.detach()._array) for each in (x, w, b, grad))
    expected = rows @ weight.T + (row if bias else 0)
    close(out.detach()._array, expected, 6, expected)
    close(x.grad._array, g @ weight, 5, g @ weight)
    g, rows = g.reshape(-1, 5), rows.reshape(-1, 6)
    close(w.grad._array, g.T @ rows, 700, g.T @ rows)
    if bias:
        close(b.grad._array, g.sum(0), 700, g.sum(0))


def test_linear_of_what_lies_anyhow(cupy):  # noqa: F811
    x, w, b = framework.tensor(numbers(6, 4, 3), device="cuda"), framework.tensor(numbers(6, 5), device="cuda"), numbers(10)
    x, w, b = (each.requires_grad_() for each in (x, w, framework.tensor(b, device="cuda")))
    out = F.linear(x.permute(2, 1, 0), w.mT, b[::2])
    out.sum().backward()  # a gradient of one number, broadcast
    left, right = exact(x.detach()._array).transpose(2, 1, 0), exact(w.detach()._array)
    close(out.detach()._array, left @ right + exact(b.detach()._array)[::2], 6)
    close(x.grad._array, np.broadcast_to(right.sum(1)[:, None, None], (6, 4, 3)), 5)
    close(w.grad._array, np.broadcast_to(left.sum((0, 1))[:, None], (6, 5)), 12, left.sum((0, 1)))
    assert exact(b.grad._array).tolist() == [12.0, 0.0] * 5


def test_a_bias_that_broadcasts_is_left_to_the_reference(cupy):  # noqa: F811
    x, w, b = (framework.tensor(numbers(*shape), device="cuda") for shape in ((4, 6), (5, 6), (1,)))
    kernels.reset()
    close(F.linear(x, w, b)._array, exact(x._array) @ exact(w._array).T + exact(b._array), 6)
    assert computed_by("linear") == {"reference"}


@pytest.mark.parametrize("shapes", [((4, 6), (5, 6)), ((2, 4, 6), (2, 5, 6)), ((3, 4, 6), (2, 6, 5)), ((4, 6), (7, 5))], ids=str)
def test_what_does_not_fit_is_an_error(cupy, shapes):  # noqa: F811
    a, b = (framework.ones(shape, device="cuda") for shape in shapes)
    with pytest.raises(RuntimeError, match="cannot be multiplied|must match"):
        a @ b
    if b.ndim == 2:
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            F.linear(a, b.mT)
    with pytest.raises(RuntimeError, match="dtype"):
        a @ a.mT.double()


def test_second_derivatives_of_linear(cupy):  # noqa: F811
    x, w, b = (framework.tensor(numbers(*shape, dtype=np.float64), device="cuda", requires_grad=True) for shape in ((4, 3), (2, 3), (2,)))
    F.linear(x, w, b).pow(3).sum().backward(create_graph=True)
    grads = framework.autograd.grad((x.grad.square().sum(),), (w, b))
    y = exact(F.linear(x, w, b).detach()._array)
    # dL/dx = 3 y^2 W = A; d(sum A^2)/dW = 2 A dA/dW, by hand: through y and through W
    weight, rows, a = (exact(each.detach()._array) for each in (w, x, x.grad))
    through = 6 * y * (2 * a @ weight.T)
    np.testing.assert_allclose(exact(grads[0]._array), through.T @ rows + (3 * y * y).T @ (2 * a), rtol=1e-12)
    np.testing.assert_allclose(exact(grads[1]._array), through.sum(0), rtol=1e-12)


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (31, 1), (33, 7), (3000, 5), (70, 0)], ids=str)
@pytest.mark.parametrize("kind", ["float32", "float64", "bfloat16", "float16"])
def test_column_sums(cupy, kind, shape):  # noqa: F811
    matrix = cupy.asarray(numbers(*shape, dtype=TYPES[kind][0]))
    sums, expected = column_sums(matrix), exact(matrix).sum(0)
    assert sums.dtype == matrix.dtype
    close(sums, expected, 50, expected)
    assert np.array_equal(exact(column_sums(matrix)), exact(sums))


def test_a_step_of_linear_layers_is_recorded(cupy, bindings):  # noqa: F811
    framework.manual_seed(0)
    weights = [framework.rand(*shape, device="cuda", requires_grad=True) for shape in ((8, 6), (8,), (2, 8))]

    def step(x):
        for each in weights:
            each.grad = None
        hidden = F.relu(F.linear(x, weights[0], weights[1]))
        loss = (hidden @ weights[2].mT).square().mean() + (hidden[None] @ hidden.mT[None]).mean()
        loss.backward()
        return loss, *[each.grad for each in weights]

    run = framework.compile(step)
    for _ in range(5):
        x = framework.rand(7, 6, device="cuda")
        ours = [each.detach().cpu().numpy() for each in run(x)]
        for mine, expected in zip(ours, step(x), strict=True):
            np.testing.assert_allclose(mine, expected.detach().cpu().numpy(), rtol=1e-5)
    assert len(run.graphs) == 1 and not run.as_it_is


def test_without_the_bindings_cupy_multiplies(cupy, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "nvmath.bindings", None)
    cuda_matmul.blas.cache_clear()
    a, b, out = cupy.asarray(numbers(4, 6)), cupy.asarray(numbers(6, 5)), cupy.asarray(numbers(4, 5))
    try:
        close(product(a, b), exact(a) @ exact(b), 6)
        expected = exact(out) + exact(a) @ exact(b)
        assert product(a, b, out, add=True) is out
        close(out, expected, 6, expected)
        close(product(a, b, out), exact(a) @ exact(b), 6)
        x, w = (framework.tensor(numbers(*shape), device="cuda") for shape in ((4, 6), (5, 6)))
        kernels.reset()
        for each in (x @ w.mT, F.linear(x, w)):
            close(each._array, exact(x._array) @ exact(w._array).T, 6)
        assert computed_by("matmul") == computed_by("linear") == {"reference"}
    finally:
        cuda_matmul.blas.cache_clear()


def test_matrices_of_two_gpus_are_refused(cupy):  # noqa: F811
    if framework.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    with pytest.raises((RuntimeError, ValueError)):
        framework.ones(2, 2, device="cuda:0") @ framework.ones(2, 2, device="cuda:1")
    on_second = framework.full((2, 2), 3.0, device="cuda:1")
    assert (on_second @ on_second).tolist() == [[18.0] * 2] * 2


class TestStandIn:
    """What cuBLAS refuses, its stand-in refuses."""

    @pytest.fixture
    def installed(self):
        with stand_in.installed() as cp:
            yield cp

    def call(self, cp, **changes):
        """2 x 3 by 3 x 4, column by column."""
        handle = cublas_stand_in.create()
        memory, a, b, c = cp.empty(64, np.uint8), *(cp.zeros(size, np.float32) for size in (6, 12, 8))
        self.one = np.ones(1, np.float32)
        given = {
            "handle": handle, "transa": 0, "transb": 0, "m": 2, "n": 4, "k": 3, "alpha": self.one.ctypes.data, "a": a.data.ptr, "atype": 0,
            "lda": 2, "b": b.data.ptr, "btype": 0, "ldb": 3, "beta": self.one.ctypes.data, "c": c.data.ptr, "ctype": 0, "ldc": 2,
            "compute_type": 68, "algo": -1, "stream": 0, "workspace": True, **changes,
        }  # fmt: skip
        cublas_stand_in.set_stream(handle, given.pop("stream"))
        if given.pop("workspace"):
            cublas_stand_in.set_workspace(handle, memory.data.ptr, 64)
        cublas_stand_in.gemm_ex_64(**given)

    @pytest.mark.parametrize("changes, error", [
        ({"handle": 0}, "no handle"), ({"lda": 1}, "leading dimension of A"), ({"ldb": 2}, "leading dimension of B"),
        ({"ldc": 1}, "leading dimension of C"), ({"transa": 1}, "leading dimension of A"), ({"m": -1}, "m, n, k"),
        ({"m": 3, "lda": 3, "ldc": 3}, "past the end"), ({"lda": 3}, "past the end"), ({"atype": 1}, "NOT_SUPPORTED"),
        ({"compute_type": 70}, "NOT_SUPPORTED"), ({"atype": 2, "btype": 2, "ctype": 2, "compute_type": 77}, "NOT_SUPPORTED"),
        ({"a": 8}, "no array"), ({"stream": 5}, "stream"), ({"workspace": False}, "workspace"),
    ], ids=str)  # fmt: skip
    def test_refuses(self, installed, changes, error):
        self.call(installed)
        with pytest.raises((cublas_stand_in.cuBLASError, RuntimeError), match=error):
            self.call(installed, **changes)

    def test_a_handle_serves_one_gpu(self, installed):
        handle = cublas_stand_in.create()
        with installed.cuda.Device(1), pytest.raises(cublas_stand_in.cuBLASError, match="another GPU"):
            cublas_stand_in.set_stream(handle, 0)

    def test_cupys_own_products_are_not_captured(self, installed):
        a, whole = installed.ones((2, 2), np.float32), installed.ones((2, 2), np.int64)
        products = [
            lambda: a @ a, lambda: a.dot(a), lambda: installed.matmul(a, a), lambda: installed.einsum("ij,jk->ik", a, a),
            lambda: installed.tensordot(a, a), lambda: installed.inner(a, a), lambda: installed.vdot(a, a), lambda: np.matmul(a, a),
        ]  # fmt: skip
        with installed.cuda.Stream(non_blocking=True) as stream:
            stream.begin_capture()
            for each in products:
                with pytest.raises(NotImplementedError, match="calling cuBLAS API during stream capture"):
                    each()
            whole @ whole  # a kernel of CuPy's own
            stream.end_capture()
