"""A treebank's documents and a pipeline's docs in the form that `raw_text_scores` compares."""

from itertools import accumulate
from typing import List

from spacy.tokens import Doc

from allennlp_kd.readers.treebank_text import TreebankDocument
from benchmarks.measures.raw_text_scores import Analysis, Span, Word


def of_treebank(document: TreebankDocument) -> Analysis:
    """The gold analysis of a document."""
    place = _places(document.text)
    tokens: List[Span] = []
    sentences: List[Span] = []
    words: List[Word] = []
    for sentence, start in zip(document.sentences, document.starts):
        first = len(words)
        sentences.append((place[start], place[start + len(sentence.text)]))
        for token in sentence.tokens:
            span = (place[start + token.start], place[start + token.end])
            tokens.append(span)
            for word in sentence.words[token.first : token.last + 1]:
                head = first + word.head - 1 if word.head else -1
                several = token.last > token.first
                words.append(
                    Word(word.form, span, several, word.upos, word.xpos, head, word.deprel)
                )
    return Analysis(tokens, sentences, words)


def of_doc(doc: Doc) -> Analysis:
    """What a pipeline says of a text. Each token that is not white space is a word."""
    place = _places(doc.text)
    number = {}
    for token in doc:
        if not token.is_space:
            number[token.i] = len(number)
    tokens = [doc[i] for i in number]
    spans = [(place[token.idx], place[token.idx + len(token)]) for token in tokens]
    words = [
        Word(
            token.text,
            span,
            False,
            token.pos_ or None,
            token.tag_ or None,
            -1 if token.head.i == token.i else number.get(token.head.i, -1),
            token.dep_,
        )
        for token, span in zip(tokens, spans)
    ]
    sentences = [
        (place[sentence.start_char], place[sentence.end_char])
        for sentence in doc.sents
        if sentence.text.strip()
    ]
    return Analysis(spans, sentences, words)


def _places(text: str) -> List[int]:
    """For each character, and the end, the number of characters before it that are not white space."""
    return [0, *accumulate(not character.isspace() for character in text)]
