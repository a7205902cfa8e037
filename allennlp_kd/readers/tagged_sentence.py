"""The instance of a sentence of words and tags, with the fields of AllenNLP's own tagging readers."""

from typing import Dict, List, Optional

from allennlp.data import Field, Instance, Token, TokenIndexer
from allennlp.data.fields import MetadataField, SequenceLabelField, TextField


def tagged_sentence(
    tokens: List[Token],
    tags: Optional[List[str]],
    token_indexers: Dict[str, TokenIndexer],
    label_namespace: str,
) -> Instance:
    """
    # Parameters

    tokens : `List[Token]`
        The words of the sentence.
    tags : `List[str]`, optional
        Their tags; `None` if they are not known.
    token_indexers : `Dict[str, TokenIndexer]`
    label_namespace : `str`
        The namespace of the tags in the vocabulary.

    # Returns

    `Instance`
        With the fields `tokens`, `metadata` (its `words`) and, if known, `tags`.
    """
    text = TextField(tokens, token_indexers)
    fields: Dict[str, Field] = {
        "tokens": text,
        "metadata": MetadataField({"words": [token.text for token in tokens]}),
    }
    if tags is not None:
        fields["tags"] = SequenceLabelField(tags, text, label_namespace)
    return Instance(fields)
