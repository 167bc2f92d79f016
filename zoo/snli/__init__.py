"""Does one sentence follow from another? Two bidirectional LSTM readings, compared."""

from zoo.common.published import Published

PAPER = "Bowman, Angeli, Potts, Manning: A large annotated corpus for learning natural language inference (2015)"
# How they are written; the first is the one to compare.
METRICS = {"test_accuracy": "{:.2%}", "test_loss": "{:.4f}", "dev_accuracy": "{:.2%}"}
PUBLISHED = (
    Published(
        metric="test_accuracy",
        value=0.776,
        data="snli",
        source="100-dimensional LSTM sentence encodings, all 549,367 training pairs: Bowman et al. (2015)",
    ),
)
