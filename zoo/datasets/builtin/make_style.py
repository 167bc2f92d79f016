"""Make the built-in style, ``style/strokes.png``: a picture of our own, thousands of brush strokes along a swirling field."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIZE, SCALE = 256, 4  # pixels; drawn this much larger, so that edges come out smooth
PALETTE = [(16, 32, 92), (24, 78, 150), (38, 132, 190), (120, 190, 210), (240, 208, 96), (236, 150, 40), (214, 74, 48), (250, 240, 214)]


def main() -> None:
    """Draw it."""
    random = np.random.default_rng(7)
    waves = [(random.normal(size=2) * 0.02 * k, random.uniform(0, 2 * np.pi), 2.2 / k) for k in range(1, 5)]

    def field(x: float, y: float) -> float:
        """A smooth height; strokes run along its contours."""
        return sum(a * np.sin(w[0] * x + w[1] * y + phase) for w, phase, a in waves)

    picture = Image.new("RGB", (SIZE * SCALE, SIZE * SCALE), PALETTE[0])
    canvas = ImageDraw.Draw(picture)
    for number in range(6000):
        x, y = random.uniform(-10, SIZE + 10, 2)
        level = (field(x, y) / 2.5 + 1) / 2 * (len(PALETTE) - 1) + random.normal() * 0.7
        colour = np.array(PALETTE[int(np.clip(round(level), 0, len(PALETTE) - 1))]) + random.normal(size=3) * 10
        width = 7 - 4.5 * number / 6000  # broad strokes first, fine ones on top
        points = [(x, y)]
        for _ in range(int(random.integers(6, 16))):
            slope_x, slope_y = field(x + 1, y) - field(x - 1, y), field(x, y + 1) - field(x, y - 1)
            length = np.hypot(slope_x, slope_y) + 1e-9
            x, y = x - 2 * slope_y / length, y + 2 * slope_x / length
            points.append((x, y))
        line = [(SCALE * px, SCALE * py) for px, py in points]
        canvas.line(line, fill=tuple(int(c) for c in colour.clip(0, 255)), width=int(width * SCALE), joint="curve")
    path = Path(__file__).parent / "style" / "strokes.png"
    path.parent.mkdir(exist_ok=True)
    picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS).quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    main()
