"""Attention on a GPU, by cuDNN and by products: values and all gradients are what NumPy computes in float64 by the op's own formula."""

import math
import sys
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import framework
import framework.nn.functional as F
from framework import kernels, nn, optim
from framework.backends import cudnn as switches
from framework.kernels import cuda_attention, cuda_cudnn, cuda_matmul
from framework.ops import attention as ops
from tests.gpu import cudnn_stand_in
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("cupy")
TOLERANCE = {"float32": 1e-5, "float64": 1e-12, "bfloat16": 4e-2, "float16": 5e-3}


@pytest.fixture
def cudnn():
    """The stand-in, asked what it was asked; there is none on a GPU."""
    if sys.modules.get("cudnn") is not cudnn_stand_in:
        pytest.skip("asks the stand-in")
    cuda_attention.plans_for.cache_clear()
    cudnn_stand_in.built.clear()
    cudnn_stand_in.launched.clear()
    return cudnn_stand_in


def randn(*shape):
    return np.random.default_rng(math.prod(shape)).standard_normal(shape)


def outcome(q, k, v, mask=None, dtype=framework.float64, device="cpu", arranged=lambda x: x, **options) -> list:
    """The output and the gradients by q, k, v and a mask of floats, as NumPy's in float64."""
    leaves = [framework.tensor(each).to(dtype).to(device).requires_grad_() for each in (q, k, v)]
    if mask is not None:
        mask = framework.tensor(mask).to(device)
        if mask.dtype is not framework.bool:
            mask = mask.to(dtype).requires_grad_()
            leaves.append(mask)
    framework.manual_seed(1)  # what is dropped
    out = F.scaled_dot_product_attention(*[arranged(each) for each in leaves[:3]], mask, **options)
    target = framework.tensor(np.cos(np.arange(math.prod(out.shape))).reshape(out.shape)).to(dtype).to(device)
    return [each.detach().cpu().double().numpy() for each in (out, *framework.autograd.grad((out * target).sum(), leaves))]


def check(q, k, v, mask=None, dtype="float64", **options) -> set:
    """On the GPU as on the CPU: in float64, by the op's own formula, of the same numbers.  Gives the kernels that computed it."""
    kernels.reset()
    ours = outcome(q, k, v, mask, getattr(framework, dtype), "cuda", **options)
    computed_by = set(kernels.report()["attention"])
    rounded = [
        each if each is None or each.dtype == bool else framework.tensor(each).to(getattr(framework, dtype)).double().numpy()
        for each in (q, k, v, mask)
    ]
    with kernels.use("reference"):
        expected = outcome(*rounded, **options)
    for mine, right in zip(ours, expected, strict=True):
        assert mine.shape == right.shape
        np.testing.assert_allclose(mine, right, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * (1 + np.nanmax(np.abs(right), initial=0)))
    return computed_by


def heads(length, source, width, out_width, *batch):
    return randn(*batch, length, width), randn(*batch, source, width), randn(*batch, source, out_width)


CASES = {  # L, S, E, F, and what comes before
    "one number": (1, 1, 1, 1),
    "a single query": (1, 5, 8, 8),
    "one query, one key": (1, 1, 8, 8, 2, 3),
    "no batch": (5, 7, 8, 16),
    "a batch": (6, 3, 8, 8, 4),
    "images and heads": (9, 9, 16, 16, 2, 3),
    "odd": (7, 11, 5, 3, 2, 3),
    "one query": (1, 13, 8, 8, 2, 2),
    "one key": (13, 1, 8, 8, 2, 2),
    "one wide head": (3, 4, 264, 8, 1, 1),
    "more keys than a block has threads": (2, 1100, 8, 8, 1, 2),
}
BY_CUDNN = {"no batch", "a batch", "images and heads", "one query", "one key", "more keys than a block has threads"}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("is_causal", [False, True])
def test_cases(name, dtype, is_causal):
    """cuDNN takes 16-bit floats in rows of 16, 32, … bytes, 512 at most, and neither a single
    query nor queries that have one key each."""
    by = "cudnn" if name in BY_CUDNN and dtype.endswith("16") else "cublas"
    assert check(*heads(*CASES[name]), dtype=dtype, is_causal=is_causal) == {f"{by}_attention"}


