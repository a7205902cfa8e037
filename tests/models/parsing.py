"""A tiny parsing task for the tests of models: trees, a vocabulary, and configurations."""

from copy import deepcopy
from typing import Any, Dict, List, Optional, Sequence, Tuple

from allennlp.common import Params
from allennlp.data import Instance, Vocabulary
from allennlp.models import Model
from allennlp_models.structured_prediction import UniversalDependenciesDatasetReader

import allennlp_kd.models.biaffine_parser_student  # noqa: F401 (registers it)

Sentence = Tuple[str, str, Optional[str], Optional[Sequence[int]]]

SENTENCES: List[Sentence] = [
    ("the old dog saw a cat .", "D A N V D N PUNCT", "det amod nsubj root det obj punct", (3, 3, 4, 0, 6, 4, 4)),
    ("dogs bark", "N V", "nsubj root", (2, 0)),
    ("cat", "N", "root", (0,)),
    # Not projective, with a subtype.
    ("his dog the cat saw", "D N D N V", "nmod:poss obj det nsubj root", (2, 5, 4, 5, 0)),
    (". , cat saw", "PUNCT PUNCT N V", "punct punct nsubj root", (4, 3, 4, 0)),
]  # fmt: skip


def instances(sentences: Sequence[Sentence] = SENTENCES) -> List[Instance]:
    reader = UniversalDependenciesDatasetReader()
    found = []
    for words, pos, labels, heads in sentences:
        dependencies = None if labels is None else list(zip(labels.split(), heads))
        found.append(reader.text_to_instance(words.split(), pos.split(), dependencies))
    return found


def vocabulary() -> Vocabulary:
    return Vocabulary.from_instances(instances())


def parser(model_type: str, vocab: Vocabulary, **changes: Any) -> Model:
    config: Dict[str, Any] = {
        "type": model_type,
        "text_field_embedder": {
            "token_embedders": {"tokens": {"type": "embedding", "embedding_dim": 5}}
        },
        "encoder": {"type": "lstm", "input_size": 5, "hidden_size": 4, "bidirectional": True},
        "tag_representation_dim": 6,
        "arc_representation_dim": 7,
    }
    config.update(deepcopy(changes))
    return Model.from_params(Params(config), vocab=vocab)
