"""L-BFGS."""

from ..autograd.fusable import fusable
from ..autograd.mode import enable_grad, no_grad
from ..creation import zeros_like
from ..ops.shape import cat, split
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, options, python_numbers


class LBFGS(Optimizer):
    """A quasi-Newton method: x <- x + t d, d = -H g, H the inverse Hessian as the last `history_size` steps s and changes y of g show it.

    `step(closure)` takes up to `max_iter` such steps and calls the closure up to `max_eval` times (5/4 of that if None); it stops when
    no |g| exceeds `tolerance_grad`, or when neither a place nor the loss changes by more than `tolerance_change`.
    t is lr (in the first step, at most lr / |g|_1), or, with line_search_fn="strong_wolfe", what the search finds from there.
    One group of parameters; its state stands under the first of them.
    Liu and Nocedal, 1989, On the Limited Memory BFGS Method for Large Scale Optimization.
    """

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100,
                 line_search_fn=None):  # fmt: skip
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        super().__init__(params, options(locals(), line_search_fn=line_search_fn in (None, "strong_wolfe")))
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def _gradient(self):
        """The gradients of all parameters as one vector."""
        return cat([(zeros_like(each) if each.grad is None else each.grad).reshape(-1) for each in self.param_groups[0]["params"]])

    def _move(self, place) -> None:
        """x <- place."""
        params = self.param_groups[0]["params"]
        for param, piece in zip(params, split(place, [param.numel() for param in params]), strict=True):
            param.copy_(piece.reshape(param.shape))

    @no_grad
    def step(self, closure):
        """Take up to `max_iter` steps; `closure` computes the loss and its gradients, and its first value is returned."""
        options, params, evaluate = python_numbers(self.param_groups[0]), self.param_groups[0]["params"], enable_grad(closure)
        state = self.state[params[0]]
        state.setdefault("n_iter", 0)

        def at(t) -> Point:
            self._move(place + t * direction)
            loss, grad = float(evaluate()), self._gradient()
            return Point(t, loss, grad, grad.dot(direction))

        first_loss = evaluate()
        loss, grad, evaluations = float(first_loss), self._gradient(), 1
        if grad.abs().max() <= options["tolerance_grad"]:
            return first_loss
        for iteration in range(1, options["max_iter"] + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                state.update(d=-grad, old_dirs=[], old_stps=[], ro=[], H_diag=1)
                t = min(1.0, 1.0 / grad.abs().sum()) * options["lr"]
            else:
                _remember(state, grad, options["history_size"])
                state["d"] = newton_direction(grad, *(state[name] for name in ("old_dirs", "old_stps", "ro", "H_diag")))
                t = options["lr"]
            state.update(t=t, prev_flat_grad=grad.clone(), prev_loss=loss)
            place, direction = cat([each.reshape(-1) for each in params]), state["d"]
            start, evaluated = Point(0, loss, grad, grad.dot(direction)), 0
            if start.slope > -options["tolerance_change"]:
                break
            if options["line_search_fn"] is not None:
                length, tries = direction.abs().max(), options["max_eval"] - evaluations
                (t, loss, grad, _), evaluated = strong_wolfe(at, start, t, length, options["tolerance_change"], tries)
                state["t"] = t
            elif iteration < options["max_iter"]:
                (_, loss, grad, _), evaluated = at(t), 1
            self._move(place + t * direction)
            evaluations += evaluated
            small = grad.abs().max() <= options["tolerance_grad"] or (direction * t).abs().max() <= options["tolerance_change"]
            if evaluations >= options["max_eval"] or small or abs(loss - start.loss) < options["tolerance_change"]:
                break
        return first_loss


def _remember(state: dict, grad, history_size: int) -> None:
    """Add the last step s and the change y of the gradient to the history, if the function curves up along it."""
    y, s = grad - state["prev_flat_grad"], state["d"] * state["t"]
    curvature = y.dot(s)
    if curvature > 1e-10:
        for name, value in (("old_dirs", y), ("old_stps", s), ("ro", 1.0 / curvature)):
            state[name] = [*state[name], value][-history_size:]
        state["H_diag"] = curvature / y.dot(y)


@fusable()
def newton_direction(grad, old_dirs, old_stps, ro, H_diag):
    """-H grad, by two loops over the history (Nocedal, 1980, Updating Quasi-Newton Matrices With Limited Storage)."""
    history, weights, direction = list(zip(old_dirs, old_stps, ro, strict=True)), [], -grad
    for y, s, ro in reversed(history):
        weights.append(s.dot(direction) * ro)
        direction = direction - weights[-1] * y
    direction = direction * H_diag
    for (y, s, ro), weight in zip(history, reversed(weights), strict=True):
        direction = direction + s * (weight - y.dot(direction) * ro)
    return direction
