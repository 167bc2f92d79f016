"""Text, a word at a time: a language model of two LSTM layers."""

from zoo.common.results import Published

PAPER = "Zaremba, Sutskever, Vinyals: Recurrent neural network regularization (2014)"
# How each is written; the first is the one to compare
METRICS = {"test_perplexity": "{:.1f}", "valid_perplexity": "{:.1f}"}
PUBLISHED = (
    Published(
        metric="test_perplexity",
        value=130.0,
        data="wikitext-2",
        source="the same model and recipe: pytorch/examples, word_language_model, as its users measured it (130.0 to 130.3)",
        flags={"hidden": 200, "untied": False, "epochs": 6},
    ),
)
