"""The tagger that the benchmarks train."""

from benchmarks.setups.networks import INDEXERS, bilstm, embedder
from benchmarks.setups.students import Recipe


def tagger(column: str, hidden_size: int = 200) -> Recipe:
    """Words and characters, a 2-layer BiLSTM with dropout.

    # Parameters

    column : `str`
        Of the tags.
    hidden_size : `int`
        Of each direction.
    """
    reader = {"type": "conllu_tagging", "column": column, "token_indexers": INDEXERS}
    model = {
        "text_field_embedder": embedder(),
        "encoder": bilstm(hidden_size),
        "dropout": 0.3,
    }
    return Recipe(reader, model, "crf_tagger", "crf_tagger_student")
