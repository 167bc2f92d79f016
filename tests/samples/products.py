"""Products of vectors and matrices, Einstein's summation, distances."""

import itertools

import numpy as np
from scipy.spatial import distance

from tests.samples.table import f, i, row

MATRICES = (f(2, 3), f(3, 2))
BATCHES = (f(2, 2, 3), f(2, 3, 2))

row("addmm", [(f(2, 2), *MATRICES), (f(2), *MATRICES), (f(), *MATRICES), (f(1, 2), f(0, 3), f(3, 2))], lambda x, a, b: x + a @ b)
row("addmm scaled", [(f(2, 2), *MATRICES), (f(2, 1), *MATRICES)], lambda x, a, b: 2 * x + 3 * a @ b, beta=2, alpha=3)
row("addmv", [(f(2), f(2, 3), f(3)), (f(1), f(2, 3), f(3)), (f(2), f(2, 0), f(0))], lambda x, a, v: x + a @ v)
row("addmv scaled", [(f(2), f(2, 3), f(3))], lambda x, a, v: 0.5 * x - a @ v, beta=0.5, alpha=-1)
row("addbmm", [(f(2, 2), *BATCHES), (f(2), f(0, 2, 3), f(0, 3, 2))], lambda x, a, b: x + (a @ b).sum(0))
row("addbmm scaled", [(f(2, 1), *BATCHES)], lambda x, a, b: 2 * x + 3 * (a @ b).sum(0), beta=2, alpha=3)
row("baddbmm", [(f(2, 2, 2), *BATCHES), (f(2, 1), *BATCHES)], lambda x, a, b: x + a @ b)
row("baddbmm scaled", [(f(2), *BATCHES)], lambda x, a, b: 2 * x + 3 * a @ b, beta=2, alpha=3)
row("addr", [(f(2, 3), f(2), f(3)), (f(3), f(2), f(3)), (f(), f(0), f(3))], lambda x, u, v: x + np.outer(u, v))
row("addr scaled", [(f(2, 3), f(2), f(3))], lambda x, u, v: 2 * x + 3 * np.outer(u, v), beta=2, alpha=3)
row("vdot", [(f(3), f(3)), (f(0), f(0))], np.vdot)
row("inner", [(f(3), f(3)), (f(2, 3), f(4, 3)), (f(2, 1, 3), f(3)), (f(), f(2, 3)), (f(2, 0), f(3, 0))], np.inner)
row("kron", [(f(2), f(3)), MATRICES, (f(2, 3), f(2)), (f(), f(2)), (f(2, 1, 2), f(3, 2)), (f(0, 2), f(2, 2))], np.kron)
row("trace", [f(2, 2), f(2, 3), f(3, 1), f(0, 2)], np.trace)
row("cross", [(f(2, 3), f(2, 3), 1), (f(2, 3), f(1, 3), -1), (f(3), f(3), 0)], lambda x, y, dim: np.cross(x, y, axis=dim))
row("cross along the first", [(f(3, 2), f(3, 2))], lambda x, y: np.cross(x, y, axis=0), lambda T, x, y: T.cross(x, y, dim=0))
row("linalg.cross", [(f(2, 3), f(2, 3)), (f(1, 2, 3), f(2, 1, 3))], np.cross, lambda T, x, y: T.linalg.cross(x, y))
TENSORDOTS = [
    (f(2, 3, 2), f(3, 2, 4)),
    (f(2, 3), f(3, 2), 1),
    (f(2), f(3), 0),
    (f(2, 3), f(4, 2, 3), ((0, 1), (1, -1))),
    (f(2, 3, 2), f(2, 2), ([2, 0], [0, 1])),
    (f(0, 2), f(2, 0), 1),
]
row("tensordot", TENSORDOTS, lambda a, b, dims=2: np.tensordot(a, b, dims))
row("tensordot broadcast", [(f(2, 1), f(3, 2), 1)], lambda a, b, dims: a * b.sum(0), lambda T, a, b, dims: T.tensordot(a, b, dims))

