"""Losses as modules."""

from . import functional as F
from .distance import PairwiseDistance
from .options import REDUCED, Loss


class MSELoss(Loss):
    """(x - y)^2."""

    function, options = F.mse_loss, REDUCED


class L1Loss(Loss):
    """|x - y|."""

    function, options = F.l1_loss, REDUCED


class SmoothL1Loss(Loss):
    """(x - y)^2 / 2 beta where |x - y| < beta, else |x - y| - beta / 2."""

    function, options = F.smooth_l1_loss, {**REDUCED, "beta": 1.0}


class HuberLoss(Loss):
    """(x - y)^2 / 2 where |x - y| <= delta, else delta (|x - y| - delta / 2)."""

    function, options = F.huber_loss, {"reduction": "mean", "delta": 1.0}


class KLDivLoss(Loss):
    """y (log y - x) for log-probabilities x."""

    function, options = F.kl_div, {**REDUCED, "log_target": False}


class BCELoss(Loss):
    """-(y log p + (1 - y) log(1 - p))."""

    function, options = F.binary_cross_entropy, {"weight": None, **REDUCED}


class BCEWithLogitsLoss(Loss):
    """Binary cross entropy of sigmoid(x)."""

    function, options = F.binary_cross_entropy_with_logits, {"weight": None, **REDUCED, "pos_weight": None}


class NLLLoss(Loss):
    """-w[y] x[y] for log-probabilities x."""

    function = F.nll_loss
    options = {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None, "reduction": "mean"}


class CrossEntropyLoss(Loss):
    """-log softmax(x)[y] for logits x."""

    function, options = F.cross_entropy, {**NLLLoss.options, "label_smoothing": 0.0}


class PoissonNLLLoss(Loss):
    """exp(x) - y x for counts y."""

    function = F.poisson_nll_loss
    options = {"log_input": True, "full": False, "size_average": None, "eps": 1e-8, "reduce": None, "reduction": "mean"}


class GaussianNLLLoss(Loss):
    """(log var + (x - y)^2 / var) / 2."""

    function, options = F.gaussian_nll_loss, {"full": False, "eps": 1e-6, "reduction": "mean"}

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean"):
        super().__init__(full, eps, reduction)


class SoftMarginLoss(Loss):
    """log(1 + exp(-y x)) for labels y of 1 or -1."""

    function, options = F.soft_margin_loss, REDUCED


class HingeEmbeddingLoss(Loss):
    """x where y = 1, max(0, margin - x) where y = -1."""

    function, options = F.hinge_embedding_loss, {"margin": 1.0, **REDUCED}


class MarginRankingLoss(Loss):
    """max(0, margin - y (x1 - x2))."""

    function, options = F.margin_ranking_loss, {"margin": 0.0, **REDUCED}


class CosineEmbeddingLoss(Loss):
    """1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1."""

    function, options = F.cosine_embedding_loss, {"margin": 0.0, **REDUCED}


class MultiMarginLoss(Loss):
    """w[y] sum_{c != y} max(0, margin - x[y] + x[c])^p / C."""

    function, options = F.multi_margin_loss, {"p": 1, "margin": 1.0, "weight": None, **REDUCED}

    def keep(self, p, weight, **options) -> None:
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.ndim != 1:
            raise ValueError("weight must be one-dimensional")
        super().keep(p=p, weight=weight, **options)


class MultiLabelMarginLoss(Loss):
    """sum_{right y, wrong c} max(0, 1 - x[y] + x[c]) / C."""

    function, options = F.multilabel_margin_loss, REDUCED


class MultiLabelSoftMarginLoss(Loss):
    """The mean over classes of the binary cross entropy of sigmoid(x)."""

    function, options = F.multilabel_soft_margin_loss, {"weight": None, **REDUCED}


class TripletMarginLoss(Loss):
    """max(0, margin + ||a - p|| - ||a - n||)."""

    function, options = F.triplet_margin_loss, {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False, **REDUCED}

    def keep(self, margin, **options) -> None:
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        super().keep(margin=margin, **options)


class TripletMarginWithDistanceLoss(Loss):
    """max(0, margin + d(a, p) - d(a, n)) for a distance d of one's own."""

    function = F.triplet_margin_with_distance_loss
    options = {"distance_function": None, "margin": 1.0, "swap": False, "reduction": "mean"}

    def __init__(self, *, distance_function=None, margin: float = 1.0, swap: bool = False, reduction: str = "mean"):
        if margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead")
        super().__init__(distance_function or PairwiseDistance(), margin, swap, reduction)


class CTCLoss(Loss):
    """-log of the probability of the targets over all alignments (Graves et al., 2006)."""

    function, options = F.ctc_loss, {"blank": 0, "reduction": "mean", "zero_infinity": False}
