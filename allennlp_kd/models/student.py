"""The base class of students."""

from typing import Any, ClassVar, Dict, List, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary
from allennlp.models import Model
from torch import Tensor

from allennlp_kd.archives.model_weights import reconcile_buffers


def require_tags(vocab: Vocabulary, namespace: str = "labels") -> None:
    """
    # Raises

    ConfigurationError
        If a tagger would have no tags: stock then divides by their number.
    """
    if vocab.get_vocab_size(namespace) == 0:
        raise ConfigurationError(
            f"the vocabulary has no tags in the namespace '{namespace}' because the text has no "
            "gold: set `labels` of the model to 'same', or use the vocabulary "
            "`with_teacher_labels`"
        )


class Student(Model):
    """A model that exposes its potentials to an objective.

    Without a teacher, a student is the stock model that it stands in for: the same parameters, weights,
    loss and outputs. What `distillation` needs besides are the steps that its `forward` is made of,
    one by one. Inputs and gold are the fields of the reader's instances, by name.
    """

    structure: ClassVar[str]
    """The kind of the potentials: `"chain"` or `"tree"`."""

    gold_fields: ClassVar[Tuple[str, ...]]
    """The inputs with gold annotation, all integers of shape `(batch, words)`."""

    label_namespace: str
    """The vocabulary namespace of the labels."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Lets an archive or checkpoint come from another version of `transformers`.
        self._register_load_state_dict_pre_hook(self._reconcile_buffers, with_module=True)

    @staticmethod
    def _reconcile_buffers(
        module: "Student", state: Dict[str, Any], prefix: str, *args: Any
    ) -> None:
        reconcile_buffers(module, state, prefix)

    @property
    def labels(self) -> List[str]:
        """The names of the tags (chain) or arc labels (tree), in the order of the potentials."""
        names = self.vocab.get_index_to_token_vocabulary(self.label_namespace)
        return [names[index] for index in range(len(names))]

    def potentials(self, **inputs: Any) -> Any:
        """Scores all sub-structures of a batch without decoding.

        # Parameters

        inputs : `Any`
            The batch without its gold fields. What the student has no use for is ignored.

        # Returns

        `ChainPotentials` or `TreePotentials`
        """
        raise NotImplementedError

    def gold_loss(self, potentials: Any, **gold: Tensor) -> Tensor:
        """Computes the supervised loss, summed over these sentences.

        # Parameters

        potentials : `ChainPotentials` or `TreePotentials`
        gold : `Tensor`
            The gold fields, each of shape `(batch, words)`, row by row those of the potentials.
            They may be narrower than the potentials, where the longest sentences of a batch have no
            gold.

        # Returns

        `Tensor`
            A scalar.
        """
        raise NotImplementedError

    def decode(self, potentials: Any, **inputs: Any) -> Dict[str, Any]:
        """Decodes the potentials into the stock model's output, without a loss.

        # Parameters

        potentials : `ChainPotentials` or `TreePotentials`
            Not always the student's own: a teacher's, over the student's labels, are decoded like
            them; of trees, they may have no labels, and only heads are decoded.
        inputs : `Any`
            The batch as for `potentials`; none of it is required.
        """
        raise NotImplementedError

    def decisions(self, outputs: Dict[str, Any]) -> Dict[str, Tensor]:
        """Returns the decisions of `decode` for each word.

        # Returns

        `Dict[str, Tensor]`
            `"labels"`, indices of `labels`, and for trees `"heads"`; each of shape `(batch,
            words)`, -1 in padded cells. No `"labels"` where none were scored.
        """
        raise NotImplementedError

    def record(self, outputs: Dict[str, Any], **gold_and_inputs: Any) -> None:
        """Updates the metrics with decoded sentences.

        # Parameters

        outputs : `Dict[str, Any]`
            What `decode` has returned.
        gold_and_inputs : `Any`
            The batch with its gold fields (which may be narrower, as for `gold_loss`). It may be
            empty, of 0 sentences: metrics reduce across processes and wait for each of them.
        """
        raise NotImplementedError
