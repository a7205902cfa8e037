import json

import pytest
import torch
import transformers
from allennlp.common.checks import ConfigurationError
from allennlp.common.params import Params
from allennlp.data import Batch, Instance, Token
from allennlp.data.fields import TextField

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from allennlp_kd.teachers.teacher import Teacher
from allennlp_kd.teachers.transformers_teacher import TransformersTeacher
from tests.teachers.checkpoints import KINDS, LABELS, WORDS, write_checkpoint

SENTENCES = [tuple(WORDS), ("Berlin",), ("the", "unbelievable", "model", "."), ("words", "words")]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Folders by kind, made when asked for."""
    made = {}

    def folder(kind):
        if kind not in made:
            made[kind] = write_checkpoint(tmp_path_factory.mktemp("checkpoints") / kind, kind)
        return str(made[kind])

    return folder


def scored(teacher, sentences=SENTENCES):
    return teacher.score([Sentence(words) for words in sentences])


def logits_alone(folder, words):
    """The twin: the whole sentence through the network, by `transformers`' own classes."""
    config = transformers.AutoConfig.from_pretrained(folder)
    model = transformers.AutoModelForTokenClassification.from_config(config)
    from safetensors.torch import load_file

    model.load_state_dict(load_file(f"{folder}/model.safetensors"), strict=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    found = tokenizer(list(words), is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        return model.eval()(**found).logits[0], found.word_ids(0)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_the_logits_of_first_word_pieces(checkpoints, kind):
    teacher = TransformersTeacher(checkpoints(kind))
    found = scored(teacher)
    assert teacher.labels == LABELS
    assert found.lengths.tolist() == [len(words) for words in SENTENCES]
    assert not found.transitions.any() and not found.start.any() and not found.end.any()
    for row, words in enumerate(SENTENCES):
        logits, words_of = logits_alone(checkpoints(kind), words)
        for word in range(len(words)):
            expected = logits[words_of.index(word)]
            assert torch.allclose(found.emissions[row, word], expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_it_decides_what_the_pipeline_decides(checkpoints, kind):
    if transformers.__version__ < "4.30" and kind in ("roberta", "deberta-v2"):
        pytest.skip(
            "the pipeline of this version counts the space before a word as the word before it"
        )
    folder = checkpoints(kind)
    from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

    model = AutoModelForTokenClassification.from_config(AutoConfig.from_pretrained(folder))
    from safetensors.torch import load_file

    model.load_state_dict(load_file(f"{folder}/model.safetensors"), strict=False)
    pipeline = transformers.pipeline(
        "token-classification",
        model=model.eval(),
        tokenizer=AutoTokenizer.from_pretrained(folder),
        ignore_labels=[],
    )
    found = scored(TransformersTeacher(folder))
    for row, words in enumerate(SENTENCES):
        first = {}
        starts = [sum(len(word) + 1 for word in words[:n]) for n in range(len(words))]
        for piece in pipeline(" ".join(words)):
            word = max(n for n, start in enumerate(starts) if start <= max(piece["start"], 0) + 0)
            if piece["end"] > starts[word]:
                first.setdefault(word, piece["entity"])
        decided = [LABELS[tag] for tag in found.emissions[row, : len(words)].argmax(1).tolist()]
        assert decided == [first[word] for word in range(len(words))]


def test_mean_pooling(checkpoints):
    folder = checkpoints("bert")
    found = scored(TransformersTeacher(folder, pooling="mean"))
    logits, words_of = logits_alone(folder, SENTENCES[2])
    for word in range(len(SENTENCES[2])):
        places = [place for place, each in enumerate(words_of) if each == word]
        assert torch.allclose(found.emissions[2, word], logits[places].mean(0), atol=1e-5)


def test_long_sentences_are_scored_in_windows(checkpoints):
    folder = checkpoints("bert")
    teacher = TransformersTeacher(folder, max_length=10, overlap=4)
    words = ("the", "small") * 20
    found = scored(teacher, [words]).emissions[0]
    # "the" and "small" are one word piece each, so a window holds 8 words and the next starts 4 later.
    for word in range(len(words)):
        windows = [s for s in range(0, len(words), 4) if s <= word < s + 8 and s + 4 < len(words)]
        each = []
        for start in windows:
            part = words[start : start + 8]
            logits, _ = logits_alone(folder, part)
            context = min(word - start + 1, len(part) - (word - start))
            each.append((context, -start, logits[word - start + 1]))
        expected = max(each, key=lambda entry: entry[:2])[2]
        assert torch.allclose(found[word], expected, atol=1e-5), word
    with pytest.raises(
        ConfigurationError, match="overlap must be less than 8, the number of word pieces"
    ):
        scored(TransformersTeacher(folder, max_length=10, overlap=8))


def test_a_sentence_beyond_the_positions_is_cut(checkpoints):
    words = ("unbelievable",) * 30
    for kind in ("bert", "roberta", "deberta-v2"):
        found = scored(TransformersTeacher(checkpoints(kind), overlap=4), [words])
        assert torch.isfinite(found.emissions).all() and found.emissions.abs().sum(2).gt(0).all()


def test_a_word_without_word_pieces_scores_0(checkpoints):
    found = scored(TransformersTeacher(checkpoints("bert")), [("the", "\u200b", "small")])
    assert not found.emissions[0, 1].any() and found.emissions[0, 2].any()


def test_batches_do_not_change_scores(checkpoints):
    teacher = TransformersTeacher(checkpoints("roberta"))
    together = scored(teacher)
    for row, words in enumerate(SENTENCES):
        alone = scored(teacher, [words]).emissions[0]
        assert torch.allclose(together.emissions[row, : len(words)], alone, atol=1e-5)


def test_it_is_registered_and_reads_instances(checkpoints, tmp_path):
    config = {"type": "transformers", "model_name": checkpoints("bert")}
    teacher = Teacher.from_params(Params(dict(config)))
    instances = [Instance({"tokens": TextField([Token(w) for w in words])}) for words in SENTENCES]
    teacher.attach(instances)
    fields = [Instance({"teacher": each["teacher"]}) for each in instances]
    batch = Batch(fields).as_tensor_dict()["teacher"]
    live = teacher.potentials(batch["value"])
    store = StoreTeacher(str(tmp_path / "store"), Teacher.from_params(Params(dict(config))))
    store.attach(instances_again := [Instance({"tokens": each["tokens"]}) for each in instances])
    fields = [Instance({"teacher": each["teacher"]}) for each in instances_again]
    stored = store.potentials(Batch(fields).as_tensor_dict()["teacher"]["value"])
    assert torch.allclose(live.emissions, stored.emissions, atol=1e-5)
    assert store.labels == LABELS
    with pytest.raises(ConfigurationError, match="must be the same"):
        TransformersTeacher(checkpoints("electra")).potentials(batch["value"])
    with pytest.raises(ConfigurationError, match="read for a teacher of another type"):
        teacher.potentials({"tokens": {}})


def test_the_fingerprint_is_of_all_that_scores_depend_on(checkpoints, tmp_path):
    def fingerprint(folder, **options):
        return TransformersTeacher(str(folder), **options).fingerprint

    folder = write_checkpoint(tmp_path / "one", "bert")
    before = fingerprint(folder)
    assert fingerprint(write_checkpoint(tmp_path / "copy", "bert")) == before
    assert fingerprint(folder, pooling="mean") != before
    assert fingerprint(folder, max_length=12) != before
    assert fingerprint(folder, overlap=3) != before
    for name in ("tokenizer.json", "config.json", "model.safetensors"):
        changed = write_checkpoint(tmp_path / name, "bert")
        content = (changed / name).read_bytes()
        (changed / name).write_bytes(
            content[:-1] + bytes([content[-1] ^ 1]) if b"\0" in content else content + b" "
        )
        assert TransformersTeacher(str(changed)).fingerprint != before, name


class TestRefusals:
    def test_unknown_options(self):
        with pytest.raises(
            ConfigurationError, match="pooling must be one of first, mean, found 'x'"
        ):
            TransformersTeacher("folder", pooling="x")
        with pytest.raises(ConfigurationError, match="overlap must be at least 0, found -1"):
            TransformersTeacher("folder", overlap=-1)

    def changed(self, tmp_path, **config):
        folder = write_checkpoint(tmp_path / "checkpoint", "bert")
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
        return TransformersTeacher(str(folder))

    def test_no_token_classifier(self, tmp_path):
        teacher = self.changed(tmp_path, architectures=["BertForMaskedLM"])
        with pytest.raises(ConfigurationError, match="is not a token classifier.*BertForMaskedLM"):
            _ = teacher.labels

    def test_code_of_its_own(self, tmp_path):
        teacher = self.changed(tmp_path, auto_map={"AutoModel": "evil.Model"})
        with pytest.raises(ConfigurationError, match="auto_map.*never run"):
            _ = teacher.labels

    def test_labels_without_names(self, tmp_path):
        teacher = self.changed(tmp_path, id2label={str(n): f"LABEL_{n}" for n in range(5)})
        with pytest.raises(ConfigurationError, match="labels without names.*set label_names"):
            _ = teacher.labels
        named = TransformersTeacher(teacher.model_name, label_names=LABELS)
        assert named.labels == LABELS
        with pytest.raises(ConfigurationError, match="has 5 labels, but label_names has 1"):
            _ = TransformersTeacher(teacher.model_name, label_names=["O"]).labels

    def test_missing_files(self, tmp_path):
        folder = write_checkpoint(tmp_path / "checkpoint", "bert")
        (folder / "model.safetensors").unlink()
        with pytest.raises(
            ConfigurationError, match="has no weights: model.safetensors is missing"
        ):
            scored(TransformersTeacher(str(folder)))
        (folder / "config.json").write_text("{")
        with pytest.raises(ConfigurationError, match="config.json is not JSON"):
            scored(TransformersTeacher(str(folder)))
        (folder / "config.json").unlink()
        with pytest.raises(ConfigurationError, match="config.json is missing"):
            scored(TransformersTeacher(str(folder)))

    def test_damaged_weights(self, tmp_path):
        folder = write_checkpoint(tmp_path / "checkpoint", "bert")
        (folder / "model.safetensors").write_bytes(b"\xff" * 100)
        with pytest.raises(ConfigurationError, match="model.safetensors is damaged"):
            scored(TransformersTeacher(str(folder)))

    def test_missing_weights(self, tmp_path):
        from safetensors.torch import load_file, save_file

        folder = write_checkpoint(tmp_path / "checkpoint", "bert")
        weights = load_file(str(folder / "model.safetensors"))
        del weights["classifier.weight"]
        save_file(weights, str(folder / "model.safetensors"))
        with pytest.raises(ConfigurationError, match="lacks the weights classifier.weight"):
            scored(TransformersTeacher(str(folder)))

    def test_a_pickle_needs_trust(self, tmp_path):
        folder = write_checkpoint(tmp_path / "checkpoint", "bert", pickled=True)
        with pytest.raises(
            ConfigurationError, match="only in pytorch_model.bin. Set `trust: true`"
        ):
            scored(TransformersTeacher(str(folder)))
        same = write_checkpoint(tmp_path / "same", "bert")
        trusted = scored(TransformersTeacher(str(folder), trust=True))
        assert torch.equal(trusted.emissions, scored(TransformersTeacher(str(same))).emissions)

    def test_an_index_that_names_other_folders(self, tmp_path):
        folder = write_checkpoint(tmp_path / "checkpoint", "bert")
        (folder / "model.safetensors").rename(folder / "part.safetensors")
        index = folder / "model.safetensors.index.json"
        index.write_text(json.dumps({"weight_map": {"a": "part.safetensors"}}))
        assert scored(TransformersTeacher(str(folder))).emissions.any()
        index.write_text(json.dumps({"weight_map": {"a": "../part.safetensors"}}))
        with pytest.raises(ConfigurationError, match="must name files in the same folder"):
            scored(TransformersTeacher(str(folder)))

    @pytest.mark.attack("checkpoint", "teacher")
    @pytest.mark.parametrize("name, settings, message", [
        ("tokenizer_config.json", {"tokenizer_class": "AutoModel"}, "'AutoModel' as tokenizer_class"),
        ("config.json", {"model_type": "timm_backbone"}, "'timm_backbone' as model_type"),
        ("config.json", {"hidden_size": 10**12}, "hidden_size = 1,000,000,000,000"),
        ("tokenizer.json", {"padding": {"strategy": {"Fixed": 10**12}}}, "padding.strategy.Fixed"),
    ])  # fmt: skip
    def test_a_checkpoint_that_means_harm(self, name, settings, message, tmp_path):
        folder = write_checkpoint(tmp_path / "checkpoint", "bert")
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**content, **settings}))
        with pytest.raises(ConfigurationError, match=message):
            scored(TransformersTeacher(str(folder)))

    def test_places_elsewhere_are_left_out(self, tmp_path):
        folder = write_checkpoint(tmp_path / "checkpoint", "bert")
        before = scored(TransformersTeacher(str(folder)))
        for name in ("config.json", "tokenizer_config.json"):
            content = json.loads((folder / name).read_text())
            places = {"_name_or_path": "/elsewhere", "vocab_file": "/elsewhere/vocab.txt"}
            (folder / name).write_text(json.dumps({**content, **places}))
        assert torch.equal(scored(TransformersTeacher(str(folder))).emissions, before.emissions)

    def test_a_slow_tokenizer(self, tmp_path):
        folder = write_checkpoint(tmp_path / "checkpoint", "bert")
        for path in folder.glob("*token*"):
            path.unlink()
        (folder / "vocab.json").write_text('{"<unk>": 0, "a": 1}')
        (folder / "merges.txt").write_text("#version: 0.2\n")
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CTRLTokenizer"}')
        with pytest.raises(ConfigurationError, match="does not report which word a word piece"):
            scored(TransformersTeacher(str(folder), trust=True))

    def test_nothing_there(self, tmp_path):
        with pytest.raises(ConfigurationError, match="neither a folder nor a checkpoint"):
            scored(TransformersTeacher("nobody/has-this-checkpoint"))
        with pytest.raises(
            ConfigurationError, match="revision needs a name on the Hugging Face Hub"
        ):
            scored(TransformersTeacher(str(tmp_path), revision="main"))