EQUATIONS = {
    "i->": [f(3)],
    "ij->ji": [f(2, 3)],
    "ii->i": [f(3, 3)],
    "ii": [f(3, 3)],
    "iji->j": [f(2, 3, 2)],
    "ij,jk": MATRICES,
    "bij,bjk->bik": BATCHES,
    "ij,ij->ij": [f(2, 3), f(2, 3)],
    "i,j->ij": [f(2), f(3)],
    "ij,kl->jl": MATRICES,
    "ij,j,jk->ik": [f(2, 3), f(3), f(3, 2)],
    "...ij,...jk->...ik": [f(2, 1, 2, 3), f(3, 3, 2)],
    "i...->...": [f(2, 3)],
    "bn,anm,bm->ba": [f(2, 3), f(2, 3, 2), f(2, 2)],
    "aab,b->a": [f(2, 2, 3), f(3)],
    ",i->i": [f(), f(2)],
    "ij,jk->": [f(0, 3), f(3, 2)],
}
for _equation, _inputs in EQUATIONS.items():
    row(
        f"einsum {_equation}", [tuple(_inputs)],
        lambda *xs, equation=_equation: np.einsum(equation, *xs),
        lambda T, *xs, equation=_equation: T.einsum(equation, *xs),
    )  # fmt: skip
row("einsum broadcast", [(f(2, 1), f(3, 2))], lambda x, y: x * y.sum(0), lambda T, x, y: T.einsum("ij,jk->ik", x, y))

NORMS = (1, 2, 3.0, float("inf"))


def distances(x, y, p=2):
    """Between the rows, by the definition."""
    return np.array([[np.linalg.norm(a - b, p) for b in y] for a in x]).reshape(len(x), len(y))


row("dist", [(f(2, 3), f(2, 3)), (f(2, 3), f(3)), (f(), f())], lambda x, y: np.sqrt(((x - y) ** 2).sum()))
row("dist p", [(f(2, 3), f(2, 3), p) for p in NORMS], lambda x, y, p: np.linalg.norm((x - y).ravel(), p))
row("cdist", [(f(2, 3), f(4, 3)), (f(0, 2), f(3, 2)), *((f(2, 3), f(4, 3), p) for p in NORMS)], distances)
row("cdist batch", [(f(2, 1, 2, 3), f(3, 2, 3))], lambda x, y: np.linalg.norm(x[..., None, :] - y[..., None, :, :], axis=-1))
row("pdist", [f(4, 3), f(2, 1), f(1, 2)], lambda x: distance.pdist(x))
row(
    "pdist p", [(f(4, 3), p) for p in NORMS],
    lambda x, p: np.array([np.linalg.norm(a - b, p) for a, b in itertools.combinations(x, 2)]),
)  # fmt: skip
row("pairwise_distance", [(f(2, 3), f(2, 3)), (f(2, 3), f(3)), (f(3), f(3))], lambda x, y: np.linalg.norm(x - y + 1e-6, axis=-1))
row("pairwise_distance p", [(f(2, 3), f(2, 3), p) for p in NORMS], lambda x, y, p: np.linalg.norm(x - y + 1e-6, p, -1))
row("pairwise_distance keepdim", [(f(2, 3), f(2, 3))], lambda x, y: np.linalg.norm(x - y + 1e-6, axis=-1, keepdims=True), keepdim=True)


def cosine(x, y, dim=1):
    return (x * y).sum(dim) / np.linalg.norm(x, axis=dim) / np.linalg.norm(y, axis=dim)


row("cosine_similarity", [(f(2, 3), f(2, 3)), (f(2, 3), f(2, 3), 0), (f(2, 3, 2), f(2, 3, 2))], cosine, integers=False)
row("cosine_similarity broadcast", [(f(2, 3), f(3))], lambda x, y: cosine(x, y[None]), dim=-1, integers=False)
row("bilinear by einsum", [(f(2, 3), f(4, 3, 2), f(2, 2), i(2))], None, lambda T, x, w, y, index: T.einsum("bi,oij,bj->bo", x, w, y)[index])
