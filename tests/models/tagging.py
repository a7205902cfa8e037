"""A tiny tagging task for the tests of models: words, a vocabulary, and configurations."""

from copy import deepcopy
from typing import Any, Dict, List, Optional

from allennlp.common import Params
from allennlp.data import Batch, Instance, Token, Vocabulary
from allennlp.data.fields import MetadataField, SequenceLabelField, TextField
from allennlp.data.token_indexers import SingleIdTokenIndexer
from allennlp.models import Model

import allennlp_kd.models.crf_tagger_student  # noqa: F401 (registers it, and stock's tagger)

SENTENCES = {
    "BIO": [
        ("the old dog saw a cat", "B-N I-N I-N O B-N I-N"),
        ("dogs bark", "B-N B-V"),
        ("cat", "B-N"),
        ("the dog saw the old cat bark", "B-N I-N O B-N I-N I-N B-V"),
    ],
    "BIOUL": [
        ("the old dog saw a cat", "B-N I-N L-N O B-N L-N"),
        ("dogs bark", "U-N U-V"),
        ("cat", "U-N"),
        ("the dog saw the old cat bark", "B-N L-N O B-N I-N L-N U-V"),
    ],
}


def instances(encoding: str = "BIO", sentences: Optional[List[Any]] = None) -> List[Instance]:
    found = []
    for words, tags in SENTENCES[encoding] if sentences is None else sentences:
        tokens = TextField(
            [Token(word) for word in words.split()], {"tokens": SingleIdTokenIndexer()}
        )
        fields = {"tokens": tokens, "metadata": MetadataField({"words": words.split()})}
        if tags is not None:
            fields["tags"] = SequenceLabelField(tags.split(), tokens)
        found.append(Instance(fields))
    return found


def vocabulary(encoding: str = "BIO") -> Vocabulary:
    return Vocabulary.from_instances(instances(encoding))


def tensors(vocab: Vocabulary, found: List[Instance]) -> Dict[str, Any]:
    batch = Batch(found)
    batch.index_instances(vocab)
    return batch.as_tensor_dict()


def tagger_config(model_type: str, **changes: Any) -> Dict[str, Any]:
    config: Dict[str, Any] = {
        "type": model_type,
        "text_field_embedder": {
            "token_embedders": {"tokens": {"type": "embedding", "embedding_dim": 5}}
        },
        "encoder": {"type": "lstm", "input_size": 5, "hidden_size": 4, "bidirectional": True},
    }
    config.update(deepcopy(changes))  # building a model uses its configuration up
    return config


def tagger(model_type: str, vocab: Vocabulary, **changes: Any) -> Model:
    return Model.from_params(Params(tagger_config(model_type, **changes)), vocab=vocab)
