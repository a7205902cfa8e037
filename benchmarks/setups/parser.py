"""The parser that the benchmarks train."""

from benchmarks.setups.networks import bilstm, embedder, indexers
from benchmarks.setups.students import Recipe


def parser(
    hidden_size: int = 200, arc_dim: int = 500, label_dim: int = 100, characters: bool = True
) -> Recipe:
    """Words and characters, a 2-layer BiLSTM with dropout, Dozat and Manning's biaffine sizes.

    # Parameters

    hidden_size : `int`
        Of each direction.
    arc_dim, label_dim : `int`
        Of the representations that arcs and labels are scored from.
    characters : `bool`
        Whether words are read as characters too.
    """
    reader = {
        "type": "universal_dependencies",
        "use_language_specific_pos": False,
        "token_indexers": indexers(characters),
    }
    model = {
        "text_field_embedder": embedder(characters),
        "encoder": bilstm(hidden_size, characters),
        "tag_representation_dim": label_dim,
        "arc_representation_dim": arc_dim,
        "dropout": 0.3,
        "input_dropout": 0.3,
    }
    return Recipe(reader, model, "biaffine_parser", "biaffine_parser_student")
