"""Attention and the Transformer: every option against PyTorch, gradients of first and second order, masks, bad input."""

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn
from tests.nn.checks import identifier, right_gradients, same_as_pytorch
from tests.nn.comparing import check_gradients, compare

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # PyTorch's, of its own speed

ONE, THREE = [(5, 2, 4)], [(3, 2, 4), (5, 2, 4), (5, 2, 4)]
SMALL = {"dim_feedforward": 3, "dropout": 0.0}
CASES = [
    ("MultiheadAttention", (4, 2), {}, THREE),
    ("MultiheadAttention", (4, 1), {"bias": False}, THREE),
    ("MultiheadAttention", (4, 2), {"batch_first": True}, [(2, 3, 4), (2, 5, 4), (2, 5, 4)]),
    ("MultiheadAttention", (4, 2), {}, [(3, 4), (5, 4), (5, 4)]),
    ("MultiheadAttention", (4, 2), {"kdim": 3, "vdim": 2}, [(3, 2, 4), (5, 2, 3), (5, 2, 2)]),
    ("MultiheadAttention", (4, 2), {"add_bias_kv": True, "add_zero_attn": True}, THREE),
    ("MultiheadAttention", (4, 2), {"kdim": 3, "add_bias_kv": True, "bias": False}, [(3, 2, 4), (5, 2, 3), (5, 2, 4)]),
    ("TransformerEncoderLayer", (4, 2), SMALL, ONE),
    ("TransformerEncoderLayer", (4, 2), {**SMALL, "norm_first": True, "activation": "gelu", "bias": False}, ONE),
    ("TransformerEncoderLayer", (4, 2), {**SMALL, "batch_first": True, "layer_norm_eps": 0.1}, [(2, 5, 4)]),
    ("TransformerEncoderLayer", (4, 2), SMALL, [(5, 4)]),
    ("TransformerDecoderLayer", (4, 2), SMALL, [(3, 2, 4), (5, 2, 4)]),
    ("TransformerDecoderLayer", (4, 2), {**SMALL, "norm_first": True, "batch_first": True}, [(2, 3, 4), (2, 5, 4)]),
    ("Transformer", (4, 2, 2, 1), SMALL, [(5, 2, 4), (3, 2, 4)]),
    ("Transformer", (4, 2, 1, 2), {**SMALL, "norm_first": True, "batch_first": True, "bias": False}, [(2, 5, 4), (2, 3, 4)]),
    ("Transformer", (4, 2, 1, 1), SMALL, [(5, 4), (3, 4)]),
]


@pytest.mark.parity
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{identifier(case)}-{case[3]}")
def test_parity(case):
    same_as_pytorch(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{identifier(case)}-{case[3]}")
def test_gradients(case):
    right_gradients(case)


def upper(library, rows, columns, kind):
    """What may not be seen: everything later; in bools or floats."""
    later = library.tensor(np.triu(np.ones((rows, columns), bool), 1))
    return later if kind == "bool" else library.zeros(rows, columns).double().masked_fill(later, -float("inf"))


def padding(library, n, columns, kind):
    hidden = library.tensor(np.arange(columns) >= columns - np.arange(n)[:, None])  # the last n of sequence n
    return hidden if kind == "bool" else library.zeros(n, columns).double().masked_fill(hidden, -1.5)


@pytest.mark.parity
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("kind", ["bool", "float"])
@pytest.mark.parametrize("masks", ["attn_mask", "attn_mask 3d", "key_padding_mask", "both", "causal", "causal padded"])
@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True, "add_zero_attn": True}, {"batch_first": True}], ids=str)
def test_masks(options, masks, kind, need_weights):
    def call(library, layer, q, k, v):
        attn_mask = upper(library, 4, 4, kind) if masks != "key_padding_mask" else None
        if masks == "attn_mask 3d":
            attn_mask = library.stack([attn_mask, attn_mask & False if kind == "bool" else library.ones(4, 4).double()] * 2)
        padded = padding(library, 2, 4, kind) if masks in ("key_padding_mask", "both", "causal padded") else None
        return layer(q, k, v, padded, need_weights, attn_mask, is_causal="causal" in masks)

    shape = (2, 4, 4) if options.get("batch_first") else (4, 2, 4)
    compare(lambda library: library.nn.MultiheadAttention(4, 2, **options), call, [shape] * 3)