@pytest.mark.parametrize("options", [{"scale": 0.3}, {"scale": -2.0}, {"scale": 0.0}, {"scale": 7}])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_scales(dtype, options):
    by_cudnn = dtype == "bfloat16" and options["scale"] > 0
    q, k, v = heads(6, 5, 8, 8, 2, 3)
    assert check(q / 4, k / 4, v, dtype=dtype, **options) == {"cudnn_attention" if by_cudnn else "cublas_attention"}


MASKS = [(5, 7), (1, 7), (5, 1), (1, 1), (7,), (3, 5, 7), (3, 1, 1), (3, 1, 7), (2, 1, 1, 7), (2, 1, 5, 7), (1, 3, 5, 7), (2, 3, 5, 7)]


@pytest.mark.parametrize("shape", MASKS, ids=str)
@pytest.mark.parametrize("kind", ["bools", "floats", "minus infinities"])
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_masks(dtype, kind, shape):
    """Of any shape that spreads over the scores; some queries see nothing: their outputs and gradients are 0."""
    may_see = np.random.default_rng(len(shape)).random(shape) < 0.5
    may_see[-1:] = False
    mask = may_see if kind == "bools" else np.where(may_see | (kind == "floats"), randn(*shape), -np.inf)
    assert check(*heads(5, 7, 8, 8, 2, 3), mask, dtype) == {"cublas_attention"}


def test_a_mask_as_it_lies():
    """Turned, and with gaps."""
    leaves = [framework.tensor(each, device="cuda") for each in heads(5, 7, 8, 8, 2)]
    for mask in (randn(7, 5) > 0, randn(7, 5)):
        turned, gaps = framework.tensor(mask, device="cuda").mT, framework.tensor(np.repeat(mask.T, 2, 1), device="cuda")[:, ::2]
        ours = [F.scaled_dot_product_attention(*leaves, each).cpu().numpy() for each in (turned, gaps, turned.contiguous())]
        assert np.array_equal(ours[0], ours[2]) and np.array_equal(ours[1], ours[2])


def test_a_query_that_sees_nothing_gets_nothing():
    q, k, v = heads(4, 6, 8, 8, 2)
    may_see = np.ones((2, 4, 6), bool)
    may_see[0, 1] = may_see[1, 3] = False
    out, of_query, *_ = outcome(q, k, v, may_see, framework.float32, "cuda")
    for array in (out, of_query):
        assert not array[0, 1].any() and not array[1, 3].any() and (array != 0).any(-1).sum() == 6


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
def test_infinite_and_undefined_scores(odd, masked):
    """Without a mask, a query that fits no key at all is not one that may see none."""
    q, k, v = randn(1, 4, 1), np.abs(randn(1, 3, 1)), randn(1, 3, 2)
    q[0, 1], k[0, 2] = odd, -k[0, 2] if masked else k[0, 2]
    with np.errstate(all="ignore"):
        assert check(q, k, v, randn(4, 3) if masked else None) == {"cublas_attention"}


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_of_it(data):
    draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    batch = [draw(1, 3) for _ in range(draw(0, 2))]
    length, source, width, out_width = draw(1, 40), draw(1, 40), draw(1, 9), draw(1, 9)
    options = {"dropout_p": data.draw(st.sampled_from([0.0, 0.0, 0.3, 0.9])), "scale": data.draw(st.sampled_from([None, 0.7]))}
    mask, kind = None, data.draw(st.sampled_from(["none", "causal", "bools", "floats"]))
    if kind == "causal":
        options["is_causal"] = True
    elif kind != "none":
        sides = (*batch, length, source)
        sides = [data.draw(st.sampled_from([1, each])) for each in sides[draw(0, len(sides) - 1) :]]
        mask = randn(*sides) > 0.5 if kind == "bools" else randn(*sides)
    assert check(*heads(length, source, width, out_width, *batch), mask, **options) == {"cublas_attention"}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("masked", [False, True])
def test_dropout_has_the_numbers_of_the_cpu(dtype, masked):
    q, k, v = heads(9, 17, 8, 8, 2, 3)
    mask = randn(2, 1, 9, 17) if masked else None
    assert check(q, k, v, mask, dtype, dropout_p=0.4) == {"cublas_attention"}
    assert check(q, k, v, mask, dtype, dropout_p=1.0) == {"cudnn_attention" if dtype == "bfloat16" and not masked else "cublas_attention"}


