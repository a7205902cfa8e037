"""Projects a treebank's annotation from its words to another tokenization of the same text."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

from allennlp_kd.readers.treebank_text import SurfaceToken, TreebankSentence, TreebankWord

SPLIT_LABEL = "goeswith"
"""The label of a token that is part of a word; its head is the word's first token."""


class Projection(NamedTuple):
    """The annotation of the new tokens.

    # Parameters

    words : `List[TreebankWord]`
        One for each token. Heads are tokens, counted from 1.
    aligned : `List[Tuple[int, int]]`
        The tokens that are a word of the treebank, each with this word; both from 0.
    merged : `int`
        The tokens that are several words.
    split : `int`
        The tokens that are a part of a word.
    source : `Sequence[TreebankWord]`
        The words of the treebank.
    """

    words: List[TreebankWord]
    aligned: List[Tuple[int, int]]
    merged: int
    split: int
    source: Sequence[TreebankWord]

    @property
    def one_to_one(self) -> int:
        """The number of tokens that are a word of the treebank."""
        return len(self.aligned)

    @property
    def is_exact(self) -> bool:
        """Whether each token is a word of the treebank."""
        return self.merged == self.split == 0


class _Unit(NamedTuple):
    """Successive words that are written as one piece of text."""

    start: int
    end: int
    words: List[int]


def merge_multiword_tokens(sentence: TreebankSentence) -> Projection:
    """Projects a sentence's annotation to its surface tokens, in which a multi-word token is one
    token.

    It gets the tags, the head and the label of the word that is nearest to the root.
    """
    spans = [(token.form, token.start, token.end) for token in sentence.tokens]
    units = [_Unit(token.start, token.end, _words_of(token)) for token in sentence.tokens]
    projected = _project(sentence, spans, units)
    assert projected is not None  # the units are the spans
    return projected


def project(
    sentence: TreebankSentence, tokens: Sequence[Tuple[str, int, int]]
) -> Optional[Projection]:
    """Projects a sentence's annotation to other tokens of its text.

    A token of several words gets the annotation of the word that is nearest to the root. The tokens of
    one word get its tags; the first one gets its head, which is the head of the others.

    # Parameters

    sentence : `TreebankSentence`
    tokens : `Sequence[Tuple[str, int, int]]`
        The form of each token, and its first and last character (that one not included).

    # Returns

    `Projection`, optional
        `None` if a token begins or ends inside a word that another one shares with it.
    """
    units: List[_Unit] = []
    for token in sentence.tokens:
        words = _words_of(token)
        forms = [sentence.words[word].form for word in words]
        if len(words) > 1 and "".join(forms) == token.form:
            start = token.start
            for word, form in zip(words, forms):
                units.append(_Unit(start, start + len(form), [word]))
                start += len(form)
        else:
            units.append(_Unit(token.start, token.end, words))
    return _project(sentence, tokens, units)


def _words_of(token: SurfaceToken) -> List[int]:
    return list(range(token.first, token.last + 1))


def _project(
    sentence: TreebankSentence, tokens: Sequence[Tuple[str, int, int]], units: Sequence[_Unit]
) -> Optional[Projection]:
    blocks = _blocks(tokens, units)
    if blocks is None:
        return None
    depths = _depths(sentence.words)
    # The first token of each word, and the word and the block of each token.
    token_of = [0] * len(sentence.words)
    chosen: List[Tuple[int, bool]] = []
    aligned: List[Tuple[int, int]] = []
    merged = split = 0
    for first, last, words in blocks:
        for word in words:
            token_of[word] = first
        head = min(words, key=lambda word: depths[word])
        chosen.extend((head, place == first) for place in range(first, last))
        if last - first == len(words) == 1:
            aligned.append((first, words[0]))
        merged += len(words) > 1
        split += last - first if last - first > 1 else 0
    projected: List[TreebankWord] = []
    for (form, _, _), (word, leads) in zip(tokens, chosen):
        source = sentence.words[word]
        if not leads:
            head, label = token_of[word] + 1, SPLIT_LABEL
        elif source.head:
            head, label = token_of[source.head - 1] + 1, source.deprel
        else:
            head, label = source.head, source.deprel
        projected.append(TreebankWord(form, source.upos, source.xpos, head, label))
    return Projection(projected, aligned, merged, split, sentence.words)


def _blocks(
    tokens: Sequence[Tuple[str, int, int]], units: Sequence[_Unit]
) -> Optional[List[Tuple[int, int, List[int]]]]:
    """Returns the smallest pieces of text in which both tokenizations have boundaries: the first
    token, the token after the last, and the words.

    `None` if a piece has several tokens and several units, or if the tokens leave out a part of the text.
    """
    blocks: List[Tuple[int, int, List[int]]] = []
    token = unit = 0
    while token < len(tokens) and unit < len(units):
        first_token, first_unit = token, unit
        if tokens[token][1] != units[unit].start:
            return None
        while tokens[token][2] != units[unit].end:
            if tokens[token][2] < units[unit].end:
                token += 1
            else:
                unit += 1
            if token == len(tokens) or unit == len(units):
                return None
        token, unit = token + 1, unit + 1
        if token - first_token > 1 and unit - first_unit > 1:
            return None
        words = [word for each in units[first_unit:unit] for word in each.words]
        if token - first_token > 1 and len(words) > 1:
            return None  # the parts of a multi-word token that do not show in the text
        blocks.append((first_token, token, words))
    return blocks if token == len(tokens) and unit == len(units) else None


def _depths(words: Sequence[TreebankWord]) -> List[int]:
    """Returns the number of arcs from ROOT to each word, or its position if there is no tree."""
    depths: List[int] = []
    for word in words:
        if word.head is None:
            return list(range(len(words)))
        depth, head = 1, word.head
        while head and depth <= len(words):
            depth, head = depth + 1, words[head - 1].head or 0
        depths.append(depth)
    return depths
