"""Make the built-in sentence pairs, ``pairs/*.jsonl.gz``, from our own 125 premises with three hypotheses each, ``pairs/*.txt``.

A block of the text is a premise and three hypotheses: + follows from it, ? may be so or not, - cannot be so at the same time.
"""

import gzip
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "pairs"
LABELS = {"+": "entailment", "?": "neutral", "-": "contradiction"}


def main() -> None:
    """Write the three files in SNLI's form, the labels taking turns."""
    for part in ("train", "dev", "test"):
        rows = []
        for block in (FOLDER / f"{part}.txt").read_text().strip().split("\n\n"):
            premise, *hypotheses = block.split("\n")
            rows += [{"gold_label": LABELS[line[0]], "sentence1": premise, "sentence2": line[2:]} for line in hypotheses]
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        (FOLDER / f"pairs_{part}.jsonl.gz").write_bytes(gzip.compress(content, 9, mtime=0))
        print(f"{part}: {len(rows)} pairs")


if __name__ == "__main__":
    main()
