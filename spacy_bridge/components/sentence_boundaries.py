"""Adds a component that sets sentence boundaries before a pipeline's first student."""

from typing import List

from spacy.language import Language

from spacy_bridge.components.open_pipeline import open_pipeline
from spacy_bridge.errors import BridgeError

NONE = "none"
SENTENCE_SETTERS = ("token.is_sent_start", "doc.sents")
SAMPLE = ["A", "cat", "sleeps", ".", "A", "dog", "runs", "."]


def sets_sentences(nlp: Language) -> bool:
    """Whether a component of the pipeline declares that it sets sentence boundaries."""
    return any(
        set(SENTENCE_SETTERS) & set(nlp.get_pipe_meta(name).assigns) for name in nlp.pipe_names
    )


def add_sentence_setter(nlp: Language, sentences: str) -> List[str]:
    """Adds the component `sentences` to the end of a pipeline if no component sets boundaries yet.

    # Parameters

    nlp : `Language`
    sentences : `str`
        A factory (of spaCy or the user) whose component needs no training, `PIPELINE:COMPONENT` for
        a component of a trained pipeline, or `none`.

    # Returns

    `List[str]`
        The name of the new component; empty if there is none.

    # Raises

    BridgeError
        If there is no such component, if it needs training, or if it sets no boundaries.
    """
    if sentences == NONE or sets_sentences(nlp):
        return []
    source, colon, name = sentences.rpartition(":")
    if colon:
        return [_add_from_pipeline(nlp, source, name)]
    if not nlp.has_factory(sentences):
        raise BridgeError(
            "sentences must be 'none', PIPELINE:COMPONENT or a spaCy factory such as sentencizer, "
            f"found {sentences!r}"
        )
    if sentences in nlp.component_names:
        raise BridgeError(
            f"the pipeline already has a component '{sentences}'; choose another name"
        )
    component = nlp.add_pipe(sentences)
    try:
        if getattr(component, "is_trainable", False):
            raise BridgeError(
                "sentences must be a factory whose component needs no training, found "
                f"{sentences!r}; use a trained component of another pipeline, as "
                "PIPELINE:COMPONENT"
            )
        _check_boundaries(nlp, sentences, sentences)
    except BridgeError:
        nlp.remove_pipe(sentences)
        raise
    return [sentences]


def _add_from_pipeline(nlp: Language, source: str, name: str) -> str:
    try:
        other = open_pipeline(source)
    except BridgeError:
        raise
    except (OSError, ValueError) as error:
        raise BridgeError(f"the pipeline {source!r} cannot be opened: {error}") from error
    if name not in other.component_names:
        raise BridgeError(
            f"the pipeline {source!r} has no component {name!r}; it has "
            f"{', '.join(other.component_names)}"
        )
    if name in nlp.component_names:
        raise BridgeError(f"the pipeline already has a component '{name}'; choose another name")
    for listened in ("tok2vec", "transformer"):
        listeners = getattr(other.get_pipe(name), "listening_to", None)
        if listened in other.component_names and listeners is None:
            _copy_tok2vec(other, listened, name)
    nlp.add_pipe(name, source=other)
    try:
        _check_boundaries(nlp, name, f"{source}:{name}")
    except BridgeError:
        nlp.remove_pipe(name)
        raise
    return name


def _copy_tok2vec(other: Language, listened: str, name: str) -> None:
    """Gives a component its own copy of layers that it shares with other components."""
    config = other.get_pipe_config(name)
    tok2vec = config.get("model", {}).get("tok2vec", {})
    if "Listener" in str(tok2vec.get("@architectures", "")):
        other.replace_listeners(listened, name, ["model.tok2vec"])


def _check_boundaries(nlp: Language, name: str, sentences: str) -> None:
    from spacy.tokens import Doc

    doc = nlp.get_pipe(name)(Doc(nlp.vocab, words=SAMPLE))
    if not doc.has_annotation("SENT_START"):
        raise BridgeError(
            f"sentences must name a component that sets sentence boundaries, which {sentences!r} "
            "does not"
        )
