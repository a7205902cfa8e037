"""A live teacher: scores sentences with a Stanza model."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from overrides import overrides
from torch import Tensor

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials, maximum_spanning_tree
from allennlp_kd.teachers.sentence_teacher import SentenceTeacher, digest_of
from allennlp_kd.teachers.teacher import Teacher

# The processors that must run first, on given words.
PIPELINES = {
    "ner": "tokenize,ner",
    "pos": "tokenize,pos",
    "depparse": "tokenize,pos,lemma,depparse",
}
COLUMNS = ("upos", "xpos")
SPECIAL = 4  # entries of Stanza's vocabularies that are not labels: padding, unknown, empty, root
# Stanza writes BIOES, which AllenNLP calls BIOUL.
BIOUL = {"E-": "L-", "S-": "U-"}


class _Opened(NamedTuple):
    """A pipeline, its scoring model, and the values that its hooks record for the last sentence."""

    pipeline: Any
    processor: Any
    model: Any
    labels: List[str]
    recorded: Dict[str, Any]


_opened: Dict[str, Any] = {}


@Teacher.register("stanza")
class StanzaTeacher(SentenceTeacher):
    """Teaches named entities, part-of-speech tags or dependency trees with a Stanza model.

    Entities are a chain with the scores and transitions of Stanza's CRF; their labels are BIOUL,
    AllenNLP's name for Stanza's BIOES. Tags are a chain without transitions. Trees have the log
    probabilities of Stanza's heads as arc scores, and its biaffine label scores. Stanza's own
    pipeline scores sentences one by one, on the given words; a parser's tags and lemmas are
    Stanza's. Nothing is downloaded.

    # Parameters

    model : `str`
        The folder into which `stanza.download` has put models, with `resources.json`.
    processor : `str`
        `ner`, `pos` or `depparse`.
    language : `str`, optional (default = `"en"`)
        Stanza's code of the models' language.
    column : `str`, optional (default = `"upos"`)
        For `pos`: `upos` or `xpos`.
    options : `Dict[str, Any]`, optional
        More options of `stanza.Pipeline`, such as `package` or `ner_model_path`.
    cuda_device : `int`, optional
        Where to score for a store, `-1` for the CPU. By default the current GPU, where there is
        one.

    # Raises

    ConfigurationError
        If an option is unknown; when opened, if Stanza is not installed, the models are missing, or
        the model is of another kind.
    """

    def __init__(
        self,
        model: str,
        processor: str,
        language: str = "en",
        column: str = "upos",
        options: Optional[Dict[str, Any]] = None,
        cuda_device: Optional[int] = None,
    ) -> None:
        super().__init__(cuda_device)
        if processor not in PIPELINES:
            raise ConfigurationError(
                f"processor must be one of {', '.join(PIPELINES)}, found '{processor}'"
            )
        if column not in COLUMNS or (column == "xpos" and processor != "pos"):
            raise ConfigurationError(
                f"column must be one of {', '.join(COLUMNS)}, and needs processor pos; found "
                f"'{column}' for {processor}"
            )
        self.model = str(model)
        self._processor = processor
        self._language = language
        self._column = column
        self._options = dict(options or {})

    @property
    @overrides
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self._open().model.parameters())

    @property
    @overrides
    def size(self) -> int:
        return sum(Path(path).stat().st_size for path in self._files())

    @overrides
    def decisions(self, potentials: Any) -> Dict[str, Tensor]:
        """Returns the predictions of Stanza, which finds the heads of a tree before its labels."""
        if isinstance(potentials, ChainPotentials):
            return super().decisions(potentials)
        heads, _, _ = maximum_spanning_tree(potentials.without_labels())
        labels = potentials.label_scores_of(heads).argmax(dim=2)
        return {"heads": heads, "labels": labels}

    @property
    @overrides
    def name(self) -> str:
        return f"Stanza's {self._processor} in {self.model}"

    @property
    @overrides
    def structure(self) -> str:
        return "tree" if self._processor == "depparse" else "chain"

    @property
    @overrides
    def labels(self) -> List[str]:
        return list(self._open().labels)

    @property
    @overrides
    def fingerprint(self) -> str:
        options = {name: value for name, value in self._options.items() if "path" not in name}
        settings = [self._processor, self._column, self._language, options]
        return digest_of(settings, self._files())

    def _files(self) -> List[str]:
        """The files of all processors that have a part in the scores."""
        processors = self._open().pipeline.processors.values()
        found = {path for each in processors for path in _model_files(each.config)}
        return sorted(path for path in found if Path(path).is_file())

    @overrides
    def score_on(self, sentences: List[Sentence], device: torch.device) -> Any:
        opened = self._open()
        found = []
        for sentence in sentences:
            opened.recorded.clear()
            opened.pipeline([list(sentence.words)])
            scored = self._scores(opened)
            if len(scored[0]) != len(sentence.words):
                raise ValueError(
                    f"{self.name} scored {len(scored[0])} of the {len(sentence.words)} words of "
                    f"'{sentence}'"
                )
            found.append(scored)
        lengths = torch.tensor([len(sentence.words) for sentence in sentences])
        length = int(lengths.max()) if len(sentences) else 0
        mask = (torch.arange(length) < lengths.unsqueeze(1)).to(device)
        shared = self.shared(device)
        if self.structure == "chain":
            emissions = torch.zeros(len(found), length, len(opened.labels))
            for row, (scores,) in enumerate(found):
                emissions[row, : len(scores)] = scores
            return ChainPotentials(emissions.to(device), mask, **shared)
        _, head_size, dependent_size = shared["weight"].shape
        arcs = torch.zeros(len(found), length, length + 1)
        heads = torch.zeros(len(found), length + 1, head_size)
        dependents = torch.zeros(len(found), length, dependent_size)
        for row, (arc, head, dependent) in enumerate(found):
            words = len(arc)
            arcs[row, :words, : words + 1] = arc
            heads[row, : words + 1] = head
            dependents[row, :words] = dependent
        labels = FactoredLabels(heads.to(device), dependents.to(device), **shared)
        return TreePotentials(arcs.to(device), mask, labels)

    def _scores(self, opened: _Opened) -> Tuple[Tensor, ...]:
        """Returns the scores that the hooks recorded for a sentence, on the CPU."""
        recorded = opened.recorded
        if self._processor == "ner":
            return (recorded["output"][1][self._tagset(opened)][0, :, SPECIAL:].float().cpu(),)
        if self._processor == "pos":
            return (recorded["tags"][:, SPECIAL:].float().cpu(),)
        # Shape: (words, words + 1); the first row is that of ROOT
        arcs = torch.as_tensor(recorded["output"][1][0])[0, 1:].float()
        # A word is not its own head.
        arcs = arcs.masked_fill(torch.isinf(arcs), -1e4)
        dependents, heads = (_with_one(side[0].float().cpu()) for side in recorded["sides"])
        return arcs, heads, dependents[1:]

    @overrides
    def shared(self, device: torch.device) -> Dict[str, Tensor]:
        opened = self._open()
        number = len(opened.labels)
        if self._processor == "depparse":
            weight, bias = _bilinear_form(opened.model.deprel.scorer.W_bilin)
            return {"weight": weight[-number:].to(device), "bias": bias[-number:].to(device)}
        transitions = torch.zeros(number, number)
        if self._processor == "ner":
            crf = opened.model.crits[self._tagset(opened)]
            transitions = crf._transitions.detach().float()[SPECIAL:, SPECIAL:]
        return {
            "transitions": transitions.to(device),
            "start": torch.zeros(number, device=device),
            "end": torch.zeros(number, device=device),
        }

    @staticmethod
    def _tagset(opened: _Opened) -> int:
        return int(opened.processor.trainers[0].args.get("predict_tagset") or 0)

    def _open(self) -> _Opened:
        device = self.device.type
        settings = [
            self.model,
            self._processor,
            self._language,
            self._column,
            self._options,
            device,
        ]
        key = json.dumps(settings, sort_keys=True, default=str)
        if key not in _opened:
            _opened[key] = self._load()
        return _opened[key]

    def _load(self) -> _Opened:
        try:
            import stanza
        except ImportError as error:
            raise ConfigurationError(
                "the teacher `stanza` needs the package stanza: install it with `pip install "
                "stanza`"
            ) from error
        if not (Path(self.model) / "resources.json").is_file():
            raise ConfigurationError(
                f"{self.model} is not a folder of Stanza models: resources.json is missing. Give "
                "the folder that was the model_dir of `stanza.download`"
            )
        given = {
            "dir": self.model,
            "processors": PIPELINES[self._processor],
            "tokenize_pretokenized": True,
            "download_method": None,
            "verbose": False,
            "use_gpu": self.device.type == "cuda",
            **self._options,
        }
        try:
            pipeline = stanza.Pipeline(self._language, **given)
        except (KeyError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                f"{self.name} is a model of another kind, or of a version that Stanza "
                f"{stanza.__version__} does not read ({type(error).__name__}: {error})"
            ) from error
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigurationError(
                f"Stanza's {self._processor} in {self.model} cannot be opened: {error}"
            ) from error
        return self._hooked(pipeline)

    def _hooked(self, pipeline: Any) -> _Opened:
        recorded: Dict[str, Any] = {}
        processor = pipeline.processors[self._processor]

        def keep(name: str, inputs: bool = False) -> Any:
            def hook(module: Any, given: Any, output: Any) -> None:
                recorded[name] = given if inputs else output

            return hook

        if self._processor == "ner":
            trainer = processor.trainers[0]
            if len(processor.trainers) > 1:
                raise ConfigurationError(f"{self.name} has several models: name one")
            trainer.model.register_forward_hook(keep("output"))
            names = trainer.vocab["tag"]._id2unit[int(trainer.args.get("predict_tagset") or 0)]
            labels = [BIOUL.get(name[:2], name[:2]) + name[2:] for name in names[SPECIAL:]]
            return _Opened(pipeline, processor, trainer.model, labels, recorded)
        trainer = processor.trainer
        if self._processor == "pos":
            self._classifier(trainer.model).register_forward_hook(keep("tags"))
            names = trainer.vocab[self._column]._id2unit[SPECIAL:]
            return _Opened(pipeline, processor, trainer.model, list(names), recorded)
        scorer = getattr(getattr(trainer.model, "deprel", None), "scorer", None)
        if scorer is None:
            raise ConfigurationError(
                f"{self.name} is a {type(trainer.model).__name__}, which has no biaffine label "
                "scores"
            )
        trainer.model.register_forward_hook(keep("output"))
        scorer.register_forward_hook(keep("sides", inputs=True))
        labels = list(trainer.vocab["deprel"]._id2unit[SPECIAL:])
        return _Opened(pipeline, processor, trainer.model, labels, recorded)

    def _classifier(self, model: Any) -> Any:
        """Returns the layer that scores the tags; newer versions keep all but the first in a
        dictionary.
        """
        if self._column == "upos":
            return model.upos_clf
        found = model.xpos_clf if hasattr(model, "xpos_clf") else model.tag_clf["xpos"]
        if isinstance(found, torch.nn.ModuleList):
            raise ConfigurationError(
                f"{self.name} has xpos tags with several parts, which cannot be labels of a chain"
            )
        return found


def _model_files(config: Any) -> Iterator[str]:
    """The paths of models in a processor's configuration, which nests them in lists and dictionaries."""
    if isinstance(config, str):
        yield from (path for path in config.split(";") if path.endswith(".pt"))
    elif isinstance(config, (dict, list, tuple)):
        for value in config.values() if isinstance(config, dict) else config:
            yield from _model_files(value)


def _bilinear_form(scorer: Any) -> Tuple[Tensor, Tensor]:
    """Returns a scorer's weight, shape `(labels, head dimension, dependent dimension)`, and its
    bias.

    Its values at pairs of unit vectors: versions of Stanza lay out their weights differently, and not all
    of them add their bias.
    """
    rows, columns = scorer.input1_size, scorer.input2_size
    with torch.no_grad():
        ones = scorer.weight.new_ones(1)
        bias = scorer(ones.new_zeros(1, 1, rows), ones.new_zeros(1, 1, columns))[0, 0, 0]
        units = (torch.eye(size, device=ones.device).unsqueeze(0) for size in (rows, columns))
        weight = scorer(*units)[0] - bias
    return weight.permute(2, 1, 0).float().contiguous(), bias.float()


def _with_one(vectors: Tensor) -> Tensor:
    """Appends a 1 to the vectors, as Stanza's biaffine scorer does."""
    return torch.cat([vectors, vectors.new_ones(*vectors.shape[:-1], 1)], dim=-1)
