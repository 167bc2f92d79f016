"""Make the built-in photographs, ``photographs/{train,test}/*.png``, from scikit-image's: ``pip install scikit-image``, then run this.

Halved: a mean of 2 × 2 pixels leaves neither the sensor's noise nor JPEG's blocks, and a quarter of the bytes.
"""

from pathlib import Path

from PIL import Image
from skimage import data

FOLDER = Path(__file__).parent / "photographs"
PARTS = {"train": ("astronaut", "chelsea", "coffee"), "test": ("rocket",)}


def main() -> None:
    """Write them."""
    for part, names in PARTS.items():
        (FOLDER / part).mkdir(parents=True, exist_ok=True)
        for name in names:
            Image.fromarray(getattr(data, name)()).reduce(2).save(FOLDER / part / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
