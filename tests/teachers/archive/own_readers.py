"""Readers of a stranger: their tokens carry more than text, or lose it."""

from typing import List, Optional

from allennlp.data import DatasetReader, Instance, Token
from allennlp.data.fields import SequenceLabelField, TextField
from allennlp.data.token_indexers import SingleIdTokenIndexer


def lemma_of(word: str) -> str:
    return word.rstrip("s")


@DatasetReader.register("tests_lemmas")
class LemmaReader(DatasetReader):
    """Lines of `word###tag`; lemmas are made while reading files, and else those of the tokens."""

    def __init__(
        self, feature: str = "lemma_", default: Optional[str] = "NONE", keeps: bool = True
    ) -> None:
        super().__init__()
        self._indexers = {
            "tokens": SingleIdTokenIndexer(),
            "other": SingleIdTokenIndexer("other", feature_name=feature, default_value=default),
        }
        self._keeps = keeps

    def _read(self, file_path):
        for line in open(file_path, encoding="utf-8"):
            pairs = [pair.split("###") for pair in line.split()]
            tokens = [Token(word, lemma_=lemma_of(word)) for word, _ in pairs]
            yield self.text_to_instance(tokens, [tag for _, tag in pairs])

    def text_to_instance(self, tokens: List[Token], tags: Optional[List[str]] = None) -> Instance:
        if not self._keeps:
            tokens = [Token(token.text) for token in tokens]
        text = TextField(tokens, self._indexers)
        fields = {"tokens": text}
        if tags is not None:
            fields["tags"] = SequenceLabelField(tags, text)
        return Instance(fields)


@DatasetReader.register("tests_tags_in_tokens")
class TagsInTokensReader(LemmaReader):
    """Demands tags, and puts them into the tokens."""

    def __init__(self) -> None:
        super().__init__(feature="tag_")

    def _read(self, file_path):
        for line in open(file_path, encoding="utf-8"):
            pairs = [pair.split("###") for pair in line.split()]
            words, tags = [word for word, _ in pairs], [tag for _, tag in pairs]
            yield self.text_to_instance([Token(w) for w in words], tags, tags)

    def text_to_instance(  # type: ignore
        self, tokens: List[Token], pos_tags: List[str], tags: Optional[List[str]] = None
    ) -> Instance:
        tokens = [Token(token.text, tag_=tag) for token, tag in zip(tokens, pos_tags)]
        return super().text_to_instance(tokens, tags)
