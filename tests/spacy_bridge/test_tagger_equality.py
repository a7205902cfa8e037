"""A packaged tagger says what AllenNLP says, for each network that can be packaged."""

from typing import Any, Dict

import numpy
import pytest

from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from tests.spacy_bridge.archives import CHARACTERS, CNN, WORDS, predict, tagger

CHARACTER_LSTM = {
    "type": "character_encoding",
    "embedding": {"embedding_dim": 6, "projection_dim": 4, "vocab_namespace": "token_characters"},
    "encoder": {"type": "lstm", "input_size": 4, "hidden_size": 5, "num_layers": 2,
                "bidirectional": True},
}  # fmt: skip
BYTES = {
    "type": "characters",
    "min_padding_length": 3,
    "character_tokenizer": {
        "byte_encoding": "utf-8", "start_tokens": [257], "end_tokens": [258, 259]
    },
}  # fmt: skip
BYTE_GRU = {
    "type": "character_encoding",
    "embedding": {"embedding_dim": 6, "num_embeddings": 260},
    "encoder": {"type": "gru", "input_size": 6, "hidden_size": 5},
}
WORD_EMBEDDER = {"type": "embedding", "embedding_dim": 10}


def bidirectional(kind: str, size: int = 31, **options: Any) -> Dict[str, Any]:
    return {"type": kind, "input_size": size, "hidden_size": 8, "num_layers": 2, **options}


def cnn_with(**options: Any) -> Dict[str, Any]:
    return {**CNN, "encoder": {**CNN["encoder"], **options}}


def transformer(**options: Any) -> Dict[str, Any]:
    return {"type": "pytorch_transformer", "input_dim": 31, "num_layers": 2, "num_attention_heads": 1,
            "feedforward_hidden_dim": 12, **options}  # fmt: skip


def simple(**options: Any) -> Dict[str, Any]:
    config = tagger(**options)
    return {**config, "model": {**config["model"], "type": "simple_tagger"}}


