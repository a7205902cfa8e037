"""The part-of-speech tags that a parser reads besides words."""

from typing import Any, Dict, List, NamedTuple, Optional

import numpy
from spacy.parts_of_speech import IDS

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.characters import embedding_weight
from spacy_bridge.runtime.words.vocabulary import UNKNOWN

NAMESPACE = "pos"
"""The namespace of the reader `universal_dependencies`."""
WEIGHT = "tags"


class TagInput(NamedTuple):
    """The inputs of a parser with a `pos_tag_embedding`.

    # Parameters

    settings : `Dict[str, Any]`
        For `settings.json`: `attribute` is `tag` or `pos`, by what it was trained on.
    table : `numpy.ndarray`
        Shape `(tags, size)`.
    tokens : `List[str]`
        The tags, in the order of their numbers from 1.
    """

    settings: Dict[str, Any]
    table: numpy.ndarray
    tokens: List[str]


def tag_input(archive: StudentArchive) -> Optional[TagInput]:
    """Returns the tags that an archive's parser reads; `None` if it reads none.

    It reads `token.tag_` if its reader took language-specific tags, or if one of its tags is
    not a universal part of speech; otherwise `token.pos_`.
    """
    config = archive.model.get("pos_tag_embedding")
    if config is None:
        return None
    options = Options(config, "model.pos_tag_embedding")
    if options.take("type", "embedding") != "embedding":
        raise UnsupportedError("model.pos_tag_embedding must be of type 'embedding'")
    table = embedding_weight(options, Weights(archive.weights).below("_pos_tag_embedding"))
    tokens = archive.vocabulary(NAMESPACE)
    if len(table) < len(tokens) + 1:
        raise UnsupportedError(
            f"model.pos_tag_embedding has {len(table)} rows for {len(tokens) + 1} entries of the namespace "
            f"{NAMESPACE!r}"
        )
    universal = all(token in IDS for token in tokens if token not in (UNKNOWN, "_"))
    specific = archive.reader.get("use_language_specific_pos", False) or not universal
    settings = {
        "attribute": "tag" if specific else "pos",
        "vocabulary": NAMESPACE,
        "weight": WEIGHT,
    }
    return TagInput(settings, table, tokens)
