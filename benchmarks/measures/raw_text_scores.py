"""The evaluation of the CoNLL 2018 shared task: from raw text to trees.

Zeman et al., *CoNLL 2018 Shared Task: Multilingual Parsing from Raw Text to Universal Dependencies*. Tokens and
sentences are compared by their characters, white space left out. Words are aligned by their characters too, but inside
of a multi-word token of either side by the longest common subsequence of their forms. Tags, heads and labels (without
subtypes) are compared on aligned words. Each score is the F1 of its counts.
"""

from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

Span = Tuple[int, int]


class Word(NamedTuple):
    """A syntactic word.

    # Parameters

    form : `str`
    span : `Tuple[int, int]`
        The characters of its token, white space not counted; the end is not included.
    multiword : `bool`
        Whether its token has other words.
    upos, xpos, deprel : `str`, optional
    head : `int`
        The place of its head in the document, counted from 0; -1 for ROOT.
    """

    form: str
    span: Span
    multiword: bool
    upos: Optional[str]
    xpos: Optional[str]
    head: int
    deprel: Optional[str]


class Analysis(NamedTuple):
    """What a treebank or a pipeline says of a document."""

    tokens: List[Span]
    sentences: List[Span]
    words: List[Word]


METRICS = ("tokens", "sentences", "words", "UPOS", "XPOS", "UAS", "LAS")


class Counts(NamedTuple):
    """Of one metric: what is right, what the gold has, and what the system has."""

    correct: int = 0
    gold: int = 0
    system: int = 0

    @property
    def f1(self) -> float:
        """In percent."""
        return 200 * self.correct / max(self.gold + self.system, 1)


def evaluate(pairs: Iterable[Tuple[Analysis, Analysis]]) -> Dict[str, float]:
    """The F1 of each metric, in percent, over documents.

    # Parameters

    pairs : `Iterable[Tuple[Analysis, Analysis]]`
        Of each document, gold and system, over the same characters.
    """
    total = dict.fromkeys(METRICS, Counts())
    for gold, system in pairs:
        for metric, counts in _count(gold, system).items():
            total[metric] = Counts(*(one + other for one, other in zip(total[metric], counts)))
    return {metric: counts.f1 for metric, counts in total.items()}


def _count(gold: Analysis, system: Analysis) -> Dict[str, Counts]:
    found = {
        name: Counts(len(set(one) & set(other)), len(one), len(other))
        for name, one, other in (
            ("tokens", gold.tokens, system.tokens),
            ("sentences", gold.sentences, system.sentences),
        )
    }
    aligned = align(gold.words, system.words)
    system_of = dict(aligned)
    sizes = (len(gold.words), len(system.words))
    correct = dict.fromkeys(("words", "UPOS", "XPOS", "UAS", "LAS"), 0)
    for one, other in aligned:
        ours, theirs = gold.words[one], system.words[other]
        correct["words"] += 1
        correct["UPOS"] += ours.upos == theirs.upos
        correct["XPOS"] += ours.xpos == theirs.xpos
        head = -1 if ours.head < 0 else system_of.get(ours.head)
        if head is not None and head == theirs.head:
            correct["UAS"] += 1
            correct["LAS"] += _universal(ours.deprel) == _universal(theirs.deprel)
    found.update({metric: Counts(number, *sizes) for metric, number in correct.items()})
    return found


def _universal(label: Optional[str]) -> str:
    return str(label).partition(":")[0].lower()


def align(gold: Sequence[Word], system: Sequence[Word]) -> List[Tuple[int, int]]:
    """The pairs of places of words that are the same."""
    pairs: List[Tuple[int, int]] = []
    one = other = 0
    while one < len(gold) and other < len(system):
        if gold[one].multiword or system[other].multiword:
            first, second = one, other
            # A word that stands before the multi-word token is not in its piece of text.
            if not system[second].multiword and system[second].span[0] < gold[first].span[0]:
                second += 1
            elif not gold[first].multiword and gold[first].span[0] < system[second].span[0]:
                first += 1
            one, other = _piece_end(gold, system, first, second)
            forms = [
                [word.form.lower() for word in words]
                for words in (gold[first:one], system[second:other])
            ]
            pairs.extend((first + a, second + b) for a, b in _common(*forms))
        elif gold[one].span == system[other].span:
            pairs.append((one, other))
            one, other = one + 1, other + 1
        elif gold[one].span[0] <= system[other].span[0]:
            one += 1
        else:
            other += 1
    return pairs


def _piece_end(
    gold: Sequence[Word], system: Sequence[Word], one: int, other: int
) -> Tuple[int, int]:
    """The ends of the smallest piece of text from here on that no multi-word token leads out of."""
    end = max(
        words[place].span[1]
        for words, place in ((gold, one), (system, other))
        if place < len(words) and words[place].multiword
    )
    moved = True
    while moved:
        moved = False
        if one < len(gold) and gold[one].span[0] < end:
            end = max(end, gold[one].span[1]) if gold[one].multiword else end
            one, moved = one + 1, True
        if other < len(system) and system[other].span[0] < end:
            end = max(end, system[other].span[1]) if system[other].multiword else end
            other, moved = other + 1, True
    return one, other


def _common(one: Sequence[str], other: Sequence[str]) -> List[Tuple[int, int]]:
    """The places of a longest common subsequence."""
    # Of the rest of both from these places on.
    length = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for a in reversed(range(len(one))):
        for b in reversed(range(len(other))):
            if one[a] == other[b]:
                length[a][b] = 1 + length[a + 1][b + 1]
            else:
                length[a][b] = max(length[a + 1][b], length[a][b + 1])
    pairs, a, b = [], 0, 0
    while a < len(one) and b < len(other):
        if one[a] == other[b]:
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif length[a][b] == length[a + 1][b]:
            a += 1
        else:
            b += 1
    return pairs