CONFIGS = {
    "lstm": tagger(),
    "simple": simple(),
    "simple without an encoding": simple(label_encoding=None),
    "self-attention": tagger(encoder=transformer()),
    "self-attention, sinusoids, gelu": tagger(
        encoder=transformer(positional_encoding="sinusoidal", activation="gelu")
    ),
    "self-attention, embedded positions, heads": tagger(
        indexers={"tokens": WORDS},
        embedders={"tokens": WORD_EMBEDDER},
        encoder=transformer(
            input_dim=10, positional_encoding="embedding", positional_embedding_size=80,
            num_attention_heads=5,
        ),
    ),  # fmt: skip
    "composed": tagger(
        encoder={
            "type": "compose",
            "encoders": [
                {"type": "pass_through", "input_dim": 31},
                {"type": "compose", "encoders": [transformer()]},
                {"type": "feedforward", "feedforward": {"input_dim": 31, "num_layers": 1,
                 "hidden_dims": 12, "activations": "tanh"}},
                {"type": "pytorch_transformer", "input_dim": 12, "num_layers": 1,
                 "num_attention_heads": 3, "feedforward_hidden_dim": 7},
            ],
        }
    ),
    "composed recurrences": tagger(
        encoder={
            "type": "compose",
            "encoders": [
                bidirectional("lstm", bidirectional=True),
                bidirectional("gru", 16, bidirectional=True),
            ],
        }
    ),
    "characters by gru, both ways": tagger(
        embedders={"tokens": WORD_EMBEDDER, "characters": {**CNN, "encoder": {
            "type": "gru", "input_size": 6, "hidden_size": 5, "num_layers": 2, "bidirectional": True}}},
        encoder=bidirectional("lstm", 20),
    ),
    "characters by lstm, one way": tagger(
        embedders={"tokens": WORD_EMBEDDER, "characters": {**CNN, "encoder": {
            "type": "lstm", "input_size": 6, "hidden_size": 5, "bias": False}}},
        encoder=bidirectional("lstm", 15),
    ),
    "no ends, no constraints": tagger(
        label_encoding=None, include_start_end_transitions=False
    ),
    "words alone, case kept": tagger(
        indexers={"tokens": {"type": "single_id"}},
        embedders={"tokens": {**WORD_EMBEDDER, "projection_dim": 6}},
        encoder=bidirectional("lstm", 6, bias=False),
    ),
    "gru": tagger(encoder=bidirectional("gru", bidirectional=True, dropout=0.3)),
    "one way, no bias": tagger(encoder=bidirectional("gru", bias=False)),
    "highways": tagger(encoder=bidirectional("stacked_bidirectional_lstm")),
    "no highways": tagger(
        encoder=bidirectional(
            "stacked_bidirectional_lstm", use_highway=False, recurrent_dropout_probability=0.2
        )
    ),
    "pass-through and feed-forward": tagger(
        encoder={"type": "pass_through", "input_dim": 31},
        feedforward={
            "input_dim": 31, "num_layers": 3, "hidden_dims": [12, 7, 5], "dropout": 0.1,
            "activations": ["relu", "gelu", "tanh"],
        },
    ),  # fmt: skip
    "feed-forward encoder": tagger(
        encoder={
            "type": "feedforward",
            "feedforward": {
                "input_dim": 31, "num_layers": 4, "hidden_dims": 6,
                "activations": ["selu", "swish", "mish", {"type": "leaky_relu"}],
            },
        }
    ),  # fmt: skip
    "characters by lstm": tagger(
        embedders={"tokens": WORD_EMBEDDER, "characters": CHARACTER_LSTM},
        encoder=bidirectional("lstm", 20),
    ),
    "bytes by gru": tagger(
        indexers={"b": BYTES, "a": WORDS},
        embedders={"a": WORD_EMBEDDER, "b": BYTE_GRU},
        encoder=bidirectional("lstm", 15),
    ),
    "cnn with tanh and projection": tagger(
        indexers={"characters": {**CHARACTERS, "character_tokenizer": {"lowercase_characters": True,
                  "start_tokens": ["<"], "end_tokens": [">", "T"]}}},
        embedders={"characters": cnn_with(conv_layer_activation="tanh", output_dim=9)},
        encoder=bidirectional("lstm", 9),
    ),  # fmt: skip
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_equals_allennlp(name: str, archive_of: Any, sentences: Any) -> None:
    path = archive_of(CONFIGS[name])
    files = student_files(path)
    student = open_student({**files, "manifest.json": sum_up(files)})
    emissions = {}

    def keep(**inputs: Any) -> Any:
        outputs = network(**inputs)
        for slots, length in zip(inputs["slots"], inputs["lengths"]):
            emissions.setdefault(int(length), []).append(outputs[0][slots[:length]])
        return outputs

    network, student._network = student._network, keep
    found = student(sentences)
    expected = predict(path, sentences)
    # Stock's simple_tagger tags padding, too.
    assert [output["tags"][: len(words)] for output, words in zip(expected, sentences)] == found
    for output, words in zip(expected, sentences):
        differences = [
            numpy.abs(output["logits"][: len(words)] - row).max() for row in emissions[len(words)]
        ]
        assert min(differences) < 1e-5 + 2e-6 * numpy.abs(output["logits"]).max()
    # Else equality would say little. Layer normalization leaves random networks less variety.
    logits = numpy.concatenate([output["logits"] for output in expected])
    assert len({tag for tags in found for tag in tags}) > 2 or logits.std(axis=0).max() > 0.2


def test_a_word_is_the_same_beside_longer_ones(archive_of: Any) -> None:
    files = student_files(archive_of(CONFIGS["lstm"]))
    student = open_student({**files, "manifest.json": sum_up(files)})
    alone = student._encode([["a", "fox"]])
    beside = open_student({**files, "manifest.json": sum_up(files)})._encode(
        [["antidisestablishmentarianism" * 4, "a", "fox"]]
    )
    assert numpy.allclose(alone, beside[1:], atol=1e-6)


def test_archives_of_distillation_are_read_inside(archive_of: Any, tmp_path: Any) -> None:
    import json

    from spacy_bridge.packaging.archive.student_archive import StudentArchive

    config = tagger()
    folder = archive_of(config).parent
    inner = {name: part for name, part in config.items() if name != "tags"}
    wrapped = {
        "dataset_reader": {"type": "distillation", "reader": inner["dataset_reader"]},
        "model": {"type": "distillation", "student": inner["model"], "alpha": 0.5},
    }
    (tmp_path / "run" / "vocabulary").mkdir(parents=True)
    for path in folder.glob("vocabulary/*.txt"):
        (tmp_path / "run" / "vocabulary" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "run" / "best.th").write_bytes((folder / "weights.th").read_bytes())
    (tmp_path / "run" / "config.json").write_text(json.dumps(wrapped))
    opened = StudentArchive(tmp_path / "run")
    assert opened.model["type"] == "crf_tagger"
    assert opened.reader["type"] == "sequence_tagging"
    assert student_files(tmp_path / "run") == student_files(archive_of(config))