def test_dropout_leaves_what_the_stream_says():
    """Value j is the j-th row of the identity, so that the output is the weights themselves."""
    q, k, _ = heads(5, 12, 8, 8, 3)
    whole = outcome(q, k, np.tile(np.eye(12), (3, 1, 1)), dtype=framework.float32, device="cuda")[0]
    left = outcome(q, k, np.tile(np.eye(12), (3, 1, 1)), dtype=framework.float32, device="cuda", dropout_p=0.25)[0]
    framework.manual_seed(1)
    kept = F.dropout(framework.ones(3, 5, 12), 0.25).numpy()
    np.testing.assert_allclose(left, whole * kept, rtol=1e-6)
    assert 0.6 < (left != 0).mean() < 0.9


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("needs", range(1, 15))
def test_only_the_gradients_that_are_needed(dtype, needs):
    """Each is the one that it is among all of them."""
    shapes = (2, 4, 8), (2, 5, 8), (2, 5, 8), (4, 5)

    def gradients(needed, masked):
        of_all = [framework.tensor(randn(*shape)).to(getattr(framework, dtype)).cuda().requires_grad_(need) for shape, need in
                  zip(shapes, needed, strict=True)]  # fmt: skip
        F.scaled_dot_product_attention(*(of_all if masked else of_all[:3])).sum().backward()
        return [None if each.grad is None else each.grad.float().cpu().numpy() for each in of_all]

    needed = [bool(needs >> i & 1) for i in range(4)]
    for masked in (False, True)[needs == 8 :]:
        everything = gradients([True] * 4, masked)
        for each, right, need in zip(gradients(needed, masked), everything, needed, strict=True):
            assert (each is None) == (not need or right is None)
            assert each is None or np.array_equal(each, right)


@pytest.mark.parametrize("mask", [None, "bools", "floats"])
@pytest.mark.parametrize("options", [{}, {"dropout_p": 0.3}])
def test_second_derivatives(mask, options):
    masks = {None: None, "bools": randn(4, 5) > 0, "floats": randn(4, 5)}

    def second(device):
        leaves = [framework.tensor(each, device=device, requires_grad=True) for each in heads(4, 5, 3, 2, 2, 3)]
        given = None if mask is None else framework.tensor(masks[mask], device=device)
        framework.manual_seed(1)
        out = F.scaled_dot_product_attention(*leaves, given, **options)
        first = framework.autograd.grad((out**3).sum(), leaves, create_graph=True)
        third = framework.autograd.grad([(each**2).sum() for each in first], leaves)
        return [each.detach().cpu().numpy() for each in (*first, *third)]

    kernels.reset()
    ours = second("cuda")
    assert set(kernels.report()["attention"]) == {"cublas_attention"}
    with kernels.use("reference"):
        for mine, right in zip(ours, second("cpu"), strict=True):
            np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-9)


def test_second_derivatives_after_cudnn():
    """They are the formula's: of 16 bits, but near."""
    q, k, v = (framework.tensor(each).to(framework.bfloat16).cuda().requires_grad_() for each in heads(4, 5, 8, 8, 2))
    kernels.reset()
    (first,) = framework.autograd.grad((F.scaled_dot_product_attention(q, k, v) ** 2).sum(), q, create_graph=True)
    assert set(kernels.report()["attention"]) == {"cudnn_attention"}
    (ours,) = framework.autograd.grad((first**2).sum(), k)
    q, k, v = (each.detach().cpu().double().requires_grad_() for each in (q, k, v))
    (first,) = framework.autograd.grad((F.scaled_dot_product_attention(q, k, v) ** 2).sum(), q, create_graph=True)
    (right,) = framework.autograd.grad((first**2).sum(), k)
    np.testing.assert_allclose(ours.cpu().double().numpy(), right.numpy(), atol=0.05 * right.abs().max().item())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_given_back_may_be_changed_in_place(dtype):
    def gradients(change):
        leaves = [framework.tensor(each).to(getattr(framework, dtype)).cuda().requires_grad_() for each in heads(4, 5, 8, 8, 2)]
        out = change(F.scaled_dot_product_attention(*leaves))
        return [each.float().cpu().numpy() for each in framework.autograd.grad(out.sum(), leaves)]

    for mine, right in zip(gradients(lambda out: out.add_(3)), gradients(lambda out: out + 3), strict=True):
        assert np.array_equal(mine, right)


ARRANGED = {
    "turned": lambda x: x.mT.contiguous().mT,
    "heads side by side": lambda x: x.movedim(0, -2).contiguous().movedim(-2, 0),
    "from an address that is no multiple of 16": lambda x: framework.cat([x.flatten()[:1], x.flatten()])[1:].reshape(x.shape),
    "with gaps": lambda x: framework.cat([x, x], -1)[..., : x.shape[-1]],
    "repeated": lambda x: x[:1].expand(x.shape),
}


