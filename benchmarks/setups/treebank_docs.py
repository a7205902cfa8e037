"""Writes a treebank as the docs that `spacy train` takes, in spaCy's tokens.

    python -m benchmarks.setups.treebank_docs train.conllu train.spacy en

`python -m benchmarks raw_text` compares with the pipelines that are trained on them. A doc has ten sentences, so that a
parser or a senter learns where sentences end.
"""

import sys
from typing import Iterator, List

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from allennlp_kd.readers.token_projection import project
from allennlp_kd.readers.treebank_text import TreebankSentence, sentences

SENTENCES = 10


def docs(nlp: Language, path: str) -> Iterator[Doc]:
    """The docs of a treebank. A sentence whose annotation cannot be projected ends a doc and is left out."""
    group: List[TreebankSentence] = []
    for sentence in sentences(path):
        tokens = [(t.text, t.idx, t.idx + len(t)) for t in nlp.tokenizer(sentence.text)]
        if project(sentence, tokens) is None:
            yield from _doc(nlp, group)
            group = []
            continue
        group.append(sentence)
        if len(group) == SENTENCES:
            yield from _doc(nlp, group)
            group = []
    yield from _doc(nlp, group)


def _doc(nlp: Language, group: List[TreebankSentence]) -> Iterator[Doc]:
    if not group:
        return
    words, spaces, heads, deps, tags, pos = [], [], [], [], [], []
    for sentence in group:
        tokens = list(nlp.tokenizer(sentence.text))
        projection = project(sentence, [(t.text, t.idx, t.idx + len(t)) for t in tokens])
        assert projection is not None
        first = len(words)
        for place, (token, word) in enumerate(zip(tokens, projection.words)):
            words.append(token.text)
            spaces.append(bool(token.whitespace_) or place == len(tokens) - 1)
            heads.append(first + (int(word.head or place + 1) - 1))
            deps.append("ROOT" if word.deprel == "root" else str(word.deprel))
            tags.append(word.xpos or "")
            pos.append(word.upos or "X")
    yield Doc(nlp.vocab, words=words, spaces=spaces, heads=heads, deps=deps, tags=tags, pos=pos)


def main(source: str, target: str, lang: str) -> None:
    """Writes one file."""
    nlp = spacy.blank(lang)
    found = list(docs(nlp, source))
    DocBin(docs=found).to_disk(target)
    print(f"{target}: {len(found)} docs, {sum(map(len, found))} tokens")


if __name__ == "__main__":
    main(*sys.argv[1:])