@pytest.mark.parity
def test_weights_of_every_head_and_without_a_batch():
    for shapes in ([(3, 2, 4), (5, 2, 4)], [(3, 4), (5, 4)]):
        for average in (True, False):
            call = lambda library, layer, q, k: layer(q, k, k, average_attn_weights=average)  # noqa: B023, E731
            compare(lambda library: library.nn.MultiheadAttention(4, 2), call, shapes)


@pytest.mark.parity
def test_given_keys_and_values():
    def call(library, layer, q, k, static_k, static_v):
        return library.nn.functional.multi_head_attention_forward(
            q, k, k, 4, 2, layer.in_proj_weight, layer.in_proj_bias, None, None, True, 0.0, layer.out_proj.weight, layer.out_proj.bias,
            key_padding_mask=padding(library, 2, 5, "bool"), static_k=static_k, static_v=static_v,
        )  # fmt: skip

    compare(lambda library: library.nn.MultiheadAttention(4, 2), call, [(3, 2, 4), (5, 2, 4), (4, 5, 2), (4, 5, 2)])


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["bool", "float"])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("options", [{}, {"norm_first": True, "batch_first": True, "activation": "gelu"}], ids=str)
def test_transformers_with_masks(options, causal, kind):
    def call(library, layer, src, tgt):
        later, hidden = upper(library, 3, 3, kind), padding(library, 2, 5, kind)
        return layer(src, tgt, None, later, None, hidden, None if causal else padding(library, 2, 3, kind), hidden, tgt_is_causal=causal)

    shapes = [(2, 5, 4), (2, 3, 4)] if options.get("batch_first") else [(5, 2, 4), (3, 2, 4)]
    compare(lambda library: library.nn.Transformer(4, 2, 1, 1, 3, 0.0, **options), call, shapes)


@pytest.mark.parity
def test_stacks_alone_and_activations_of_any_kind():
    for activation in ("relu", "silu"):
        def build(library, activation=activation):
            act = library.nn.functional.silu if activation == "silu" else activation
            layer = library.nn.TransformerEncoderLayer(4, 2, 3, 0.0, act)
            return library.nn.TransformerEncoder(layer, 2, library.nn.LayerNorm(4))

        compare(build, lambda library, layer, x: layer(x, upper(library, 5, 5, "float"), is_causal=True), ONE)

    def decoder(library):
        return library.nn.TransformerDecoder(library.nn.TransformerDecoderLayer(4, 2, 3, 0.0, library.nn.functional.elu), 2)

    compare(decoder, lambda library, layer, x, m: layer(x, m, upper(library, 5, 5, "bool")), [(5, 2, 4), (3, 2, 4)])
    torch = pytest.importorskip("torch")
    assert repr(decoder(framework)) == repr(decoder(torch))
    assert list(decoder(framework).state_dict()) == list(decoder(torch).state_dict())


@pytest.mark.parity
@pytest.mark.parametrize("shapes", [[(2, 3, 4, 2), (2, 3, 5, 2), (2, 3, 5, 3)], [(2, 3, 4, 2), (1, 3, 5, 2), (1, 3, 5, 3)]], ids=str)
def test_attention_masks_broadcast(shapes):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    q, k, v = (random.standard_normal(shape) for shape in shapes)
    bools = random.random((2, 1, 4, 5)) > 0.5, random.random((1, 5)) > 0.5, np.zeros((4, 5), bool)
    for mask in (*bools, random.standard_normal((2, 3, 4, 5)), np.full((4, 1), -np.inf)):
        results = []
        for library in (framework, torch):
            leaves = [library.tensor(each, requires_grad=True) for each in (q, k, v)]
            out = library.nn.functional.scaled_dot_product_attention(*leaves, library.tensor(mask))
            out.square().sum().backward()
            results.append([out.detach().numpy(), *(each.grad.numpy() for each in leaves)])
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True}], ids=str)
def test_first_and_second_derivatives(options, need_weights):
    check_gradients(lambda library: library.nn.MultiheadAttention(2, 2, **options),
                    lambda library, layer, q, k: layer(q, k, k, need_weights=need_weights), [(2, 1, 2), (2, 1, 2)])  # fmt: skip


def test_derivatives_of_a_transformer_layer():
    check_gradients(lambda library: library.nn.TransformerDecoderLayer(2, 1, 1, 0.0, "gelu"),
                    lambda library, layer, x, memory: layer(x, memory), [(2, 1, 2), (1, 1, 2)])  # fmt: skip


