"""The tagger that the benchmarks train."""

from benchmarks.setups.networks import bilstm, embedder, indexers
from benchmarks.setups.students import Recipe


def tagger(column: str, hidden_size: int = 200, characters: bool = True) -> Recipe:
    """Words and characters, a 2-layer BiLSTM with dropout.

    # Parameters

    column : `str`
        Of the tags.
    hidden_size : `int`
        Of each direction.
    characters : `bool`
        Whether words are read as characters too.
    """
    reader = {"type": "conllu_tagging", "column": column, "token_indexers": indexers(characters)}
    model = {
        "text_field_embedder": embedder(characters),
        "encoder": bilstm(hidden_size, characters),
        "dropout": 0.3,
    }
    return Recipe(reader, model, "crf_tagger", "crf_tagger_student")