@pytest.mark.parametrize("arranged", ARRANGED)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_inputs_as_they_lie(dtype, arranged):
    """Read where they are, or copied."""
    by = "cudnn_attention" if dtype == "bfloat16" else "cublas_attention"
    assert check(*heads(6, 5, 8, 16, 3, 2), dtype=dtype, arranged=ARRANGED[arranged]) == {by}


def test_what_cudnn_makes_lies_as_what_it_is_made_for():
    """So nothing is copied between the projections of several heads, in memory (L, N, H, E), and it."""
    q, k, v = (framework.tensor(randn(6, 2, 3, 8)).to(framework.bfloat16).cuda().permute(1, 2, 0, 3)._array for _ in range(3))
    out, backward = cuda_attention.cudnn_attention(q, k, v, None, False, 0.5, 0.0, None, None)
    assert out.strides == q.strides and out.transpose(2, 0, 1, 3).flags.c_contiguous
    *grads, of_mask = backward(out, True, True, True, False)
    assert [each.strides for each in grads] == [q.strides] * 3 and of_mask is None


def test_what_has_no_kernel():
    """Batches that only spread over each other, more than 4 dimensions, and nothing at all are the formula's."""
    q, k, v = heads(4, 5, 8, 8, 2, 3)
    assert check(q, k[:1], v) == check(q, k, v[:, :1]) == check(q, k[0, 0], v[0, 0]) == {"reference"}
    assert check(q[None], k[None], v[None]) == check(q[:0], k[:0], v[:0]) == check(q[:, :, :0], k, v) == {"reference"}
    assert check(q[0], k[0], v[0], np.ones((2, 3, 4, 5), bool)) == {"reference"}
    for wrong in ((q, k[..., :3], v), (q, k, v[:, :, :3]), (q, k, v, np.ones((3, 5), bool)), (q, k, v, np.ones((2, 1, 4, 3)))):
        with pytest.raises(RuntimeError):
            outcome(*wrong, device="cuda")


def test_plans_are_built_once(cudnn):
    for _ in range(3):
        check(*heads(4, 5, 8, 8, 2, 3), dtype="bfloat16")
    both = ["sdpa flash", "sdpa_backward flash"]
    assert cudnn.built == both and cudnn.launched == both * 3
    check(*heads(4, 5, 8, 8, 2, 3), dtype="float16")
    check(*heads(4, 5, 8, 8, 2, 3), dtype="float16", is_causal=True)
    check(*heads(4, 5, 8, 8, 2, 3), dtype="float16", scale=0.5)
    check(*heads(4, 6, 8, 8, 2, 3), dtype="float16")
    assert cudnn.built == both * 5


@pytest.mark.parametrize("lacks", ["sdpa", "sdpa_backward", "plans that can be built"])
def test_what_cudnn_does_not_know(cudnn, monkeypatch, lacks):
    """Is computed by products; that is decided once."""
    monkeypatch.setattr(cudnn, "unknown", {lacks})
    if lacks == "plans that can be built":
        monkeypatch.setattr(cudnn, "_ENGINES", [each for each in cudnn._ENGINES if not each.builds])
    for _ in range(3):
        assert check(*heads(4, 5, 8, 8, 2, 3), dtype="bfloat16") == {"cublas_attention"}
    assert cuda_attention.plans_for.cache_info().misses == 1 and not cudnn.launched


@pytest.mark.parametrize("wanted", [False, True])
def test_deterministic(cudnn, monkeypatch, wanted):
    asked, node = [], cudnn.pygraph.sdpa_backward

    def sdpa_backward(*args, use_deterministic_algorithm, **options):
        asked.append(use_deterministic_algorithm)
        return node(*args, **options)

    monkeypatch.setattr(cudnn.pygraph, "sdpa_backward", sdpa_backward)
    monkeypatch.setattr(switches, "deterministic", wanted)
    check(*heads(4, 5, 8, 8, 2, 3), dtype="bfloat16")
    assert asked == [wanted]


@pytest.mark.parametrize("missing", ["switch", "module", "library"])
def test_without_cudnn(cudnn, monkeypatch, missing):
    def no_library():
        raise RuntimeError("Unable to find symbol cudnnCreate")

    cuda_cudnn.handle_of.cache_clear()
    if missing == "switch":
        monkeypatch.setattr(switches, "enabled", False)
    elif missing == "module":
        monkeypatch.setitem(sys.modules, "cudnn", None)
    else:
        monkeypatch.setattr(cudnn, "create_handle", no_library)
    assert check(*heads(4, 5, 8, 8, 2, 3), dtype="bfloat16") == {"cublas_attention"}
    cuda_cudnn.handle_of.cache_clear()
    cuda_attention.plans_for.cache_clear()


