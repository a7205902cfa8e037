"""Decodes potentials, and computes the probability of the decisions."""

from typing import Any, Dict, List, Optional, Sequence

from allennlp.models import Model
from allennlp_models.tagging import CrfTagger
from torch import Tensor

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.models.student import Student
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.structs.chain import ChainPotentials, Constraints, log_node_marginals, viterbi
from allennlp_kd.structs.tree import (
    log_head_probabilities,
    log_label_probabilities,
    maximum_spanning_tree,
)


def decide(model: Model, potentials: Any) -> Dict[str, Tensor]:
    """
    # Parameters

    model : `Model`
        A student decodes as it does always. A stock tagger: the best sequence under its own
        constraints, where it has some (a `simple_tagger` has none). A stock parser: the best tree
        with one root word, where AllenNLP's own search does not always find it.
    potentials : `ChainPotentials` or `TreePotentials`
        The model's.

    # Returns

    `Dict[str, Tensor]`
        `"labels"`, and of trees `"heads"`, each of shape `(batch, words)`, integer.
    """
    if isinstance(model, Student):
        return model.decisions(model.decode(potentials))
    if isinstance(potentials, ChainPotentials):
        return {"labels": viterbi(potentials, _constraints(model, potentials.num_tags))[0]}
    heads, labels, _ = maximum_spanning_tree(potentials)
    return {"labels": labels, "heads": heads}


def _constraints(model: Model, tags: int) -> Optional[Constraints]:
    if not isinstance(model, CrfTagger):
        return None
    allowed = model.crf._constraint_mask.bool()
    return Constraints(
        transitions=allowed[:tags, :tags],
        start=allowed[tags, :tags],
        end=allowed[:tags, tags + 1],
    )


def confidence(potentials: Any, decided: Dict[str, Tensor]) -> Tensor:
    """The probability of each decision, for calibration.

    For a chain, the marginal p(y_i = the tag), a sum over all sequences; constraints apply only to
    decoding, so forbidden sequences are among them. For a tree, p(head) * p(label | head), the
    local
    distributions that a head-selection parser is made of.

    # Parameters

    potentials : `ChainPotentials` or `TreePotentials`
    decided : `Dict[str, Tensor]`
        As `decide` returns them.

    # Returns

    `Tensor`
        Shape `(batch, words)`; what stands in padded cells means nothing.
    """
    labels = decided["labels"].clamp(min=0).unsqueeze(2)
    if isinstance(potentials, ChainPotentials):
        return log_node_marginals(potentials).gather(2, labels).squeeze(2).exp()
    heads = decided["heads"].clamp(min=0)
    arcs = log_head_probabilities(potentials).gather(2, heads.unsqueeze(2))
    return (arcs + log_label_probabilities(potentials, heads).gather(2, labels)).squeeze(2).exp()


def decoded_rows(
    rows: Dict[str, List[List[int]]],
    names: Sequence[str],
    sentences: Sequence[Sentence],
    sure: Optional[List[List[float]]],
) -> List[DecodedSentence]:
    """The decisions of a batch, sentence by sentence and without padding.

    # Parameters

    rows : `Dict[str, List[List[int]]]`
        What `decide` returns, as lists.
    names : `Sequence[str]`
        The names of the labels.
    sentences : `Sequence[Sentence]`
    sure : `List[List[float]]`, optional
        What `confidence` returns, as lists; `None` for decisions without probabilities.
    """
    found = []
    for row, sentence in enumerate(sentences):
        length = len(sentence.words)
        heads = tuple(rows["heads"][row][:length]) if "heads" in rows else None
        labels = tuple(names[index] for index in rows["labels"][row][:length])
        probabilities = None if sure is None else tuple(sure[row][:length])
        found.append(DecodedSentence(labels, heads, probabilities))
    return found
