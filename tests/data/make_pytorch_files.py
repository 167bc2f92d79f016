"""How the files beside this one were made: `python tests/data/make_pytorch_files.py`, with torch 2.13."""

import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")
base = torch.arange(24.0).reshape(4, 6)
everything = {
    "types": {name: torch.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(torch, name)) for name in TYPES},
    "views": (base, base.t(), base[1:3, ::2], base[2], base[:1].expand(3, 6)),
    "shapes": [torch.tensor(7), torch.zeros(0), torch.zeros(2, 0, 3), torch.ones(1, 1)],
    "parameters": OrderedDict(w=torch.nn.Parameter(torch.ones(2)), i=torch.nn.Parameter(torch.arange(2), requires_grad=False)),
    "wanted": torch.full((2,), 0.5, requires_grad=True),
    "plain": [None, True, False, 0, -1, 300, 70000, 1 << 40, -(1 << 70), 0.1, float("inf"), "ünïcode", ""],
    "others": (torch.Size([2, 3]), torch.float16, torch.device("cpu"), Counter([3, 3, 5]), {1, 2}),
    3: {"lr": 0.1, "betas": (0.9, 0.999)},
    ("a", 1): [],
}
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
for i, value in enumerate(model.state_dict().values()):
    value.copy_(torch.arange(value.numel()).reshape(value.shape) + i)

torch.save(everything, HERE / "everything.pth")
torch.save(model.state_dict(), HERE / "state_dict.pth")
torch.save(torch.ones(2), HERE / "before_1_6.pth", _use_new_zipfile_serialization=False)
torch.jit.save(torch.jit.script(torch.nn.Identity()), HERE / "program.pt")

# A file of a machine that stores numbers the other way round: the same, with its bytes swapped
torch.save({"x": torch.tensor([1, 2, 300], dtype=torch.int32), "y": torch.tensor(0.5, dtype=torch.float64)}, HERE / "big_endian.pth")
with zipfile.ZipFile(HERE / "big_endian.pth") as archive:
    entries = {each: archive.read(each) for each in archive.namelist()}
with zipfile.ZipFile(HERE / "big_endian.pth", "w") as archive:
    for name, data in entries.items():
        for suffix, kind in (("data/0", np.int32), ("data/1", np.float64)):
            data = np.frombuffer(data, kind).byteswap().tobytes() if name.endswith(suffix) else data
        archive.writestr(name, b"big" if name.endswith("byteorder") else data)
