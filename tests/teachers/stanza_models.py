"""Tiny models of Stanza, trained for a moment by Stanza's own classes."""

import json
import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

WORDS = [["Ann", "sleeps", "in", "Bonn", "."], ["Bob", "Lee", "runs"], ["It", "rains", "."]]
ENTITIES = [["S-PER", "O", "O", "S-LOC", "O"], ["B-PER", "E-PER", "O"], ["O", "O", "O"]]
TAGS = [["PROPN", "VERB", "ADP", "PROPN", "PUNCT"], ["PROPN", "PROPN", "VERB"],
        ["PRON", "VERB", "PUNCT"]]  # fmt: skip
HEADS = [[2, 0, 4, 2, 2], [2, 3, 0], [2, 0, 2]]
RELATIONS = [["nsubj", "root", "case", "obl", "punct"], ["flat", "nsubj", "root"],
             ["nsubj", "root", "punct"]]  # fmt: skip
SIZES = {
    "hidden_dim": 6,
    "char_hidden_dim": 5,
    "char_emb_dim": 4,
    "word_emb_dim": 5,
    "num_layers": 1,
}
RESOURCES = (
    '{"en": {"lang_name": "English", "packages": {"default": {}}, "default_processors": {}, '
    '"default_dependencies": {}}}'
)
ONE = {"charlm": None, "charlm_forward_file": None, "charlm_backward_file": None}


def _arguments(module: Any, **more: Any) -> Dict[str, Any]:
    words = ["--shorthand", "en_x", "--batch_size", "100"]
    for name, value in {**SIZES, **more}.items():
        words += [f"--{name}", str(value)]
    return {**module.parse_args(words), **ONE}


def _document(sentences: Sequence[List[str]], **columns: List[List[Any]]) -> Any:
    from stanza.models.common.doc import Document

    return Document(
        [
            [
                {"id": (place + 1,), "text": word, **{n: c[row][place] for n, c in columns.items()}}
                for place, word in enumerate(words)
            ]
            for row, words in enumerate(sentences)
        ]
    )


def write_models(
    folder: Path, steps: int = 60, trees: Optional[Sequence[Any]] = None
) -> Dict[str, Dict[str, Any]]:
    """Trains a tagger of entities, one of parts of speech and a parser.

    # Parameters

    folder : `Path`
    steps : `int`, optional (default = `60`)
    trees : `Sequence`, optional
        What tagger and parser learn instead of this module's trees: tuples of words, tags and labels (with
        spaces between them) and a list of heads.

    # Returns

    `Dict[str, Dict[str, Any]]`
        For each processor the `options` by which `stanza.Pipeline` finds it.
    """
    import torch
    from stanza.models import ner_tagger, parser, tagger
    from stanza.models.common.pretrain import Pretrain
    from stanza.models.depparse.data import DataLoader as TreeLoader
    from stanza.models.depparse.trainer import Trainer as TreeTrainer
    from stanza.models.ner.data import DataLoader as EntityLoader
    from stanza.models.ner.trainer import Trainer as EntityTrainer
    from stanza.models.pos.data import Dataset
    from stanza.models.pos.trainer import Trainer as TagTrainer

    torch.manual_seed(13)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "resources.json").write_text(RESOURCES)
    sentences, tags_of, heads, relations = WORDS, TAGS, HEADS, RELATIONS
    if trees is not None:
        sentences, tags_of, relations = ([row[n].split() for row in trees] for n in range(3))
        heads = [list(row[3]) for row in trees]
    words = sorted({word.lower() for sentence in [*WORDS, *sentences] for word in sentence})
    lines = [
        " ".join([w, *(str((7 * n + 3 * i) % 11 / 10) for i in range(5))])
        for n, w in enumerate(words)
    ]
    (folder / "vectors.txt").write_text(f"{len(words)} 5\n" + "\n".join(lines) + "\n")
    vectors = Pretrain(str(folder / "pretrain.pt"), str(folder / "vectors.txt"), save_to_file=True)
    vectors.load()

    given = _arguments(ner_tagger, lr=0.02, optim="adam")
    given.update(emb_finetune_known_only=False, train_scheme="bioes", scheme="bioes")
    multi = [[(tag,) for tag in tags] for tags in ENTITIES]
    loader = EntityLoader(
        _document(WORDS, ner=ENTITIES, multi_ner=multi), 4, given, vectors, None, scheme="bioes"
    )
    entities = EntityTrainer(args=given, vocab=loader.vocab, pretrain=vectors, device="cpu")
    for _ in range(steps):
        for batch in loader:
            entities.update(batch)
    entities.save(str(folder / "ner.pt"))

    columns = {
        "lemma": sentences, "upos": tags_of, "xpos": [[tag[:3] for tag in tags] for tags in tags_of],
        "feats": [["_"] * len(tags) for tags in tags_of], "head": heads, "deprel": relations,
    }  # fmt: skip
    more = {"transformed_dim": 5, "tag_emb_dim": 4, "deep_biaff_hidden_dim": 7, "lr": 0.02}
    given = _arguments(tagger, composite_deep_biaff_hidden_dim=5, **more)
    dataset = Dataset(_document(sentences, **columns), given, vectors, evaluation=False)
    tags = TagTrainer(args=given, vocab=dataset.vocab, pretrain=vectors, device="cpu")
    for _ in range(steps):
        for batch in dataset.to_loader(batch_size=4, shuffle=True):
            tags.update(batch)
    tags.save(str(folder / "pos.pt"))

    given = _arguments(parser, **more)
    loader = TreeLoader(_document(sentences, **columns), 100, given, vectors, evaluation=False)
    trees = TreeTrainer(args=given, vocab=loader.vocab, pretrain=vectors, device="cpu")
    for _ in range(steps):
        for batch in loader:
            trees.update(batch)
    trees.save(str(folder / "depparse.pt"))
    found = {}
    for processor, names in (("ner", ["ner"]), ("pos", ["pos"]), ("depparse", ["pos", "depparse"])):
        options: Dict[str, Any] = {"allow_unknown_language": True}
        for name in names:
            options[f"{name}_model_path"] = str(folder / f"{name}.pt")
            options[f"{name}_pretrain_path"] = str(folder / "pretrain.pt")
        found[processor] = options
    found["depparse"]["lemma_use_identity"] = True
    return found


def write_download(
    models: Path,
    folder: Path,
    processors: Sequence[str] = ("pos", "depparse"),
    language: str = "en",
) -> Path:
    """The models of `write_models` in a folder as `stanza.download` leaves it; without a lemmatizer.

    # Parameters

    models : `Path`
        The folder of `write_models`.
    folder : `Path`
    processors : `Sequence[str]`, optional
        The models that it gets.
    language : `str`, optional (default = `"en"`)
    """
    needed = [{"model": "pretrain", "package": "tiny"}]
    found: Dict[str, Any] = {
        "lang_name": "Tiny",
        "pretrain": {"tiny": {}},
        "tokenize": {"tiny": {}},
    }
    for name in processors:
        found[name] = {"tiny": {"dependencies": needed}}
        (folder / language / name).mkdir(parents=True)
        shutil.copy(models / f"{name}.pt", folder / language / name / "tiny.pt")
    (folder / language / "pretrain").mkdir()
    shutil.copy(models / "pretrain.pt", folder / language / "pretrain" / "tiny.pt")
    default = {name: "tiny" for name in ("tokenize", *processors)}
    found["packages"] = {"default": {**default, "lemma": "identity"}}
    (folder / "resources.json").write_text(json.dumps({language: found}))
    return folder
