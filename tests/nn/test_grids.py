"""Layers of images and other grids: convolution, pooling, padding, resampling, normalisation."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import framework
import framework.nn.functional as F
from framework import nn
from tests.nn.checks import identifier, right_gradients, same_as_pytorch
from tests.samples.grids import conv_transpose
from tests.samples.layers import conv, pool

LINE, IMAGE, VOLUME, ROWS = (2, 4, 6), (2, 4, 5, 6), (1, 4, 4, 3, 5), (3, 4)
GRIDS = {1: LINE, 2: IMAGE, 3: VOLUME}
LAYERS = [
    *((f"ConvTranspose{d}d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1}, shape) for d, shape in GRIDS.items()),
    ("ConvTranspose2d", (4, 6, (3, 2)), {"groups": 2, "bias": False, "dilation": (1, 2)}, IMAGE),
    ("ConvTranspose2d", (4, 3, 2), {"dilation": 2, "output_padding": (1, 0)}, IMAGE[1:]),
    *(
        (f"Conv{d}d", (4, 2, 3), {"padding": 1, "padding_mode": mode}, GRIDS[d])
        for d, mode in ((1, "reflect"), (2, "circular"), (3, "replicate"), (2, "reflect"))
    ),
    ("Conv2d", (4, 2, (2, 4)), {"padding": "same", "padding_mode": "reflect"}, IMAGE),
    ("Conv2d", (4, 2, 2), {"padding": "valid", "padding_mode": "circular"}, IMAGE),
    ("Conv2d", (4, 2, 3), {"padding": (1, 2), "stride": 2, "padding_mode": "circular"}, IMAGE[1:]),
    ("AdaptiveAvgPool3d", ((2, None, 1),), {}, VOLUME),
    ("AdaptiveMaxPool3d", (2,), {}, VOLUME),
    ("AdaptiveMaxPool1d", (3,), {"return_indices": True}, LINE),
    ("MaxPool2d", (2,), {"return_indices": True}, IMAGE),
    ("MaxPool3d", ((2, 1, 2),), {"stride": 2, "dilation": (1, 2, 1)}, VOLUME),
    ("AvgPool3d", (2,), {"ceil_mode": True, "divisor_override": 3}, VOLUME),
    *((f"LPPool{d}d", (2, 2), {"stride": 1}, shape) for d, shape in GRIDS.items()),
    ("LPPool2d", (2.0, (2, 3)), {"ceil_mode": True}, IMAGE),
    *((f"{kind}Pad{d}d", (1,), {}, shape) for kind in ("Reflection", "Replication", "Circular", "Zero") for d, shape in GRIDS.items()),
    *((f"ConstantPad{d}d", (1, 2.5), {}, shape) for d, shape in GRIDS.items()),
    ("ConstantPad2d", ((1, -1, 0, 2), 3), {}, IMAGE),
    ("ReflectionPad2d", ((1, 2, 0, 3),), {}, IMAGE[1:]),
    ("Upsample", (), {"scale_factor": 2}, IMAGE),
    ("Upsample", ((7, 4),), {"mode": "bilinear", "align_corners": True}, IMAGE),
    ("Upsample", (), {"scale_factor": (1.5, 2.2), "mode": "bicubic"}, IMAGE),
    ("UpsamplingNearest2d", (), {"scale_factor": 3}, IMAGE),
    ("UpsamplingBilinear2d", ((7, 8),), {}, IMAGE),
    ("PixelShuffle", (2,), {}, IMAGE),
    ("PixelUnshuffle", (3,), {}, (1, 2, 3, 6)),
    ("ChannelShuffle", (2,), {}, IMAGE),
    ("Unfold", ((2, 3),), {"padding": 1, "stride": (2, 1)}, IMAGE),
    ("Fold", ((4, 5), 2), {"stride": 1}, (2, 8, 12)),
    ("GroupNorm", (2, 4), {}, IMAGE),
    ("GroupNorm", (4, 4), {"affine": False, "eps": 0.1}, LINE),
    ("GroupNorm", (2, 4), {"bias": False}, ROWS),
    ("InstanceNorm1d", (4,), {}, LINE),
    ("InstanceNorm1d", (4,), {"affine": True}, LINE[1:]),
    ("InstanceNorm2d", (4,), {"track_running_stats": True}, IMAGE),
    ("InstanceNorm3d", (4,), {"affine": True, "track_running_stats": True, "momentum": 0.3}, VOLUME),
    ("RMSNorm", (6,), {}, IMAGE),
    ("RMSNorm", ((5, 6),), {"eps": 0.1, "elementwise_affine": False}, IMAGE),
    ("LocalResponseNorm", (3,), {"alpha": 0.5, "k": 2.0}, IMAGE),
    ("BatchNorm2d", (4,), {"bias": False}, IMAGE),
    ("BatchNorm1d", (4,), {"momentum": 0.5, "track_running_stats": False, "affine": False}, ROWS),
]
CASES = [(name, args, options, [shape]) for name, args, options, shape in LAYERS]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch's, of its own speed
@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_parity(case):
    same_as_pytorch(case)


@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_gradients(case):
    right_gradients(case)


def numbers(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


# Any geometry, against the definition and against PyTorch

SMALL = st.integers(1, 3)


@st.composite
def geometries(draw):
    """(shape of a batch of grids, kernel, stride, padding, dilation, groups): one or more positions."""
    dims, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    kernel, stride, dilation = (draw(st.tuples(*[SMALL] * dims)) for _ in range(3))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    least = [max(d * (k - 1) + 1 - p, 1) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    grid = tuple(n + draw(st.integers(0, 3)) for n in least)
    return (draw(SMALL), 2 * groups, *grid), kernel, stride, padding, dilation, groups


@settings(max_examples=60, deadline=None)
@given(geometries())
def test_convolutions_follow_their_definitions(geometry):
    shape, kernel, stride, padding, dilation, groups = geometry
    dims, x = len(kernel), numbers(*shape)
    weight, bias = numbers(groups, shape[1] // groups, *kernel), numbers(groups)
    arguments = stride, padding, dilation, groups
    out = getattr(F, f"conv{dims}d")(*map(framework.tensor, (x, weight, bias)), *arguments)
    np.testing.assert_allclose(out.numpy(), conv(x, weight, bias, *arguments), atol=1e-12)
    weight, extra = numbers(shape[1], 1, *kernel), tuple(max(s, d) - 1 for s, d in zip(stride, dilation, strict=True))
    each = zip(shape[2:], kernel, stride, padding, extra, dilation, strict=True)
    assume(all((n - 1) * s - 2 * p + d * (k - 1) + 1 + e > 0 for n, k, s, p, e, d in each))
    arguments = stride, padding, extra, groups, dilation
    out = getattr(F, f"conv_transpose{dims}d")(*map(framework.tensor, (x, weight, bias)), *arguments)
    np.testing.assert_allclose(out.numpy(), conv_transpose(x, weight, bias, *arguments), atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(geometries())
def test_poolings_follow_their_definitions(geometry):
    shape, kernel, stride, padding, dilation, _ = geometry
    dims, x = len(kernel), numbers(*shape)
    values, indices = getattr(F, f"max_pool{dims}d")(framework.tensor(x), kernel, stride, padding, dilation, return_indices=True)
    np.testing.assert_array_equal(values.numpy(), pool(np.max, -np.inf)(x, kernel, stride, padding, dilation))
    places = indices.numpy().reshape(*shape[:2], -1)
    np.testing.assert_array_equal(np.take_along_axis(x.reshape(*shape[:2], -1), places, 2).ravel(), values.numpy().ravel())
    mean = getattr(F, f"avg_pool{dims}d")(framework.tensor(x), kernel, stride, padding)
    np.testing.assert_allclose(mean.numpy(), pool(np.mean, 0)(x, kernel, stride, padding), atol=1e-12)


@pytest.mark.parity
@settings(max_examples=60, deadline=None)
@given(geometries(), st.booleans(), st.booleans(), st.booleans())
def test_poolings_are_pytorchs(geometry, ceil_mode, count_include_pad, batch):
    torch = pytest.importorskip("torch")
    shape, kernel, stride, padding, dilation, _ = geometry
    dims, x = len(kernel), numbers(*shape) if batch else numbers(*shape[1:])
    size = tuple(min(k + 1, n) for k, n in zip(kernel, shape[2:], strict=True))

    def results(T):
        functions, leaf = T.nn.functional, T.tensor(x, requires_grad=True)
        outs = [
            *getattr(functions, f"adaptive_max_pool{dims}d")(leaf, size, return_indices=True),
            getattr(functions, f"adaptive_avg_pool{dims}d")(leaf, size),
        ]
        if all(n >= k for n, k in zip(shape[2:], kernel, strict=True)):  # in 3-d PyTorch refuses the others, padded or not
            outs.append(getattr(functions, f"avg_pool{dims}d")(leaf, kernel, stride, padding, ceil_mode, count_include_pad))
        if all(d == 1 for d in dilation):  # else a window may lie outside: PyTorch gives -inf, and no such place has a gradient
            outs += getattr(functions, f"max_pool{dims}d")(leaf, kernel, stride, padding, dilation, ceil_mode, True)
        total = sum((out * out).sum() for out in outs if out.is_floating_point())
        return [*(out.detach().numpy() for out in outs), T.autograd.grad(total, leaf)[0].numpy()]

    for ours, theirs in zip(results(framework), results(torch), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_size_is_stretched_as_pytorch_does(mode, dtype):
    torch = pytest.importorskip("torch")

    def stretched(T, n, **how):
        return T.nn.functional.interpolate(T.arange(n, dtype=getattr(T, dtype)).reshape(1, 1, n), mode=mode, **how).numpy()

    for n in (1, 2, 3, 5, 8, 13, 100):
        for how in [{"size": size} for size in range(1, 48, 3)] + [{"scale_factor": factor / 10} for factor in range(11, 31)]:
            ours, theirs = (stretched(T, n, **how) for T in (framework, torch))
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=f"{n} {how}")


# What only some of these layers do


@pytest.mark.parity
@pytest.mark.parametrize("spatial", [(1,), (1, 2), (1, 2, 2)])
@pytest.mark.parametrize("n", [0, 3])
def test_transposed_convolution_to_nothing(n, spatial):
    torch = pytest.importorskip("torch")
    results = []
    for library in (framework, torch):
        leaves = [library.ones(*shape, requires_grad=True) for shape in ((n, 12, *spatial), (12, 3, *[4] * len(spatial)), (9,))]
        function = getattr(library.nn.functional, f"conv_transpose{len(spatial)}d")
        out = function(*leaves, stride=3, padding=2, groups=3)
        results.append([out, *library.autograd.grad(out.sum(), leaves)])
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape and framework.equal(ours.detach(), framework.tensor(theirs.detach().numpy()))


def test_unpooling_undoes_pooling():
    x = framework.tensor(numbers(2, 3, 5, 7))
    values, indices = nn.MaxPool2d(2, return_indices=True)(x)
    back = nn.MaxUnpool2d(2)(values, indices, output_size=x.shape)
    assert back.shape == x.shape and framework.equal(nn.MaxPool2d(2)(back.clamp(min=-9) + (back == 0) * -9.0), values)
    assert repr(nn.MaxUnpool2d(2)) == "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))"
    assert nn.MaxUnpool1d(2)(values[0, 0, :1], indices[0, 0, :1] % 6).shape == (1, 6)


def test_fractional_pooling_is_random_within_its_windows():
    framework.manual_seed(0)
    x = framework.arange(400.0).reshape(1, 1, 20, 20)
    layer = nn.FractionalMaxPool2d(2, output_ratio=0.7, return_indices=True)
    outs = [layer(x) for _ in range(5)]
    assert all(values.shape == (1, 1, 14, 14) and framework.equal(values, indices.float()) for values, indices in outs)
    assert len({tuple(values.flatten().tolist()) for values, _ in outs}) > 1


@pytest.mark.parametrize("size", [(7, 9), (8, 10), (2, 3, 7, 10)])
def test_transposed_convolution_of_a_wanted_size(size):
    layer = nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1)
    assert layer(framework.ones(2, 4, 4, 5), output_size=size).shape[2:] == size[-2:]


@pytest.mark.parity
@pytest.mark.parametrize("name, options", [("weight_norm", {}), ("weight_norm", {"dim": None}), ("weight_norm", {"dim": 1}),
                                           ("spectral_norm", {}), ("spectral_norm", {"n_power_iterations": 3})])  # fmt: skip
@pytest.mark.parametrize("kind", ["Linear", "Conv2d", "ConvTranspose1d"])
def test_reparametrized_weights(kind, name, options):
    """The same state, and the same outputs and gradients over two steps, in evaluation, and with the hook removed."""
    torch = pytest.importorskip("torch")
    results, state = [], {}
    for T in (torch, framework):
        layer = getattr(T.nn, kind)(*((4, 3) if kind == "Linear" else (4, 3, 2))).double()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(T.nn.utils, name)(layer, **options)
        state = state or {key: np.array(value) for key, value in layer.state_dict().items()}
        layer.load_state_dict({key: T.tensor(value) for key, value in state.items()})
        shape = {"Linear": (2, 4), "Conv2d": (2, 4, 3, 3), "ConvTranspose1d": (2, 4, 3)}[kind]
        found = results.append([]) or results[-1]
        for step in range(3):
            layer.train(step < 2)
            layer.zero_grad()
            out = layer(T.tensor(numbers(*shape)))
            (out * out).sum().backward()
            found += [out.detach(), *(each.grad for each in layer.parameters()), *layer.state_dict().values()]
        getattr(T.nn.utils, f"remove_{name}")(layer)
        found += [layer(T.tensor(numbers(*shape))).detach(), *layer.state_dict().values()]
        assert sorted(layer.state_dict()) == ["bias", "weight"]
    assert len(results[0]) == len(results[1])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-10)


@pytest.mark.parametrize("kind", ["weight_norm", "spectral_norm"])
def test_reparametrized_modules_are_pickled(kind):
    layer, x = getattr(nn.utils, kind)(nn.Linear(3, 2)), framework.randn(4, 3)
    layer(x).sum().backward()
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(layer.eval()(x).detach().numpy(), again.eval()(x).detach().numpy())
    again(x).sum().backward()
    assert {*map(str, dict(again.named_parameters()))} == {*dict(layer.named_parameters())}
    getattr(nn.utils, f"remove_{kind}")(again)
    assert {*dict(again.named_parameters())} == {"weight", "bias"}


def test_spectral_norm_finds_the_largest_singular_value():
    layer = nn.utils.spectral_norm(nn.Linear(6, 5), n_power_iterations=50)
    layer(framework.ones(1, 6))
    assert np.linalg.svd(layer.weight.detach().numpy())[1][0] == pytest.approx(1, abs=1e-4)
    layer(framework.ones(1, 6)).sum().backward()
    (layer(framework.ones(1, 6)).sum() + layer(framework.ones(1, 6)).sum()).backward()  # two forwards, as a GAN's discriminator's
    with pytest.raises(RuntimeError, match="`weight` cannot be normalised"):
        nn.utils.spectral_norm(layer)
    with pytest.raises(ValueError, match="not found"):
        nn.utils.remove_weight_norm(layer)


def test_half_precision_beside_single_parameters():
    x = framework.tensor(numbers(2, 4, 3)).bfloat16()
    for layer in (nn.BatchNorm1d(4), nn.GroupNorm(2, 4), nn.LayerNorm(3), nn.RMSNorm(3), nn.InstanceNorm1d(4, affine=True)):
        assert layer(x).dtype is framework.bfloat16


def test_what_is_not_finite_stays_where_it_is():
    x = framework.tensor([[[float("inf"), 1.0, 2.0, 3.0, 4.0]]], requires_grad=True)
    assert F.avg_pool1d(x, 3, 1, 1, count_include_pad=False)[0, 0].tolist() == [float("inf"), float("inf"), 2, 3, 3.5]
    assert F.adaptive_avg_pool1d(x, 3)[0, 0].tolist() == [float("inf"), 2, 3.5]
    (grad,) = framework.autograd.grad(F.interpolate(x, 3), x, framework.tensor([[[float("nan"), 1.0, 1.0]]]))
    assert grad[0, 0, 1:].tolist() == [1, 0, 1, 0]


ONES = framework.ones
LONG = framework.int64
BAD = [
    (lambda: F.conv_transpose2d(ONES(1, 2, 3, 3), ONES(3, 2, 2, 2)), RuntimeError, "expected input with 3 channels, but got 2"),
    (lambda: F.conv_transpose2d(ONES(1, 2, 3, 3), ONES(2, 2, 2, 2), output_padding=1), RuntimeError, "smaller than either stride or dil"),
    (lambda: F.conv_transpose2d(ONES(1, 2, 3, 3), ONES(2, 2, 2, 2), padding=5), RuntimeError, "Output size is too small"),
    (lambda: F.conv_transpose2d(ONES(1, 2, 3, 3), ONES(2, 2, 2, 2), stride=0), RuntimeError, "be greater than zero"),
    (lambda: F.conv_transpose2d(ONES(1, 2, 3, 3), ONES(2, 2, 2, 2), ONES(3)), RuntimeError, "expected bias to be 1-dimensional with 2"),
    (lambda: F.conv_transpose2d(ONES(2, 3), ONES(2, 2, 2, 2)), RuntimeError, "Expected 3D .unbatched. or 4D .batched. input to conv_tr"),
    (lambda: F.conv2d(ONES(512, 16, 2, 2), ONES(16, 16, 3, 3)), RuntimeError, "Kernel size can't be greater"),
    (lambda: F.conv2d(ONES(1, 2, 4, 3), ONES(2, 2, 2, 2), padding="foo"), RuntimeError, "Invalid padding string: 'foo'"),
    (lambda: nn.ConvTranspose2d(2, 3, 2, padding_mode="reflect"), ValueError, 'Only "zeros" padding mode is supported for ConvTranspose2d'),
    (lambda: nn.ConvTranspose2d(2, 3, 2, stride=2)(ONES(1, 2, 3, 3), (9, 9)), ValueError, r"are \[6, 6\] and less than a stride more"),
    (lambda: nn.ConvTranspose2d(2, 3, 2)(ONES(1, 2, 3, 3), (1, 2, 9)), ValueError, "requested an output size of .1, 2, 9."),
    (lambda: nn.Conv2d(2, 3, 2, padding="foo"), ValueError, "padding is .*'valid'.*'same', but got 'foo'"),
    (lambda: nn.Conv2d(2, 3, 2, stride=2, padding="same"), ValueError, "if the stride is 1, 'same', but got 'same'"),
    (lambda: F.max_pool2d(ONES(1, 1, 4, 4), 2, padding=-1), RuntimeError, "the padding not negative"),
    (lambda: F.max_pool2d(ONES(1, 1, 4, 4), 2, stride=0), RuntimeError, r"stride \(0, 0\), .* greater than zero"),
    (lambda: F.max_pool2d(ONES(2, 0, 4, 4), 2), RuntimeError, r"non-zero sizes apart from the batch, got \[2, 0, 4, 4\]"),
    (lambda: F.max_pool1d(ONES(0, 4), 2, return_indices=True), RuntimeError, "non-zero sizes apart from the batch"),
    (lambda: F.max_pool1d(ONES(2, 2, 0), 2, padding=1), RuntimeError, "non-zero sizes apart from the batch"),
    (lambda: F.avg_pool3d(ONES(2, 0, 4, 4, 4), 2), RuntimeError, "non-zero sizes apart from the batch"),
    (lambda: F.lp_pool1d(ONES(2, 0, 4), 2, 2), RuntimeError, "non-zero sizes apart from the batch"),
    (lambda: F.fractional_max_pool2d(ONES(2, 0, 4, 4), 2, 2), RuntimeError, "non-zero sizes apart from the batch"),
    (lambda: F.max_unpool1d(ONES(2, 0, 4), ONES(2, 0, 4, dtype=LONG), 2), RuntimeError, "non-zero sizes apart from the batch"),
    (lambda: F.conv_transpose1d(ONES(1, 1, 1), ONES(1, 1, 4), stride=3, padding=3), RuntimeError, r"Output size is too small: \[-2\]"),
    (lambda: F.conv_transpose1d(ONES(1, 1, 0), ONES(1, 1, 4)), RuntimeError, r"from an input of framework.Size\(\[0\]\)"),
    (lambda: F.max_pool1d(ONES(1, 1, 3), 2, 3, 1, 4), RuntimeError, "a window wholly outside"),
    (lambda: F.avg_pool2d(ONES(1, 1, 4, 4), 2, divisor_override=0), RuntimeError, "divisor must be not zero"),
    (lambda: F.avg_pool2d(ONES(1, 1, 4, 4, dtype=LONG), 2), NotImplementedError, "not implemented for 'int64'"),
    (lambda: F.adaptive_avg_pool2d(ONES(1, 1, 4, 4), -1), RuntimeError, r"output_size >= 0, got .* \[-1, -1\]"),
    (lambda: F.adaptive_avg_pool2d(ONES(1, 1, 0, 4), 2), RuntimeError, r"non-zero sizes .* got \[1, 1, 0, 4\]"),
    (lambda: F.fractional_max_pool2d(ONES(1, 1, 4, 4), 2), ValueError, "either an output_size or an output_ratio"),
    (lambda: F.fractional_max_pool2d(ONES(1, 1, 4, 4), 2, 5), RuntimeError, r"output \(5, 5\) too large relative to input \[4, 4\]"),
    (lambda: F.max_unpool2d(ONES(1, 1, 2, 2), ONES(1, 1, 2, 2), 2), RuntimeError, "Expected dtype int32/int64 for index"),
    (lambda: F.max_unpool2d(ONES(1, 1, 2, 2), ONES(1, 1, 2, 1, dtype=LONG), 2), RuntimeError, "Expected shape of indices"),
    (lambda: F.max_unpool2d(ONES(1, 1, 2, 2), ONES(1, 1, 2, 2, dtype=LONG) * 99, 2), RuntimeError, "index 99 is out of bounds"),
    (lambda: F.max_unpool2d(ONES(1, 1, 2, 2), ONES(1, 1, 2, 2, dtype=LONG), 2, output_size=(9, 9)), ValueError, "less than a stride"),
    (lambda: F.max_unpool2d(ONES(1, 1, 2, 2), ONES(1, 1, 2, 2, dtype=LONG), 2, output_size=(9,)), ValueError, "less than a stride"),
    (lambda: F.pad(ONES(2, 3), (3, 1), "reflect"), RuntimeError, r"\(3, 1\) is too much for a dimension of length 3 and mode ref"),
    (lambda: F.pad(ONES(2, 3), (4, 1), "circular"), RuntimeError, "is too much for a dimension of length 3 and mode circular"),
    (lambda: F.pad(ONES(2, 3), (-2, -2), "replicate"), RuntimeError, "is too much"),
    (lambda: F.pad(ONES(2, 3), (1, 1), "mirror"), NotImplementedError, "Unrecognised padding mode mirror"),
    (lambda: F.pad(ONES(2, 3), (1, 1), "reflect", 1), RuntimeError, "doesn't take in value argument"),
    (lambda: F.pad(ONES(3), (1, 1), "reflect"), NotImplementedError, "Padding size 2 is not supported for 1D input"),
    (lambda: F.pad(ONES(2, 3), (1,)), RuntimeError, "pad must be even"),
    (lambda: F.pad(ONES(3), (1, 1, 1, 1)), RuntimeError, "at most twice the number of dimensions"),
    (lambda: F.interpolate(ONES(1, 1, 2), 2, 2), ValueError, "one of size and scale_factor should be defined, and only one"),
    (lambda: F.interpolate(ONES(1, 1, 2)), ValueError, "one of size and scale_factor should be defined"),
    (lambda: F.interpolate(ONES(1, 1, 2), 4, align_corners=True), ValueError, "align_corners is for the modes linear"),
    (lambda: F.interpolate(ONES(1, 1, 2), (4, 4)), ValueError, r"expected 1 sizes or scale factors, but got \(4, 4\)"),
    (lambda: F.interpolate(ONES(1, 1, 2), 4, mode="bilinear"), NotImplementedError, "Got 3D input for mode bilinear"),
    (lambda: F.interpolate(ONES(1, 1, 2), 4, mode="foo"), NotImplementedError, "mode='foo'.* is not supported; modes: .*nearest"),
    (lambda: F.interpolate(ONES(1, 1, 2, 2), 4, mode="bilinear", antialias=True), NotImplementedError, "antialias=True is not supported"),
    (lambda: F.interpolate(ONES(1, 1, 2), 0, mode="linear"), RuntimeError, "should be greater than 0"),
    (lambda: F.interpolate(ONES(1, 1, 2, dtype=LONG), 4), NotImplementedError, "not implemented for 'int64'"),
    (lambda: F.pixel_shuffle(ONES(3, 2, 2), 2), RuntimeError, r"C r\^2, H, W.*got \[3, 2, 2\], r=2"),
    (lambda: F.pixel_shuffle(ONES(2, 2), 2), RuntimeError, r"got \[2, 2\]"),
    (lambda: F.pixel_shuffle(ONES(4, 2, 2), -1), RuntimeError, "r > 0, but got .* r=-1"),
    (lambda: F.pixel_unshuffle(ONES(4, 2, 3), 2), RuntimeError, r"H r, W r\), r > 0, but got \[4, 2, 3\]"),
    (lambda: F.channel_shuffle(ONES(1, 4, 2), 3), RuntimeError, r"divisible by groups, but got \[1, 4, 2\] and groups=3"),
    (lambda: F.fold(ONES(1, 4, 3), (2, 2), 2), RuntimeError, r"\(N, C \* 4, 1\), but got \[1, 4, 3\]"),
    (lambda: F.fold(ONES(1, 3, 1), (2, 2), 2), RuntimeError, r"\(N, C \* 4, 1\), but got \[1, 3, 1\]"),
    (lambda: F.unfold(ONES(1, 1, 2, 3), 3), RuntimeError, "output size is too small"),
    (lambda: F.unfold(ONES(1, 1, 2, 3), 2, stride=0), RuntimeError, "should be greater than zero"),
    (lambda: F.group_norm(ONES(2, 3), 2), RuntimeError, "divisible by num_groups=2"),
    (lambda: F.group_norm(ONES(2), 2), RuntimeError, r"\(N, C, …\)"),
    (lambda: F.group_norm(ONES(1, 2), 2), ValueError, "Expected more than 1 value per channel"),
    (lambda: F.group_norm(ONES(2, 4, 3), 2, ONES(3)), RuntimeError, r"expected weight of shape \[4\], but got \[3\]"),
    (lambda: nn.GroupNorm(3, 4), ValueError, r"num_channels \(4\) must be divisible by num_groups \(3\)"),
    (lambda: F.instance_norm(ONES(2, 4, 1)), ValueError, "Expected more than 1 spatial element"),
    (lambda: F.instance_norm(ONES(2, 4, 2), use_input_stats=False), RuntimeError, "running_mean and running_var must be defined"),
    (lambda: nn.InstanceNorm2d(3, affine=True)(ONES(2, 4, 2, 2)), ValueError, r"to match num_features \(3\), but got: 4"),
    (lambda: nn.InstanceNorm2d(3)(ONES(2, 4)), ValueError, "expected 3D or 4D input .got 2D input"),
    (lambda: nn.BatchNorm2d(3)(ONES(2, 4, 2, 2)), RuntimeError, r"expected running_mean of shape \[4\], but got \[3\]"),
    (lambda: nn.BatchNorm2d(3)(ONES(2, 3, 2, 2).double()), RuntimeError, "mixed dtype"),
    (lambda: F.batch_norm(ONES(2, 3), None, None), RuntimeError, "must be defined in evaluation mode"),
    (lambda: F.layer_norm(ONES(2, 3), (3,), ONES(2)), RuntimeError, r"expected weight of shape \[3\], but got \[2\]"),
    (lambda: F.layer_norm(ONES(2, 3), ()), RuntimeError, r"normalized_shape=\[\]"),
    (lambda: F.layer_norm(ONES(2, 3, dtype=LONG), (3,)), NotImplementedError, "not implemented for 'int64'"),
    (lambda: F.rms_norm(ONES(2, 3), (2,)), RuntimeError, r"Given normalized_shape=\[2\]"),
    (lambda: F.local_response_norm(ONES(2, 3), 2), ValueError, "Expected 3D or higher dimensionality"),
]  # fmt: skip


@pytest.mark.parametrize("do, error, message", BAD)
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()
