"""Makes the text of a distillation's configuration."""

import json
import re
import shlex
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from allennlp.common.checks import ConfigurationError
from jinja2 import Environment, PackageLoader, StrictUndefined

from allennlp_kd.init_config.corpus_profile import CorpusProfile
from allennlp_kd.init_config.student_sizes import FEATURES, SIZES, TRAINING, epochs_of
from allennlp_kd.init_config.teacher_profile import TeacherProfile

READERS = (
    "conll2003", "conll2000", "sequence_tagging", "universal_dependencies", "conllu_tagging",
    "conllu_relative_heads", "ontonotes_ner",
)  # fmt: skip


class Choices(NamedTuple):
    """The user's choices; see the options of `kd-init`."""

    train: str
    dev: str
    text: Sequence[str] = ()
    text_words: int = 0
    student: str = "small"
    tenth: bool = False
    language: str = "en"
    output: str = "distill.jsonnet"
    run: str = "runs/distill"


def configuration(teacher: TeacherProfile, corpus: CorpusProfile, choices: Choices) -> str:
    """Returns the configuration as Jsonnet with comments.

    # Raises

    ConfigurationError
        If the teacher has no layers that the student could be made of.
    """
    environment = Environment(
        loader=PackageLoader(__package__),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["json"] = _json
    environment.filters["quote"] = shlex.quote
    indexers, text_field_embedder, encoder = _inputs(teacher, choices.student)
    text: Any = list(choices.text)
    training = TRAINING[choices.student]
    return environment.get_template("distill.jsonnet.jinja").render(
        teacher=teacher.config,
        store=f"{choices.run}-store",
        reader={**corpus.reader, "token_indexers": indexers},
        student=_student(teacher, choices.student, text_field_embedder, encoder),
        optimizer=_optimizer(choices.student),
        alpha=training["alpha"],
        epochs=epochs_of(choices.student, corpus.words, choices.text_words),
        batch_size=training["batch"][teacher.structure],
        metric=metric(teacher),
        text_field=corpus.text_field,
        gaps=gaps(teacher),
        train=choices.train,
        dev=choices.dev,
        text=text[0] if len(text) == 1 else text,
        tenth=choices.tenth,
        language=choices.language,
        output=choices.output,
        run=choices.run,
    )


def metric(teacher: TeacherProfile) -> str:
    """The validation metric that selects the best checkpoint."""
    if teacher.structure == "tree":
        return "+LAS"
    return "+accuracy" if teacher.encoding is None else "+f1-measure-overall"


def gaps(teacher: TeacherProfile) -> List[str]:
    """Returns what the user has to check by hand."""
    found = []
    kind = (teacher.reader or {}).get("type")
    if teacher.reader is not None and kind not in READERS:
        found.append(
            f"the teacher's reader '{kind}' is unknown to kd-init. The student's reader below is a "
            "copy of it without its token indexers and tokenizer."
        )
    if teacher.structure == "chain" and teacher.encoding is None and "O" in teacher.labels:
        labels = ", ".join(teacher.labels[:5])
        found.append(
            f"the teacher's labels ({labels}) follow no known encoding of spans (BIO, IOB1, BIOUL, "
            "BMES), so each word's label counts by itself. If they are spans, give the student's "
            "names for them by label_map in the model, and set the student's label_encoding."
        )
    return found


def _inputs(teacher: TeacherProfile, size: str) -> Any:
    sizes = SIZES[size][teacher.structure]
    if "layers" in sizes:
        if teacher.transformer is None:
            raise ConfigurationError(
                f"a {size} student consists of its teacher's transformer layers, but the teacher "
                "has no transformer: choose --student medium"
            )
        piece = {
            "type": "pretrained_transformer_layers",
            "model_name": teacher.transformer,
            "max_length": 510,
        }
        embedder = {**piece, "layers": sizes["layers"]}
        if teacher.kind == "archive":
            embedder["from_archive"] = teacher.config["archive_file"]
        hidden = _hidden_size(teacher.transformer)
        return (
            {"tokens": piece},
            {"token_embedders": {"tokens": embedder}},
            {"type": "pass_through", "input_dim": hidden},
        )
    indexer = {"type": "word_features", "features": list(FEATURES)}
    embedder = {
        "type": "hashed_embedding",
        "features": list(FEATURES),
        "rows": FEATURES,
        "width": 64,
        "output_dim": sizes["hidden"],
    }
    encoder = {
        "type": "dilated_convolutions",
        "input_dim": sizes["hidden"],
        "hidden_dim": sizes["hidden"],
        "dilations": sizes["dilations"],
        "dropout": 0.1,
    }
    return {"features": indexer}, {"token_embedders": {"features": embedder}}, encoder


def _hidden_size(transformer: str) -> int:
    from transformers import AutoConfig

    try:
        return int(AutoConfig.from_pretrained(transformer).hidden_size)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the transformer {transformer} cannot be opened: {error}. Name its folder with "
            "--transformer"
        ) from error


def _student(
    teacher: TeacherProfile, size: str, text_field_embedder: Any, encoder: Any
) -> Dict[str, Any]:
    common = {"text_field_embedder": text_field_embedder, "encoder": encoder, "dropout": 0.1}
    if teacher.structure == "tree":
        return {
            "type": "biaffine_parser_student",
            **common,
            "input_dropout": 0.05,
            "arc_representation_dim": SIZES[size]["tree"]["arcs"],
            "tag_representation_dim": SIZES[size]["tree"]["labels"],
            # AllenNLP's initial weights would give large random arc scores and waste the first
            # epoch.
            "initializer": {
                "regexes": [["arc_attention._weight_matrix|tag_bilinear.weight", {"type": "zero"}]]
            },
        }
    student: Dict[str, Any] = {"type": "crf_tagger_student", **common}
    if teacher.encoding is not None:
        student.update(
            label_encoding=teacher.encoding, constrain_crf_decoding=True, calculate_span_f1=True
        )
    return student


def _optimizer(size: str) -> Dict[str, Any]:
    if "layers" not in SIZES[size]["chain"]:
        return {"type": "adam", "lr": TRAINING[size]["lr"]}
    return {
        "type": "adamw",
        "lr": 0.002,
        "betas": [0.9, 0.98],
        "weight_decay": 0.01,
        # The transformer's layers need a low learning rate.
        "parameter_groups": [[["_matched_embedder"], {"lr": 0.0002}]],
    }


def _json(value: Any, indent: Optional[int] = None) -> str:
    """Formats a value as Jsonnet: JSON with unquoted names, on one line where it fits."""
    line = _bare(json.dumps(value, ensure_ascii=False))
    if indent is None or len(line) <= 80:
        return line
    text = _bare(json.dumps(value, ensure_ascii=False, indent=2))
    # A list of plain values stays on one line.
    text = re.sub(
        r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s*\n\s*", " ", m[1]) + "]", text
    )
    return text.replace("\n", "\n" + " " * indent)


def _bare(text: str) -> str:
    return re.sub(r'"([A-Za-z_]\w*)": ', r"\1: ", text)
