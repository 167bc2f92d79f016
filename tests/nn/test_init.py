"""Initial values: their distributions, the structures that are promised, gains and errors; norms and vectors of parameters."""

import numpy as np
import pytest
from scipy import stats

import framework
from framework import nn

init = nn.init


def filled(function, shape, *args, **options):
    framework.manual_seed(0)
    tensor = framework.empty(shape)
    assert function(tensor, *args, **options) is tensor
    return tensor.numpy()


@pytest.mark.parametrize("mean, std, a, b", [(0, 1, -2, 2), (1, 2, 0, 5), (0, 1, 3, 4), (0, 1, -6, -5), (0, 1, 9, 10), (5, 1, -2, 2)])
def test_trunc_normal(mean, std, a, b):
    values = filled(init.trunc_normal_, (100, 200), mean, std, a, b)
    assert values.min() >= a and values.max() <= b
    expected = stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    assert stats.kstest(values.ravel(), expected.cdf).pvalue > 1e-3


def test_structures():
    np.testing.assert_array_equal(filled(init.eye_, (2, 3)), np.eye(2, 3))
    for shape in ((5, 3), (3, 5), (4, 2, 3), (2, 3, 2, 2)):
        matrix = filled(init.orthogonal_, shape, 2.0).reshape(shape[0], -1)
        product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)
    sparse = filled(init.sparse_, (10, 200), 0.25, 3.0)
    assert ((sparse == 0).sum(0) == 3).all() and sparse[sparse != 0].std() == pytest.approx(3, rel=0.05)
    assert filled(init.orthogonal_, (0, 3)).shape == (0, 3)


@pytest.mark.parity
@pytest.mark.parametrize("shape, groups", [((4, 4, 3), 1), ((4, 2, 3, 3), 2), ((4, 3, 3, 3, 3), 2), ((2, 5, 2), 1)])
def test_dirac_hands_the_channels_on(shape, groups):
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(filled(init.dirac_, shape, groups), torch.nn.init.dirac_(torch.empty(shape), groups).numpy())


@pytest.mark.parity
def test_gains():
    torch = pytest.importorskip("torch")
    for name in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


def test_scales():
    assert filled(init.kaiming_normal_, (200, 300), mode="FAN_OUT", nonlinearity="linear").std() == pytest.approx(200**-0.5, rel=0.02)
    assert filled(init.xavier_normal_, (200, 300), 2.0).std() == pytest.approx(2 * (2 / 500) ** 0.5, rel=0.02)
    assert abs(filled(init.kaiming_uniform_, (200, 300), a=1)).max() == pytest.approx((3 / 300) ** 0.5, rel=0.02)
    assert (filled(init.constant_, 3, 2.5) == 2.5).all() and not filled(init.zeros_, 3).any() and filled(init.ones_, 3).all()
    one, two = (init.normal_(framework.empty(3), generator=framework.Generator().manual_seed(3)) for _ in range(2))
    assert framework.equal(one, two)


def test_parameters_may_be_initialised():
    for function in (init.eye_, init.orthogonal_, init.trunc_normal_, init.ones_, init.kaiming_uniform_):
        weight = nn.Parameter(framework.empty(3, 3))
        assert function(weight) is weight and weight.requires_grad and weight.is_leaf
    assert init.kaiming_normal_(framework.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    "do, message",
    [
        (lambda: init.calculate_gain("softmax"), "Unsupported nonlinearity softmax"),
        (lambda: init.xavier_uniform_(framework.empty(3)), "a tensor of 2 to inf dimensions, but got 1"),
        (lambda: init.kaiming_uniform_(framework.empty(3, 3), mode="fan"), "Mode fan not supported"),
        (lambda: init.eye_(framework.empty(3)), "a tensor of 2 to 2 dimensions, but got 1"),
        (lambda: init.sparse_(framework.empty(3), 0.1), "a tensor of 2 to 2 dimensions, but got 1"),
        (lambda: init.dirac_(framework.empty(3, 3)), "a tensor of 3 to 5 dimensions, but got 2"),
        (lambda: init.dirac_(framework.empty(3, 3, 3), 2), "dim 0 must be divisible by groups"),
        (lambda: init.orthogonal_(framework.empty(3)), "a tensor of 2 to inf dimensions, but got 1"),
    ],
)
def test_bad_input(do, message):
    with pytest.raises(ValueError, match=message):
        do()


@pytest.mark.parity
@pytest.mark.parametrize("norm_type", [2, 1, 3.5, "inf", float("inf"), 0.5])
def test_clipping_by_any_norm(norm_type):
    torch = pytest.importorskip("torch")
    grads, found = [np.array([3.0, -4.0]), np.array([[1.0, 2.0, 0.5]])], []
    for library in (framework, torch):
        parameters = [library.nn.Parameter(library.zeros(each.shape, dtype=library.float64)) for each in (*grads, np.zeros(1))]
        for parameter, grad in zip(parameters, grads, strict=False):
            parameter.grad = library.tensor(grad)
        total = library.nn.utils.clip_grad_norm_(iter(parameters), 2.0, norm_type)
        found.append([total.numpy(), *(each.grad.numpy() for each in parameters[:2])])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b)


def test_clipping_of_nothing_and_of_infinity():
    parameter = nn.Parameter(framework.ones(2))
    assert nn.utils.clip_grad_norm_(parameter, 1.0).item() == 0
    parameter.grad = framework.tensor([1.0, float("inf")])
    with pytest.raises(RuntimeError, match="norm of order 2.0 of the gradients is non-finite"):
        nn.utils.clip_grad_norm_(parameter, 1.0, error_if_nonfinite=True)
    nn.utils.clip_grad_value_(parameter, 0.5)
    assert parameter.grad.tolist() == [0.5, 0.5]


def test_parameters_as_a_vector():
    model = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(model.parameters())
    assert vector.shape == (9,)
    nn.utils.vector_to_parameters(framework.arange(9.0), model.parameters())
    assert model.weight.tolist() == [[0, 1], [2, 3], [4, 5]] and model.bias.tolist() == [6, 7, 8]
