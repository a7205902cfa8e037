"""Maps words and characters to indices, as AllenNLP's `Vocabulary` does."""

from typing import List, Sequence

from spacy_bridge.errors import PackageError

PADDING, UNKNOWN = "@@PADDING@@", "@@UNKNOWN@@"


class TokenNumbers:
    """The indices of a padded namespace: padding is 0, and other tokens are unknown.

    # Parameters

    tokens : `Sequence[str]`
        In the order of their numbers from 1; `@@UNKNOWN@@` is one of them.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = list(tokens)
        self._numbers = {token: number for number, token in enumerate(self.tokens, start=1)}
        self._numbers[PADDING] = 0
        if UNKNOWN not in self._numbers:
            raise PackageError(
                f"a vocabulary must have an entry {UNKNOWN}; found {len(tokens)} others"
            )
        self._unknown = self._numbers[UNKNOWN]

    def __getitem__(self, token: str) -> int:
        return self._numbers.get(token, self._unknown)

    def many(self, tokens: Sequence[str]) -> List[int]:
        return [self._numbers.get(token, self._unknown) for token in tokens]