def test_without_cublas(monkeypatch):
    monkeypatch.setattr(cuda_attention, "blas", lambda device: None)
    assert check(*heads(4, 5, 8, 8, 2, 3)) == {"reference"}
    assert cuda_matmul.blas is not cuda_attention.blas


class Reader(nn.Module):
    """A Transformer's layer, and one number of what it makes."""

    def __init__(self, dropout):
        super().__init__()
        self.attention, self.norm, self.out = nn.MultiheadAttention(16, 2, dropout), nn.LayerNorm(16), nn.Linear(16, 1)

    def forward(self, x, mask, is_causal):
        seen, _ = self.attention(x, x, x, attn_mask=mask, need_weights=False, is_causal=is_causal)
        return self.out(self.norm(x + seen)).mean((0, 2))


def trained(device, compiled=False, mixed=False, mask=None, dropout=0.0, is_causal=False):
    """Losses and weights."""
    framework.manual_seed(0)
    model = Reader(dropout).to(device)
    optimizer = optim.SGD(model.parameters(), 0.02, momentum=0.5)

    def step(x, y, mask):
        optimizer.zero_grad()
        with framework.autocast(device, enabled=mixed):
            loss = ((model(x, mask, is_causal) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    run, losses = framework.compile(step) if compiled else step, []
    mask = None if mask is None else framework.tensor(mask, device=device)
    for i in range(7):
        x = framework.tensor(randn(5, 3, 16) * (1 + i % 3)).float()
        losses.append(run(x.to(device), x.mean((0, 2)).to(device), mask).item())
    assert not compiled or (len(run.graphs) == 1 and not run.as_it_is)
    return losses, [each.detach().cpu().numpy() for each in model.parameters()]


TRAININGS = {
    "plain": {},
    "causal": {"mask": np.triu(np.ones((5, 5), bool), 1), "is_causal": True},
    "masked": {"mask": np.where(randn(5, 5) > 0.5, -np.inf, randn(5, 5)).astype("f4")},
    "dropout": {"dropout": 0.3},
    "plain, mixed": {"mixed": True},
    "causal, mixed": {"mask": np.triu(np.ones((5, 5), bool), 1), "is_causal": True, "mixed": True},
    "dropout, mixed": {"dropout": 0.3, "mixed": True},
}


@pytest.mark.parametrize("name", TRAININGS)
def test_several_heads_are_trained_as_on_the_cpu(name):
    mixed = name.endswith("mixed")
    kernels.reset()
    losses, weights = trained("cuda", **TRAININGS[name])
    assert set(kernels.report()["attention"]) == {"cudnn_attention" if name in ("plain, mixed", "causal, mixed") else "cublas_attention"}
    with kernels.use("reference"):
        expected, theirs = trained("cpu", **{**TRAININGS[name], "mixed": False})
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(losses, expected, rtol=0.1 if mixed else 1e-4)
    for mine, other in zip(weights, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=0.1 if mixed else 1e-5)


@pytest.mark.parametrize("name", TRAININGS)
def test_recorded_as_a_graph(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses, weights = trained("cuda", compiled=True, **TRAININGS[name])
    expected, theirs = trained("cuda", **TRAININGS[name])
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for mine, other in zip(weights, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


def test_by_its_arguments_alone():
    """As nobody calls it by PyTorch's name: a mask beside causal, one of another type, a chance too small for any number to be below it."""
    q, k, v = (framework.tensor(each) for each in heads(4, 5, 3, 2, 2))
    for mask, *others in ((randn(4, 5) > 0, True, 0.5, 0.0, None, None), (randn(4, 5).astype("f4"), False, 0.5, 0.0, None, None),
                          (None, False, 0.5, 1e-11, 7, 3)):  # fmt: skip
        args = q, k, v, None if mask is None else framework.tensor(mask), *others
        ours = ops.attention(*[each.cuda() if isinstance(each, framework.Tensor) else each for each in args])
        with kernels.use("reference"):
            np.testing.assert_allclose(ours.cpu().numpy(), ops.attention(*args).numpy(), rtol=1e-13, atol=1e-13)
