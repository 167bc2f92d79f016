"""Every kernel for GPUs compiled as for an H200, by NVIDIA's own compiler, which needs no GPU."""

import pytest

from framework.kernels import _GPU
