"""L-BFGS."""

from ..autograd.mode import enable_grad, no_grad
from ..creation import zeros_like
from ..ops.shape import cat
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, _options, checked


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
        super().__init__(params, checked(lr=lr, max_iter=max_iter, max_eval=max_eval, tolerance_grad=tolerance_grad,
                                         tolerance_change=tolerance_change, history_size=history_size,
                                         line_search_fn=line_search_fn))  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def _gradient(self):
        """The gradients of all parameters as one vector."""
        params = self.param_groups[0]["params"]
        return cat([(zeros_like(each) if each.grad is None else each.grad).reshape(-1) for each in params])

    def _move(self, t, direction) -> None:
        """x <- x + t direction."""
        start = 0
        for param in self.param_groups[0]["params"]:
            param.add_((direction[start : start + param.numel()] * t).reshape(param.shape))
            start += param.numel()

    def _search(self, evaluate, t, direction, start: Point, options: dict, most: int) -> tuple[Point, int]:
        """The point that the line search finds, and how many evaluations it took; x stays where it was."""
        params = self.param_groups[0]["params"]
        places = [each.clone() for each in params]

        def at(t) -> Point:
            self._move(t, direction)
            loss, grad = float(evaluate()), self._gradient()
            for param, place in zip(params, places, strict=True):
                param.copy_(place)
            return Point(t, loss, grad, grad.dot(direction))

        return strong_wolfe(at, start, t, direction.abs().max(), options["tolerance_change"], most)

    def step(self, closure):
        """Take up to `max_iter` steps; `closure` computes the loss and its gradients, and its first value is returned."""
        with no_grad():
            return self._steps(enable_grad(closure))

    def _steps(self, evaluate):
        options = _options(self.param_groups[0])
        lr, max_iter, tolerance = options["lr"], options["max_iter"], options["tolerance_change"]
        if options["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        state = self.state[self.param_groups[0]["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = evaluate()
        loss, grad = float(first_loss), self._gradient()
        evaluations = 1
        state["func_evals"] += 1
        if grad.abs().max() <= options["tolerance_grad"]:
            return first_loss
        for iteration in range(1, max_iter + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                state.update(d=-grad, old_dirs=[], old_stps=[], ro=[], H_diag=1)
                t = min(1.0, 1.0 / grad.abs().sum()) * lr
            else:
                _remember(state, grad, options["history_size"])
                state["d"] = _newton_direction(state, grad, options["history_size"])
                t = lr
            state.update(t=t, prev_flat_grad=grad.clone(), prev_loss=loss)
            direction, before = state["d"], loss
            slope = grad.dot(direction)
            if slope > -tolerance:
                break
            evaluated = 0
            if options["line_search_fn"] is not None:
                start = Point(0, loss, grad, slope)
                (t, loss, grad, _), evaluated = self._search(evaluate, t, direction, start, options, options["max_eval"] - evaluations)
                state["t"] = t
            self._move(t, direction)
            if options["line_search_fn"] is None and iteration < max_iter:
                loss, grad, evaluated = float(evaluate()), self._gradient(), 1
            evaluations += evaluated
            state["func_evals"] += evaluated
            small = grad.abs().max() <= options["tolerance_grad"] or (direction * t).abs().max() <= tolerance
            if evaluations >= options["max_eval"] or small or abs(loss - before) < tolerance:
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


def _newton_direction(state: dict, grad, history_size: int):
    """-H grad, by two loops over the history (Nocedal, 1980, Updating Quasi-Newton Matrices With Limited Storage)."""
    history = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
    weights = []
    direction = -grad
    for y, s, ro in reversed(history):
        weights.insert(0, s.dot(direction) * ro)
        direction = direction - weights[0] * y
    direction = direction * state["H_diag"]
    for (y, s, ro), weight in zip(history, weights, strict=True):
        direction = direction + s * (weight - y.dot(direction) * ro)
    state["al"] = weights + [None] * (history_size - len(weights))
    return direction
