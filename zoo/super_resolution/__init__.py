"""Photographs enlarged two, three or four times by a network that paints each pixel's r × r successors."""

from zoo.common.published import Published

PAPER = "Shi et al.: Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network (2016)"
METRICS = {  # of the network and of bicubic interpolation; the first that a run has is the one to compare
    "set5_psnr": "{:.2f} dB",
    "set5_psnr_bicubic": "{:.2f} dB",
    "set5_ssim": "{:.4f}",
    "set5_ssim_bicubic": "{:.4f}",
    "set14_psnr": "{:.2f} dB",
    "set14_psnr_bicubic": "{:.2f} dB",
    "set14_ssim": "{:.4f}",
    "set14_ssim_bicubic": "{:.4f}",
    "test_psnr": "{:.2f} dB",
    "test_psnr_bicubic": "{:.2f} dB",
    "test_ssim": "{:.4f}",
    "test_ssim_bicubic": "{:.4f}",
}
PUBLISHED = (
    Published(
        metric="set5_psnr",
        value=32.55,
        data="bsds300",
        source="Shi et al. (2016): the same network, trained on 91 other images",
        flags={"upscale": 3},
    ),
    Published(
        metric="set5_psnr",
        value=33.13,
        data="bsds300",
        source="Shi et al. (2016): the same network, trained on 50,000 images of ImageNet",
        flags={"upscale": 3},
    ),
)
