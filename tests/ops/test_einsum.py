"""Random equations for einsum, random shapes for matmul, and what einsum refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework

LETTERS = "abcXY"


@st.composite
def contractions(draw):
    """(equation, shapes) of one to three operands, with repeated letters, ellipses and an output that may be left out."""
    sizes = {letter: draw(st.integers(0, 3)) for letter in LETTERS}
    dots = draw(st.lists(st.integers(1, 3), max_size=2))
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.lists(st.sampled_from(LETTERS), max_size=3))
        shape = [sizes[letter] for letter in letters]
        if draw(st.booleans()):
            place = draw(st.integers(0, len(letters)))
            own = [draw(st.sampled_from((1, n))) for n in dots[draw(st.integers(0, len(dots))) :]]
            letters, shape = [*letters[:place], "...", *letters[place:]], [*shape[:place], *own, *shape[place:]]
        terms.append("".join(letters))
        shapes.append(tuple(shape))
    equation = ",".join(terms)
    if draw(st.booleans()) or "..." in equation:  # NumPy wants the ellipsis in the output
        seen = sorted(set(equation) - set(".,"))
        output = draw(st.permutations(seen))[: draw(st.integers(0, len(seen)))]
        equation += "->" + ("..." if "..." in equation else "") + "".join(output)
    return equation, shapes


@settings(max_examples=150, deadline=None)
@given(contractions())
def test_einsum_is_numpys(case):
    equation, shapes = case
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape) for shape in shapes]
    leaves = [framework.tensor(each, requires_grad=True) for each in arrays]
    out = framework.einsum(equation, *leaves)
    np.testing.assert_allclose(out.detach().numpy(), np.einsum(equation, *arrays), atol=1e-10)
    grads = framework.autograd.grad(out.sum(), leaves, allow_unused=True)
    for leaf, grad in zip(leaves, grads, strict=True):  # the sum of the outputs is linear in each operand
        np.testing.assert_allclose((leaf * grad).sum().item(), out.sum().item(), atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_matmul_broadcasts_as_numpys(data):
    batch = data.draw(st.lists(st.integers(0, 3), max_size=2))
    m, k, n = (data.draw(st.integers(0, 3)) for _ in range(3))

    def shape(matrix, vector):
        if data.draw(st.booleans()):
            return vector
        return (*[data.draw(st.sampled_from((1, length))) for length in batch[data.draw(st.integers(0, len(batch))) :]], *matrix)

    random = np.random.default_rng(0)
    a, b = (random.standard_normal(each) for each in (shape((m, k), (k,)), shape((k, n), (k,))))
    leaves = [framework.tensor(each, requires_grad=True) for each in (a, b)]
    out = framework.matmul(*leaves)
    np.testing.assert_allclose(out.detach().numpy(), np.matmul(a, b), atol=1e-12)
    for leaf, grad in zip(leaves, framework.autograd.grad(out.sum(), leaves), strict=True):
        np.testing.assert_allclose((leaf * grad).sum().item(), out.sum().item(), atol=1e-10)


F, G = framework.ones(2, 3), framework.ones(3, 2)
REFUSED = [
    (("i.j", F), "'i.j' is no equation"),
    (("......", F), "'......' is no equation: letters, at most one ... in each term"),
    (("ij->i.", F), "'ij->i.' is no equation"),
    (("...->......", F), "'...->......' is no equation"),
    (("ij,jk,kl", F, G), "'ij,jk,kl' has 3 terms, but there are 2 operands"),
    (("ij", F, G), "has 1 terms, but there are 2 operands"),
    (("ijk", F), r"'ijk' does not match the number of dimensions of the shape \(2, 3\)"),
    (("ijk...", F), "'ijk...' does not match the number of dimensions"),
    (("ij,jk", F, F), "'j' in 'jk' has size 2, which does not broadcast"),
    (("ii->i", F), "'i' in 'ii' has size 3, which does not broadcast"),
    (("ij->ii", F), "the output must have 'i' once"),
    (("ij->ik", F), "the output must have 'k' once, and an operand must have it"),
    (("i1->i", F), "'i1->i' is no equation"),
    (("ij->i1", F), "'ij->i1' is no equation"),
    (("a-b", F), "'a-b' is no equation"),
    (("...,...", F, framework.ones(4, 2)), "does not broadcast"),
    (("ij,jk", F, G.double()), "dtype|scalar type"),
    (("ij,i", F, 3), "expected Tensors as operands, but got int"),
]


@pytest.mark.parametrize(("args", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_refused(args, message):
    with pytest.raises((RuntimeError, ValueError, TypeError), match=message):
        framework.einsum(*args)


@pytest.mark.parity
@pytest.mark.parametrize("args", [args for args, _ in REFUSED], ids=[message[:40] for _, message in REFUSED])
def test_refused_by_an_error_of_pytorchs_type(args):
    torch = pytest.importorskip("torch")
    errors = []
    for library in (framework, torch):
        with pytest.raises((RuntimeError, ValueError, TypeError)) as error:
            library.einsum(*[library.tensor(each.numpy()) if isinstance(each, framework.Tensor) else each for each in args])
        errors.append(type(error.value))
    assert errors[0] is errors[1]


def test_operands_in_a_list_and_views():
    assert framework.einsum("ij,jk", [F, G]).tolist() == [[3, 3], [3, 3]]
    x = framework.zeros(2, 3)
    framework.einsum("ij->ji", x).fill_(1)
    assert x.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_the_form_with_lists_is_refused():
    with pytest.raises(TypeError, match="the equation must be a str, not Tensor"):
        framework.einsum(F, [0, 1], G, [1, 2])


def test_what_is_only_multiplied_may_be_of_any_types():
    bools, whole, real = framework.tensor([True, False]), framework.tensor([3, 4]), framework.tensor([1.0, 2.0])
    assert framework.einsum("i,j->ij", bools, bools).tolist() == [[True, False], [False, False]]
    assert framework.einsum("i,i->i", bools, whole).tolist() == [3, 0]
    out = framework.einsum("i,j->ji", whole, real)
    assert out.dtype is framework.float32
    assert out.tolist() == [[3, 4], [6, 8]]
    for operands, error in (((bools, bools), NotImplementedError), ((whole, real), RuntimeError)):
        with pytest.raises(error):
            framework.einsum("i,i->", *operands)
