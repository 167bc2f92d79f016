"""Matrix factorisations and what follows from them."""

import warnings

import numpy as np
from scipy import linalg

from tests.samples.table import f, row

SQUARE = [f(3, 3), f(1, 1), f(2, 3, 3), f(0, 0), f(0, 2, 2)]
ANY_SHAPE = [f(3, 3), f(2, 4), f(4, 2), f(2, 3, 2), f(0, 3)]
ORDERS = ("fro", "nuc", 2, -2, 1, -1, float("inf"), -float("inf"))


def each(function):
    """`function` of one matrix for every matrix of a batch."""

    def of_batch(x, *rest):
        if x.ndim < 3:
            return function(x, *rest)
        results = [function(one, *(other[i] for other in rest)) for i, one in enumerate(x)]
        return np.array(results) if results else np.zeros(x.shape[:-2] + np.shape(function(np.eye(x.shape[-1]))))

    return of_batch


def positive(x, library=np):
    """A symmetric matrix with positive eigenvalues."""
    x = library.sin(x)
    return x @ x.mT + 0.5 * library.eye(x.shape[-1], dtype=x.dtype)


def positive_call(name, **options):
    return lambda T, x: getattr(T.linalg, name)(positive(x, T), **options)


def quietly(function):
    """`function` without PyTorch's warnings that there is a newer one."""

    def quiet(*args, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **options)

    return quiet


def signless(out):
    """What does not depend on the sign that a singular vector, or an eigenvector, happens to have."""
    return [part if i == (1 if len(out) == 3 else 0) else part**2 for i, part in enumerate(out)]


row("det", SQUARE, each(linalg.det), halves=False)
row("logdet", SQUARE[1:2], None, lambda T, x: T.logdet(x * x), halves=False)
row("logdet positive", [f(3, 3), f(2, 2, 2)], lambda x: np.log(each(linalg.det)(positive(x))),
    lambda T, x: T.logdet(positive(x, T)), halves=False)  # fmt: skip
row("slogdet", SQUARE, lambda x: (np.sign(each(linalg.det)(x)), np.log(np.abs(each(linalg.det)(x)))), halves=False)
row("inv", SQUARE[:4], each(linalg.inv), lambda T, x: T.linalg.inv(x), halves=False)
row("linalg.cholesky", SQUARE, lambda x: each(linalg.cholesky)(positive(x)).mT, positive_call("cholesky"), halves=False)
row("linalg.cholesky upper", SQUARE[:3], lambda x: each(linalg.cholesky)(positive(x)), positive_call("cholesky", upper=True), halves=False)
row("cholesky", [f(3, 3)], lambda x: linalg.cholesky(positive(x), lower=True),
    lambda T, x: quietly(T.cholesky)(positive(x, T)), halves=False)  # fmt: skip
row("eigh", SQUARE[:3], lambda x: signless(np.linalg.eigh(x + x.mT)), lambda T, x: signless(T.linalg.eigh(x + x.mT)), halves=False)
row("eigh upper", [f(2, 2)], lambda x: linalg.eigvalsh(x, lower=False), lambda T, x: T.linalg.eigh(x, UPLO="U")[0], gradient=False)
row("linalg.svd", ANY_SHAPE[:4], lambda x: signless(np.linalg.svd(x, False)), lambda T, x: signless(T.linalg.svd(x, False)), halves=False)
row("linalg.svd full", [f(2, 4), f(4, 2)], lambda x: np.linalg.svd(x)[1], lambda T, x: T.linalg.svd(x)[1], halves=False)
row("svd", ANY_SHAPE[:4], lambda x: signless(quiet_svd(np.linalg, x)), lambda T, x: signless(quietly(T.svd)(x)), halves=False)
row("svd values", ANY_SHAPE, lambda x: linalg.svdvals(x) if x.ndim < 3 else each(linalg.svdvals)(x),
    lambda T, x: quietly(T.svd)(x, compute_uv=False)[1], halves=False)  # fmt: skip
row("linalg.qr", ANY_SHAPE, lambda x: linalg.qr(x, mode="economic") if x.ndim < 3 else np.linalg.qr(x),
    lambda T, x: tuple(T.linalg.qr(x)), halves=False)  # fmt: skip
