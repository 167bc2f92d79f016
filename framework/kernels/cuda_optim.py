"""Optimizer updates on a GPU: all parameters in one launch, everything of an element in one pass, written over the old values."""

from ..optim import adadelta, adam, optimizer, rmsprop, sgd
from . import kernel, on_one_gpu
from .cuda import Source, contiguous, cupy, floats, number
from .cuda_lists import TABLE, launch_each

_kernels = Source(TABLE + r"""
// g, the gradient to go down along, of element i; every kernel has these of its row.
#define ROW(a, b, c) const Part row = table.part(); const S lr = VALUE(lr); \
                     T *param = row[0], *grad = row[1], *a = row[2], *b = row[3], *c = row[4]
#define GRADIENT const S x = param[i], g = (S)sign * (S)grad[i] + (S)weight_decay * x

extern "C" __global__ void adadelta(Table table, NUMBER(double, lr), double rho, double eps, double weight_decay, double sign) {
    ROW(square_avg, acc_delta, unused);
    EACH_OF(row) {
        GRADIENT;
        const S square = (S)rho * (S)square_avg[i] + (S)(1 - rho) * g * g;
        const S delta = sqrt((S)acc_delta[i] + (S)eps) / sqrt(square + (S)eps) * g;
        square_avg[i] = square;
        acc_delta[i] = (S)rho * (S)acc_delta[i] + (S)(1 - rho) * delta * delta;
        param[i] = x - lr * delta;
    }
}

extern "C" __global__ void sgd(Table table, NUMBER(double, lr), double momentum, double dampening, double weight_decay, double nesterov,
                               double sign) {
    ROW(buffer, unused1, unused2);
    EACH_OF(row) {
        GRADIENT;
        S way = g;
        if (momentum != 0) {
            const S moved = (S)momentum * (S)buffer[i] + (S)(1 - dampening) * g;
            buffer[i] = moved;
            way = nesterov ? g + (S)momentum * moved : moved;
        }
        param[i] = x - lr * way;
    }
}

extern "C" __global__ void adam(Table table, NUMBER(double, lr), double beta1, double beta2, double eps, double all_weight_decay,
                                double amsgrad, double decoupled, double sign) {
    ROW(exp_avg, exp_avg_sq, max_exp_avg_sq);
    __shared__ double of_step[2];  // both averages began at 0: divided by the sum of their weights
    if (threadIdx.x == 0) {
        of_step[0] = 1 - pow(beta1, (double)row.number);
        of_step[1] = sqrt(1 - pow(beta2, (double)row.number));
    }
    __syncthreads();
    const double weight_decay = decoupled ? 0 : all_weight_decay;
    const S shrink = decoupled ? 1 - VALUE(lr) * all_weight_decay : 1, size = VALUE(lr) / of_step[0], root = of_step[1];
    EACH_OF(row) {
        GRADIENT;
        const S mean = (S)beta1 * (S)exp_avg[i] + (S)(1 - beta1) * g;
        S square = (S)beta2 * (S)exp_avg_sq[i] + (S)(1 - beta2) * g * g;
        exp_avg[i] = mean;
        exp_avg_sq[i] = square;
        if (amsgrad) max_exp_avg_sq[i] = square = max((S)max_exp_avg_sq[i], square);
        param[i] = x * shrink - size * mean / (sqrt(square) / root + (S)eps);
    }
}

extern "C" __global__ void rmsprop(Table table, NUMBER(double, lr), double alpha, double eps, double weight_decay, double momentum,
                                   double centered, double sign) {
    ROW(square_avg, grad_avg, buffer);
    EACH_OF(row) {
        GRADIENT;
        const S square = (S)alpha * (S)square_avg[i] + (S)(1 - alpha) * g * g;
        S spread = square;
        square_avg[i] = square;
        if (centered) {
            const S mean = (S)alpha * (S)grad_avg[i] + (S)(1 - alpha) * g;
            grad_avg[i] = mean;
            spread -= mean * mean;
        }
        S way = g / (sqrt(spread) + (S)eps);
        if (momentum != 0) buffer[i] = way = (S)momentum * (S)buffer[i] + way;
        param[i] = x - lr * way;
    }
}
""")

_KERNELS = {adadelta.adadelta_update: "adadelta", adam.adam_update: "adam", rmsprop.rmsprop_update: "rmsprop", sgd.sgd_update: "sgd"}


@kernel(optimizer.update_each, list)
@on_one_gpu
def all_parameters_at_once(update, rows):
    name = _KERNELS.get(update)
    if name is None:
        return NotImplemented
    arguments = update.parameters
    first = arguments.index("step") if "step" in arguments else arguments.index("lr")  # the arrays are before it
    together, results = {}, []
    for row in rows:
        arrays, options = row[:first], dict(zip(arguments[first:], row[first:], strict=True))
        begins = update is sgd.sgd_update and arrays[2] is None and options["momentum"]  # the first step, which makes the buffer
        if begins or not (floats(*arrays) and contiguous(*arrays)):
            results.append(update.compute(row)[0])
            continue
        step, lr, sign = options.pop("step", 0), options.pop("lr"), -1.0 if options.pop("maximize") else 1.0
        key = row[0].dtype, row[0].device.id, lr if isinstance(lr, float) else id(lr), *options.values(), sign
        arrays = [row[0] if each is None else each for each in arrays]
        together.setdefault(key, (lr, [], []))
        together[key][1].append(arrays)
        together[key][2].append(step)
        results.append((row[0], *row[2:first]))
    for (_, device, _, *options, sign), (lr, group, steps) in together.items():
        with cupy().cuda.Device(device):
            launch_each(_kernels, name, group, *number(lr), *map(float, options), sign, numbers=steps)
    return results
