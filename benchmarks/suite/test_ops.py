"""Operations: their values, and their values and gradients."""

import pytest

import framework
import framework.nn.functional as F
from framework import randint, randn


def of(function, *shapes):
    """A function, and arrays of these shapes for it."""
    return lambda: (function, [randn(*shape, requires_grad=True) for shape in shapes])


def chosen(function, count, *shape):
    """A function of an array and of `count` numbers of its rows."""

    def make():
        rows = randint(0, shape[0], (count,))
        return lambda x: function(x, rows), [randn(*shape, requires_grad=True)]

    return make


IMAGES = 8, 32, 56, 56
OPS = {
    "add, 3 × 4": of(framework.add, (3, 4), (3, 4)),
    "add": of(framework.add, (1024, 1024), (1024, 1024)),
    "add, a row to all": of(framework.add, (1024, 1024), (1024,)),
    "multiply": of(framework.mul, (1024, 1024), (1024, 1024)),
    "divide": of(framework.div, (1024, 1024), (1024, 1)),
    "exp": of(framework.exp, (1024, 1024)),
    "tanh": of(framework.tanh, (1024, 1024)),
    "sigmoid": of(framework.sigmoid, (1024, 1024)),
    "relu": of(F.relu, (1024, 1024)),
    "gelu": of(F.gelu, (1024, 1024)),
    "where": of(lambda x, y: framework.where(x > y, x, y), (1024, 1024), (1024, 1024)),
    "sum": of(framework.sum, (1024, 1024)),
    "sum of rows": of(lambda x: x.sum(1), (1024, 1024)),
    "sum of columns": of(lambda x: x.sum(0), (1024, 1024)),
    "variance of rows": of(lambda x: x.var(1), (1024, 1024)),
    "largest of rows": of(lambda x: x.max(1)[0], (1024, 1024)),
    "norm": of(lambda x: x.norm(), (1024, 1024)),
    "cumsum": of(lambda x: x.cumsum(1), (1024, 1024)),
    "sort": of(lambda x: x.sort(1)[0], (256, 1024)),
    "softmax": of(lambda x: F.softmax(x, 1), (512, 1000)),
    "cross entropy": chosen(F.cross_entropy, 512, 512, 1000),
    "layer norm": of(lambda x: F.layer_norm(x, (512,)), (1024, 512)),
    "product, 512³": of(framework.matmul, (512, 512), (512, 512)),
    "product, 64 × 784 × 400": of(framework.matmul, (64, 784), (784, 400)),
    "product, a vector": of(framework.matmul, (1024, 1024), (1024,)),
    "products, 64 of 64³": of(framework.matmul, (64, 64, 64), (64, 64, 64)),
    "einsum, bij,bjk->ik": of(lambda x, y: framework.einsum("bij,bjk->ik", x, y), (32, 64, 48), (32, 48, 80)),
    "attention": of(F.scaled_dot_product_attention, *[(8, 4, 128, 64)] * 3),
    "transposed copy": of(lambda x: x.T.contiguous(), (1024, 1024)),
    "concatenate": of(lambda *parts: framework.cat(parts, 1), *[(512, 256)] * 4),
    "rows by number": chosen(lambda x, rows: x[rows], 4096, 10000, 100),
    "embedding": chosen(lambda x, rows: F.embedding(rows, x), 4096, 10000, 100),
    "pad": of(lambda x: F.pad(x, (1, 1, 1, 1)), IMAGES),
    "convolution, 3 × 3": of(lambda x, w: F.conv2d(x, w, padding=1), IMAGES, (64, 32, 3, 3)),
    "convolution, 1 × 1": of(F.conv2d, IMAGES, (64, 32, 1, 1)),
    "convolution, 7 × 7, step 2": of(lambda x, w: F.conv2d(x, w, stride=2, padding=3), (4, 3, 224, 224), (64, 3, 7, 7)),
    "convolution, depthwise": of(lambda x, w: F.conv2d(x, w, padding=1, groups=32), IMAGES, (32, 1, 3, 3)),
    "convolution, of lines": of(lambda x, w: F.conv1d(x, w, padding=2), (16, 32, 1000), (32, 32, 5)),
    "transposed convolution": of(lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1), (8, 64, 28, 28), (64, 32, 4, 4)),
    "max pooling": of(lambda x: F.max_pool2d(x, 2), IMAGES),
    "average pooling": of(lambda x: F.avg_pool2d(x, 3, 2, 1), IMAGES),
    "interpolate": of(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), IMAGES),
}


@pytest.mark.parametrize("op", OPS)
@pytest.mark.benchmark(group="ops, forward")
def test_forward(benchmark, op):
    function, arrays = OPS[op]()
    with framework.no_grad():
        benchmark(function, *arrays)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.benchmark(group="ops, forward and backward")
def test_backward(benchmark, op):
    function, arrays = OPS[op]()
    grad = framework.ones_like(function(*arrays))
    benchmark(lambda: framework.autograd.grad(function(*arrays), arrays, grad))
