"""Photographs painted in the style of a picture, by a network that needs one pass for it."""

from zoo.common.published import Published

PAPER = "Johnson, Alahi, Fei-Fei: Perceptual losses for real-time style transfer and super-resolution (2016)"
# How each is written; the first is the one to compare
METRICS = {"baseline_steps": "{:.0f}", "test_loss": "{:.3g}", "content_loss": "{:.3g}", "style_loss": "{:.3g}"}
PUBLISHED = (
    Published(
        metric="baseline_steps",
        value=100,
        data="bsds300",
        source="50 to 100 steps of L-BFGS at 256 × 256, as Johnson et al. found in section 4.1, trained on 80,000 pictures of COCO",
    ),
)
