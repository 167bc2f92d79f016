"""What the ops compute that are declared as one-line lambdas: the docstrings they have no room for."""

# fmt: off
SENTENCES = {
    # Arithmetic
    "add": "input + alpha other.", "sub": "input - alpha other.", "mul": "input other.", "true_divide": "input / other.",
    "pow": "input ^ exponent.", "remainder": "input - other floor(input / other), which has the sign of `other`.",
    "fmod": "input - other trunc(input / other), which has the sign of `input`.", "neg": "-x.", "positive": "x.", "abs": "|x|.",
    "square": "x^2.", "hypot": "sqrt(input^2 + other^2).", "addcmul": "input + value tensor1 tensor2.",
    "addcdiv": "input + value tensor1 / tensor2.", "deg2rad": "x pi / 180.", "rad2deg": "x 180 / pi.",
    "floor_divide": "floor(input / other).",
    # Exponentials and logarithms
    "exp": "e^x.", "exp2": "2^x.", "expm1": "e^x - 1, exact for small x.", "log": "The natural logarithm of x.",
    "log2": "The logarithm of x to the base 2.", "log10": "The logarithm of x to the base 10.", "log1p": "log(1 + x), exact for small x.",
    "logaddexp": "log(e^input + e^other).", "logaddexp2": "log2(2^input + 2^other).",
    "xlogy": "input log(other), and 0 where `input` is 0.", "sqrt": "x^(1/2).", "rsqrt": "x^(-1/2).", "reciprocal": "1 / x.",
    "sigmoid": "1 / (1 + e^-x).", "erf": "2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.", "erfc": "1 - erf(x).",
    "erfinv": "The y with erf(y) = x.",
    # Trigonometry
    "sin": "The sine of x, in radians.", "cos": "The cosine of x, in radians.", "tan": "sin(x) / cos(x).",
    "asin": "The angle in [-pi/2, pi/2] whose sine is x.", "acos": "The angle in [0, pi] whose cosine is x.",
    "atan": "The angle in (-pi/2, pi/2) whose tangent is x.", "atan2": "The angle in (-pi, pi] of the point (other, input).",
    "sinh": "(e^x - e^-x) / 2.", "cosh": "(e^x + e^-x) / 2.", "tanh": "sinh(x) / cosh(x).", "asinh": "The y with sinh(y) = x.",
    "acosh": "The y >= 0 with cosh(y) = x.", "atanh": "The y with tanh(y) = x.", "sinc": "sin(pi x) / (pi x), and 1 at 0.",
    # Rounding and choosing
    "floor": "The largest whole number <= x.", "ceil": "The smallest whole number >= x.", "trunc": "x without its fraction.",
    "round": "The nearest number of `decimals` decimal places; of two, the even one.", "frac": "x - trunc(x).",
    "sign": "-1, 0 or 1, as x is.", "copysign": "|input| with the sign of `other`.", "fill": "`value` in the shape and type of `input`.",
    "maximum": "The larger of the two; nan if either is.", "minimum": "The smaller of the two; nan if either is.",
    "fmax": "The larger of the two, of a number and nan the number.", "fmin": "The smaller of the two, of a number and nan the number.",
    # Comparisons, logic and bits
    "eq": "input == other.", "ne": "input != other.", "lt": "input < other.", "le": "input <= other.", "gt": "input > other.",
    "ge": "input >= other.", "logical_and": "Whether both are true (not 0).",
    "logical_or": "Whether one of the two or both are true (not 0).", "logical_xor": "Whether exactly one of the two is true (not 0).",
    "logical_not": "Whether x is 0.", "bitwise_and": "input & other.", "bitwise_or": "input | other.", "bitwise_xor": "input ^ other.",
    "bitwise_not": "~x: every bit flipped.", "bitwise_left_shift": "input << other.",
    "bitwise_right_shift": "input >> other, with the sign kept.", "isnan": "Whether x is nan.", "isinf": "Whether x is infinite.",
    "isfinite": "Whether x is neither nan nor infinite.", "isposinf": "Whether x is +infinity.", "isneginf": "Whether x is -infinity.",
    # Nonlinearities
    "relu": "max(x, 0).", "softplus": "log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.",
    "logsigmoid": "log sigmoid(x).", "hardshrink": "x, and zero where |x| <= lambd.", "softsign": "x / (1 + |x|).",
    "tanhshrink": "x - tanh(x).",
    # Reductions and scans
    "amax": "The largest element along `dim`; its gradient is shared among equals.",
    "amin": "The smallest element along `dim`; its gradient is shared among equals.",
    "argmax": "Where along `dim` the largest element is, the first of equals.",
    "argmin": "Where along `dim` the smallest element is, the first of equals.",
    "all": "Whether all elements along `dim` are true (not 0).", "any": "Whether any element along `dim` is true (not 0).",
    "cummax": "The largest element so far along `dim`, and where it is: (values, indices).",
    "cummin": "The smallest element so far along `dim`, and where it is: (values, indices).",
    "count_nonzero": "How many elements along `dim` are not 0.",
    # Shapes
    "permute": "The dimensions in the order `dims`.", "transpose": "The dimensions `dim0` and `dim1` exchanged.",
    "movedim": "The dimensions `source` moved to the places `destination`, the others in their order.",
    "unsqueeze": "With a dimension of length 1 before `dim`.", "clone": "A copy.", "flip": "In reverse order along each of `dims`.",
    "tril": "The lower triangle of matrices, up to their `diagonal`; zeros above.",
    "triu": "The upper triangle of matrices, from their `diagonal` on; zeros below.",
    "cat": "The tensors one after the other along `dim`.", "stack": "The tensors side by side along a new dimension `dim`.",
    # Picking
    "gather": "out[i][j] = input[index[i][j]][j] for dim 0, input[i][index[i][j]] for dim 1.",
    "nonzero": "The places of the elements that are not 0, a row each; a tensor a dimension if `as_tuple`.",
    "argwhere": "The places of the elements that are not 0, a row each.", "isin": "Whether each of `elements` is among `test_elements`.",
}
# fmt: on
