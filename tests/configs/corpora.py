"""Corpora of a few sentences, laid out as ALLENNLP_KD_DATA should be."""

from pathlib import Path
from typing import Dict

# Word, part of speech, chunk, entity. `#` opens an ordinary word.
SENTENCES = [
    [("the", "DT", "B-NP", "O"), ("cat", "NN", "I-NP", "O"), ("runs", "VB", "B-VP", "O")],
    [("a", "DT", "B-NP", "O"), ("dog", "NN", "I-NP", "B-person"), ("sleeps", "VB", "B-VP", "O")],
    [
        ("#1", "CD", "B-NP", "O"),
        ("dogs", "NN", "I-NP", "B-person"),
        ("cat", "NN", "I-NP", "I-person"),
    ],
    [("runs", "VB", "B-VP", "O")],
]


def columns(*fields) -> str:
    blocks = (
        "\n".join(" ".join(field(row) for field in fields) for row in rows) for rows in SENTENCES
    )
    return "".join(f"{block}\n\n" for block in blocks)


def conllu() -> str:
    lines = []
    for number, rows in enumerate(SENTENCES):
        lines.append(f"# sent_id = {number}")
        if len(rows) > 1:
            lines.append("1-2\tboth\t_\t_\t_\t_\t_\t_\t_\t_")
        for index, (word, tag, _, _) in enumerate(rows, start=1):
            head, relation = (0, "root") if index == 1 else (1, "dep")
            lines.append(f"{index}\t{word}\t_\tX\t{tag}\t_\t{head}\t{relation}\t_\t_")
        lines.append("1.1\telided\t_\t_\t_\t_\t_\t_\t_\t_")
        lines.append("")
    return "\n".join(lines) + "\n"


def write_corpora(folder: Path) -> Path:
    """All corpora that the configurations name, under `folder`."""
    chunks = columns(lambda row: row[0], lambda row: row[1], lambda row: row[2])
    entities = columns(lambda row: row[0], lambda row: "X", lambda row: "X", lambda row: row[3])
    files = {
        "conll2000": ("{}.txt", ("train-first-7936", "dev-last-1000", "test"), chunks),
        "wnut17/four-columns": ("{}.txt", ("train", "dev", "test"), entities),
        "ud_english_ewt": ("{}.conllu", ("train", "dev", "test"), conllu()),
        "turkish": ("{}.conllu", ("train", "dev", "test"), conllu()),
    }
    for directory, (form, parts, text) in files.items():
        (folder / directory).mkdir(parents=True, exist_ok=True)
        for part in parts:
            (folder / directory / form.format(part)).write_text(text, encoding="utf-8")
    (folder / "raw").mkdir(exist_ok=True)
    (folder / "raw" / "en.txt").write_text("The cat isn't asleep.\n\nDogs run.\n", encoding="utf-8")
    return folder


def write_vectors(path: Path, vectors: Dict[str, float]) -> Path:
    """A file of word vectors, each of 50 equal numbers."""
    lines = [" ".join([word, *[str(number)] * 50]) for word, number in vectors.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