def test_causal_attention_sees_the_past_alone():
    framework.manual_seed(0)
    layer, x = nn.TransformerEncoderLayer(4, 2, 8, 0.0), framework.randn(5, 1, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    whole = layer(x, mask, is_causal=True)
    for t in range(1, 6):
        part = layer(x[:t], mask[:t, :t], is_causal=True)
        np.testing.assert_allclose(whole[:t].detach().numpy(), part.detach().numpy(), atol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True, "add_zero_attn": True}], ids=str)
@pytest.mark.parametrize("shapes", [[(3, 0, 4), (5, 0, 4)], [(0, 2, 4), (5, 2, 4)], [(3, 2, 4), (0, 2, 4)]], ids=str)
def test_empty_batches_and_sequences(shapes, options, need_weights):
    (length, n, _), (source, _, _) = shapes

    def call(library, layer, q, k):
        masks = [{}, {"attn_mask": library.zeros(length, source).bool()}, {"attn_mask": library.zeros(n * 2, length, source).double()},
                 {"key_padding_mask": library.zeros(n, source).bool()}]  # fmt: skip
        tried = masks if need_weights else masks[:1]  # without weights PyTorch can't find the length of an empty mask
        return [layer(q, k, k, need_weights=need_weights, **each) for each in tried]

    compare(lambda library: library.nn.MultiheadAttention(4, 2, **options), call, shapes)


@pytest.mark.parity
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4)])
def test_layers_of_an_empty_batch(shape, batch_first):
    for name in ("TransformerEncoderLayer", "TransformerDecoderLayer"):
        compare(lambda library: getattr(library.nn, name)(4, 2, 3, 0.0, batch_first=batch_first),  # noqa: B023
                lambda library, layer, x: layer(*[x] * (1 + ("Decoder" in name))), [shape])  # noqa: B023  # fmt: skip


@pytest.mark.parity
def test_given_keys_for_an_empty_batch():
    for library in (framework, pytest.importorskip("torch")):
        layer, q, given = library.nn.MultiheadAttention(4, 2), library.ones(3, 0, 4), library.ones(0, 5, 2)
        out, weights = library.nn.functional.multi_head_attention_forward(
            q, q, q, 4, 2, layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0, layer.out_proj.weight, layer.out_proj.bias,
            static_k=given, static_v=given,
        )  # fmt: skip
        assert (tuple(out.shape), tuple(weights.shape)) == ((3, 0, 4), (0, 3, 5))


@pytest.mark.parity
def test_attention_to_nothing():
    torch = pytest.importorskip("torch")
    for shapes in ([(1, 2, 2), (1, 0, 2), (1, 0, 3)], [(1, 2, 0), (1, 3, 0), (1, 3, 1)], [(0, 2), (3, 2), (3, 2)]):
        outs = [library.nn.functional.scaled_dot_product_attention(*map(library.ones, shapes)).numpy() for library in (framework, torch)]
        np.testing.assert_array_equal(*outs)


def test_dropout_of_the_weights():
    q, k, v = framework.randn(2, 50, 8), framework.randn(2, 40, 8), framework.ones(2, 40, 1)
    framework.manual_seed(3)
    a = F.scaled_dot_product_attention(q, k, v, dropout_p=0.25)
    assert a.mean().item() == pytest.approx(1, abs=0.05) and a.std().item() > 0.01
    framework.manual_seed(3)
    assert framework.equal(a, F.scaled_dot_product_attention(q, k, v, dropout_p=0.25))
    assert not F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).any()
    layer = nn.MultiheadAttention(8, 2, dropout=0.5)
    assert not framework.equal(layer(q, q, q)[0], layer(q, q, q)[0])
    assert (layer(q, q, q, average_attn_weights=False)[1] == 0).any()
    layer.eval()
    assert framework.equal(layer(q, q, q, need_weights=False)[0], layer(q, q, q, need_weights=False)[0])


def test_initial_values():
    framework.manual_seed(0)
    layer = nn.MultiheadAttention(40, 2, add_bias_kv=True)
    bound = (6 / 160) ** 0.5
    assert 0.95 * bound < layer.in_proj_weight.abs().max().item() <= bound
    assert not layer.in_proj_bias.any() and not layer.out_proj.bias.any() and layer.bias_k.std().item() > 0.05
    assert 0.95 * bound / 2**0.5 < nn.Transformer(40, 2, 1, 1, 120).encoder.layers[0].linear1.weight.abs().max().item() <= bound


def x(*shape):
    return framework.ones(*shape)


MHA = nn.MultiheadAttention(4, 2)
SEQ = x(2, 1, 4)


