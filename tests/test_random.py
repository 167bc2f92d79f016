"""Random numbers: the right distributions, and the same ones again."""

import numpy as np
import pytest
from scipy import stats

import framework as torch
from framework import random

N = 20_000


def test_splitmix64():
    """The test vector of Steele, Lea and Flood's generator, seed 0."""
    assert [hex(each) for each in random.bits(np, 0, 0, 3).tolist()] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4", "0x6c45d188009454f"]
    assert random.number(0, 0) == random.number(random.GOLDEN, -1) == 0xE220A8397B1DCDAF


def test_any_part_can_be_made_alone():
    whole = random.bits(np, 12345, 0, 1000)
    np.testing.assert_array_equal(random.bits(np, 12345, 700, 50), whole[700:750])
    assert len(set(whole.tolist())) == 1000
    assert not np.array_equal(random.bits(np, 12346, 0, 1000), whole)


@pytest.mark.parametrize(
    "draw, distribution",
    [
        (lambda: torch.rand(N), stats.uniform()),
        (lambda: torch.rand(N, dtype=torch.float64), stats.uniform()),
        (lambda: torch.randn(N), stats.norm()),
        (lambda: torch.randn(N - 1, dtype=torch.float64), stats.norm()),
        (lambda: torch.empty(N).uniform_(-3, 5), stats.uniform(-3, 8)),
        (lambda: torch.empty(N).normal_(2, 0.5), stats.norm(2, 0.5)),
    ],
)
def test_distributions(draw, distribution):
    torch.manual_seed(0)
    sample = draw().double().numpy()
    assert stats.kstest(sample, distribution.cdf).pvalue > 0.01
    assert abs(sample.mean() - distribution.mean()) < 4 * distribution.std() / N**0.5
    assert abs(sample.var() / distribution.var() - 1) < 0.05
    assert abs(np.corrcoef(sample[:-1], sample[1:])[0, 1]) < 0.03


def test_integers():
    torch.manual_seed(0)
    sample = torch.randint(-3, 4, (N,)).numpy()
    assert stats.chisquare(np.bincount(sample + 3)).pvalue > 0.01 and sample.min() == -3 and sample.max() == 3
    assert torch.randint(5, size=(2, 3)).shape == torch.randint(high=5, size=(2, 3)).shape == (2, 3)
    assert torch.randint(5, (2, 3)).shape == (2, 3) and torch.randint(5, (2,), dtype=torch.int32).dtype is torch.int32
    with pytest.raises(RuntimeError, match="'from' to be less than 'to'"):
        torch.randint(3, 3, (1,))


def test_permutations():
    torch.manual_seed(0)
    first = [torch.randperm(4).tolist() for _ in range(2000)]
    assert all(sorted(each) == [0, 1, 2, 3] for each in first)
    assert stats.chisquare(list({tuple(each): first.count(each) for each in first}.values())).pvalue > 0.01
    assert len({tuple(each) for each in first}) == 24
    assert torch.randperm(0).shape == (0,)


def test_uniform_never_reaches_one():
    assert torch.rand(10**6).max().item() < 1 and torch.rand(10**6).min().item() >= 0


def test_the_seed_decides():
    torch.manual_seed(7)
    a, b = torch.rand(5), torch.randn(5)
    torch.manual_seed(7)
    assert torch.equal(torch.rand(5), a) and torch.equal(torch.randn(5), b)
    torch.manual_seed(8)
    assert not torch.equal(torch.rand(5), a)
    assert torch.initial_seed() == 8
    torch.manual_seed(-1)
    assert torch.rand(1).item() != a[0].item()


def test_the_state_can_be_put_back():
    torch.manual_seed(1)
    torch.rand(3)
    state = torch.get_rng_state()
    assert state.dtype is torch.uint8
    a = torch.randn(7)
    torch.set_rng_state(state)
    assert torch.equal(torch.randn(7), a)
    torch.seed()
    torch.set_rng_state(state)
    assert torch.equal(torch.randn(7), a)
    with pytest.raises(TypeError, match="RNG state must be a torch.ByteTensor"):
        torch.set_rng_state(torch.zeros(3))
    with pytest.raises(RuntimeError, match="16 bytes"):
        torch.set_rng_state(torch.zeros(3, dtype=torch.uint8))


def test_seeds_are_integers_of_64_bits():
    assert torch.manual_seed(-1).initial_seed() == torch.initial_seed() == 2**64 - 1
    for seed in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="Overflow"):
            torch.manual_seed(seed)


def test_what_is_no_state():
    for state in ([1], np.ones(16, np.uint8), torch.ones(16)):
        with pytest.raises(TypeError, match="must be a torch.ByteTensor"):
            torch.Generator().set_state(state)


def test_a_generators_device():
    assert torch.Generator().device == torch.Generator("cpu").device == torch.device("cpu")
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        torch.Generator("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="no CUDA GPU"):
            torch.Generator("cuda")


def test_the_number_of_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1
        for wrong in (0, -1, 2.5, True):
            with pytest.raises(RuntimeError, match="set_num_threads expects a"):
                torch.set_num_threads(wrong)
    finally:
        torch.set_num_threads(before)


def test_the_state_of_any_seed_can_be_put_back():
    for seed in (0, -1, 2**64 - 1, 2**63):
        generator = torch.Generator().manual_seed(seed)
        state, a = generator.get_state(), torch.rand(3, generator=generator)
        again = torch.Generator()
        again.set_state(state)
        assert torch.equal(torch.rand(3, generator=again), a)


def test_generators_are_apart():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(5)
    a = torch.rand(3, generator=generator)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(torch.rand(3, generator=torch.Generator().manual_seed(5)), a)


def test_dropout_masks_do_not_depend_on_how_they_are_made():
    mask = random.keep_mask(np.ones(1000, np.float32), 0.3, 11, 0)
    np.testing.assert_array_equal(random.keep_mask(np.ones(100, np.float32), 0.3, 11, 500), mask[500:600])
    assert set(np.unique(mask)) == {0, np.float32(1 / 0.7)} and 0.65 < (mask > 0).mean() < 0.75