row("linalg.qr complete", [f(2, 4), f(3, 3)], lambda x: linalg.qr(x), lambda T, x: tuple(T.linalg.qr(x, "complete")), halves=False)
row("linalg.qr tall", [f(4, 2), f(3, 0)], lambda x: linalg.qr(x), lambda T, x: tuple(T.linalg.qr(x, "complete")), gradient=False)
row("linalg.qr r", [f(4, 2), f(2, 4)], lambda x: linalg.qr(x, mode="r")[0][:2], lambda T, x: T.linalg.qr(x, "r")[1], gradient=False)
row("qr", [f(4, 2)], lambda x: linalg.qr(x, mode="economic"), lambda T, x: tuple(quietly(T.qr)(x)), halves=False)

SYSTEMS = [(f(3, 3), f(3)), (f(3, 3), f(3, 2)), (f(2, 2, 2), f(2, 2)), (f(2, 1, 2, 2), f(3, 2, 1)), (f(0, 0), f(0))]


def solved(a, b):
    vector = b.ndim == 1 or b.shape == a.shape[:-1]
    return np.linalg.solve(a, b[..., None])[..., 0] if vector else np.linalg.solve(a, b)


row("solve", SYSTEMS, solved, lambda T, a, b: T.linalg.solve(a, b), halves=False)
row("solve from the right", [(f(3, 3), f(2, 3))], lambda a, b: b @ linalg.inv(a),
    lambda T, a, b: T.linalg.solve(a, b, left=False), halves=False)  # fmt: skip

for _n in (-2, -1, 0, 1, 2, 3, 5):
    row(f"matrix_power {_n}", [f(3, 3), f(2, 2, 2)], lambda x, n=_n: np.linalg.matrix_power(x, n),
        lambda T, x, n=_n: T.linalg.matrix_power(x, n), gradient=_n != 0, halves=False, integers=_n >= 0)  # fmt: skip
CHAINS = [(f(2, 3), f(3, 4)), (f(2, 3), f(3, 1), f(1, 4)), (f(3), f(3, 2), f(2)), (f(2, 3), f(3, 2), f(2, 4), f(4))]
row("multi_dot", CHAINS, lambda *xs: np.linalg.multi_dot(xs), lambda T, *xs: T.linalg.multi_dot(xs))
row("linalg.diagonal", [f(2, 3), f(2, 3, 2)], lambda x: np.diagonal(x, axis1=-2, axis2=-1), lambda T, x: T.linalg.diagonal(x))
row("linalg.diagonal offset", [f(2, 3, 4)], lambda x: np.diagonal(x, -1, 0, 2),
    lambda T, x: T.linalg.diagonal(x, offset=-1, dim1=0, dim2=2))  # fmt: skip
for _ord in ORDERS:
    row(f"matrix_norm {_ord}", [f(2, 3), f(3, 2)], lambda x, ord=_ord: linalg.norm(x, ord),
        lambda T, x, ord=_ord: T.linalg.matrix_norm(x, ord), halves=_ord not in ("nuc", 2, -2))  # fmt: skip
    row(f"matrix_norm dims {_ord}", [f(2, 3, 4)], lambda x, ord=_ord: np.linalg.norm(x, ord, (2, 0), True),
        lambda T, x, ord=_ord: T.linalg.matrix_norm(x, ord, (2, 0), True), halves=_ord not in ("nuc", 2, -2))  # fmt: skip
    row(f"linalg.norm matrix {_ord}", [f(2, 3)], lambda x, ord=_ord: linalg.norm(x, ord),
        lambda T, x, ord=_ord: T.linalg.norm(x, ord), halves=_ord not in ("nuc", 2, -2))  # fmt: skip
VECTOR_ORDERS = (1, 2, 3, float("inf"))
VECTORS = [(f(2, 3), p) for p in VECTOR_ORDERS]
row("vector_norm", VECTORS, lambda x, p: np.linalg.norm(x.ravel(), p), lambda T, x, p: T.linalg.vector_norm(x, p))
row("vector_norm dim", VECTORS, lambda x, p: np.linalg.norm(x, p, 1), lambda T, x, p: T.linalg.vector_norm(x, p, 1))
row("linalg.norm", [f(2, 3, 2), f(3), f()], lambda x: np.sqrt((x * x).sum()), lambda T, x: T.linalg.norm(x))
row("linalg.norm of a vector", [(f(3), p) for p in VECTOR_ORDERS], np.linalg.norm, lambda T, x, p: T.linalg.norm(x, p))
row("qr complete", [f(2, 4)], linalg.qr, lambda T, x: tuple(quietly(T.qr)(x, some=False)), halves=False)
row("linalg.norm dim", [(f(2, 3), 3, 1)], lambda x, p, dim: np.linalg.norm(x, p, dim), lambda T, x, p, dim: T.linalg.norm(x, p, dim))


def quiet_svd(module, x):
    u, s, vh = module.svd(x, False)
    return u, s, vh.mT