@pytest.mark.parametrize(
    "do, error, message",
    [
        (lambda: F.scaled_dot_product_attention(x(2), x(2), x(2)), RuntimeError, "at least 2 dimensional"),
        (lambda: F.scaled_dot_product_attention(x(2, 2), x(2, 2).double(), x(2, 2)), RuntimeError, "same dtype"),
        (lambda: F.scaled_dot_product_attention(*[x(2, 2).long()] * 3), RuntimeError, "same dtype"),
        (lambda: F.scaled_dot_product_attention(*[x(2, 2)] * 3, x(2, 2).long()), RuntimeError, "Expected attn_mask dtype to be bool"),
        (lambda: F.scaled_dot_product_attention(*[x(2, 2)] * 3, x(2, 2), 0.0, True), RuntimeError, "Explicit attn_mask should not be set"),
        (lambda: F.scaled_dot_product_attention(*[x(2, 2)] * 3, x(3, 2)), RuntimeError, r"tensor a \(2\) must match the size of tensor b"),
        (lambda: F.scaled_dot_product_attention(*[x(2, 2)] * 3, dropout_p=2), RuntimeError, "between 0 and 1, but got 2"),
        (lambda: F.scaled_dot_product_attention(x(3, 2, 2), *[x(2, 2, 2)] * 2, enable_gqa=True), RuntimeError, "must divide the number"),
        (lambda: nn.MultiheadAttention(4, 3), AssertionError, "embed_dim must be divisible by num_heads"),
        (lambda: nn.MultiheadAttention(0, 3), ValueError, "embed_dim and num_heads must be > 0, got 0 and 3"),
        (lambda: MHA(x(2, 1, 3), SEQ, SEQ), AssertionError, "was expecting embedding dimension of 4, but got 3"),
        (lambda: MHA(SEQ, x(2, 1, 3), x(2, 1, 3)), RuntimeError, "mat1 and mat2 shapes cannot be multiplied"),
        (lambda: MHA(SEQ, SEQ, x(3, 1, 4)), AssertionError, "does not match value shape"),
        (lambda: MHA(x(2, 4), SEQ, SEQ), AssertionError, "expected query, key and value with 2 or 3 dimensions each"),
        (lambda: MHA(x(2, 2, 1, 4), SEQ, SEQ), AssertionError, r"dimensions each, but got \(4, 3, 3\)"),
        (lambda: MHA(SEQ, SEQ, SEQ, attn_mask=x(2, 3)), RuntimeError, r"The shape of the 2D attn_mask is .*, but should be \(2, 2\)"),
        (lambda: MHA(SEQ, SEQ, SEQ, attn_mask=x(1, 2, 2)), RuntimeError, r"3D attn_mask is .*, but should be \(2, 2, 2\)"),
        (lambda: MHA(SEQ, SEQ, SEQ, attn_mask=x(2)), RuntimeError, r"attn_mask is \(2,\), but should be \(2, 2\)"),
        (lambda: MHA(SEQ, SEQ, SEQ, attn_mask=x(2, 2).long()), AssertionError, "only bool and floating types of attn_mask"),
        (lambda: MHA(SEQ, SEQ, SEQ, key_padding_mask=x(2, 1)), AssertionError, r"key_padding_mask is \(2, 1\), but should be \(1, 2\)"),
        (lambda: MHA(SEQ, SEQ, SEQ, key_padding_mask=x(2)), AssertionError, r"key_padding_mask is \(2,\), but should be \(1, 2\)"),
        (lambda: MHA(SEQ, SEQ, SEQ, key_padding_mask=x(1, 2).long()), AssertionError, "only bool and floating types of key_padding_mask"),
        (lambda: MHA(SEQ, SEQ, SEQ, is_causal=True), RuntimeError, "Need attn_mask if specifying the is_causal hint"),
        (lambda: F.multi_head_attention_forward(SEQ, SEQ, SEQ, 4, 2, MHA.in_proj_weight, None, SEQ, SEQ, False, 0.0, None, None,
                                                static_k=SEQ), AssertionError, "bias cannot be added to static key"),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"), RuntimeError, "activation should be relu/gelu, not tanh"),
        (lambda: nn.Transformer(4, 2, 1, 1, 8)(SEQ, x(2, 2, 4)), RuntimeError, "the batch number of src and tgt must be equal"),
        (lambda: nn.Transformer(4, 2, 1, 1, 8)(x(2, 1, 5), x(2, 1, 5)), AssertionError, "embedding dimension of 4, but got 5"),
    ],
)  # fmt: skip
def test_bad_input(do, error, message):
    with pytest.raises(error, match=message):
        do()
