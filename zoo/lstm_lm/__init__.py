"""Text, a word at a time: a language model of two LSTM layers."""

from zoo.common.published import Published

PAPER = "Zaremba, Sutskever, Vinyals: Recurrent neural network regularization (2014)"
# How each is written; the first is the one to compare
METRICS = {"test_perplexity": "{:.1f}", "valid_perplexity": "{:.1f}"}
PUBLISHED = (
    Published(
        metric="test_perplexity",
        value=130.32,
        data="wikitext-2",
        source="the same model and recipe, tied, as a user measured it: pytorch/examples, issue 415",
        flags={"hidden": 200, "untied": False, "epochs": 6},
    ),
    Published(
        metric="test_perplexity",
        value=142.07,
        data="wikitext-2",
        source="the same, untied: pytorch/examples, issue 415",
        flags={"hidden": 200, "untied": True, "epochs": 6},
    ),
)
