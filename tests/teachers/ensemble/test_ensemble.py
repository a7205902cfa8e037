import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, Vocabulary

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.models.distillation import Distillation
from allennlp_kd.structs.chain import log_node_marginals
from allennlp_kd.structs.tree import FactoredLabels, log_head_probabilities
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.converted_teacher import ConvertedTeacher
from allennlp_kd.teachers.ensemble.ensemble_teacher import EnsembleTeacher
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from allennlp_kd.teachers.teacher import Teacher
from tests.models.parsing import instances, parser
from tests.structs.chain import enumeration
from tests.teachers.archive.test_archive import SENTENCES, collated, instance
from tests.teachers.archives import relabelled, train_tagger
from tests.teachers.parsers import (
    WORDS,
    collated as collated_trees,
    opened,
    student_instance,
    train_parser,
)

KEYS = [Sentence(words) for words in SENTENCES]


@pytest.fixture(scope="session")
def character_tagger(tmp_path_factory) -> str:
    """Of another vocabulary and another tokenizer."""
    embedder = {
        "type": "character_encoding",
        "embedding": {"embedding_dim": 3, "vocab_namespace": "token_characters"},
        "encoder": {"type": "boe", "embedding_dim": 3},
    }
    return train_tagger(
        tmp_path_factory.mktemp("characters"),
        {"type": "characters", "min_padding_length": 3},
        text_field_embedder={"token_embedders": {"tokens": embedder}},
        encoder={"type": "lstm", "input_size": 3, "hidden_size": 3},
    )


@pytest.fixture(scope="session")
def reordered_tagger(character_tagger, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("reordered") / "archive"
    return relabelled(character_tagger, folder, lambda labels: labels[::-1])


@pytest.fixture(scope="session")
def wide_parser(plain_parser, tmp_path_factory) -> str:
    """Of other dimensions, and with its labels in another order."""
    archive = train_parser(
        tmp_path_factory.mktemp("wide"), with_tags=True, tag_representation_dim=4
    )
    return relabelled(
        archive, tmp_path_factory.mktemp("wide") / "archive", lambda labels: labels[::-1]
    )


def scored(teacher, sentences=SENTENCES):
    return teacher.potentials(collated(teacher, sentences)["value"])


def in_order(teacher, labels):
    """A live archive's potentials with these labels in this order."""
    return scored(teacher).select_tags([teacher.labels.index(label) for label in labels])


class TestChains:
    @pytest.fixture
    def members(self, tagger_archive, reordered_tagger):
        return [ArchiveTeacher(tagger_archive), ArchiveTeacher(reordered_tagger)]

    def test_mean_of_scores(self, members):
        ensemble = EnsembleTeacher(members, weights=[3, 1])
        assert ensemble.structure == "chain"
        assert ensemble.labels == members[0].labels != members[1].labels
        found = scored(ensemble)
        one, other = (in_order(member, ensemble.labels) for member in members)
        for row in (0, 1):
            logs = [enumeration.all_scores(each, row).log_softmax(0) for each in (one, other)]
            expected = (0.75 * logs[0] + 0.25 * logs[1]).log_softmax(0)
            torch.testing.assert_close(
                enumeration.all_scores(found, row).log_softmax(0), expected, rtol=1e-4, atol=1e-5
            )

    def test_mean_of_marginals(self, members):
        ensemble = EnsembleTeacher(members, combine="marginals")
        found = enumeration.log_node_marginals(scored(ensemble, SENTENCES[:2]))
        expected = [
            log_node_marginals(in_order(member, ensemble.labels))[:2, :3].exp()
            for member in members
        ]
        torch.testing.assert_close(found.exp(), sum(expected) / 2, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize("combine", ["potentials", "marginals"])
    def test_a_store_holds_its_answer(self, combine, members, tmp_path, monkeypatch):
        live = EnsembleTeacher(members, [1, 2], combine)
        expected = scored(live)
        directory = str(tmp_path / "store")
        assert StoreTeacher(directory, live).fill(KEYS) == len(KEYS)
        monkeypatch.setattr(ArchiveTeacher, "_open", lambda self: pytest.fail("it is opened"))
        again = [ArchiveTeacher(member.archive_file) for member in members]
        stored = StoreTeacher(directory, EnsembleTeacher(again, [0.5, 1.0], combine))
        found = scored(stored)
        assert stored.labels == live.labels and torch.equal(found.mask, expected.mask)
        for name in ("emissions", "transitions", "start", "end"):
            torch.testing.assert_close(
                getattr(found, name), getattr(expected, name), rtol=1e-5, atol=1e-5
            )
        other = StoreTeacher(directory, EnsembleTeacher(again, [1, 1], combine))
        with pytest.raises(ConfigurationError, match="another fingerprint"):
            _ = other.labels

    def test_of_stores_and_of_ensembles(self, members, tmp_path):
        expected = scored(EnsembleTeacher(members, [1, 1]))
        store = StoreTeacher(str(tmp_path / "store"), members[0])
        found = scored(EnsembleTeacher([store, EnsembleTeacher(members[1:])]))
        torch.testing.assert_close(found.emissions, expected.emissions, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(found.transitions, expected.transitions)

    def test_of_shared_labels(self, tagger_archive, tmp_path):
        def without_the_first(labels):
            return ["OTHER", *labels[1:]]

        fewer = relabelled(tagger_archive, tmp_path / "fewer", without_the_first)
        members = [ArchiveTeacher(tagger_archive), ArchiveTeacher(fewer)]
        ensemble = EnsembleTeacher(members, labels="shared")
        assert ensemble.labels == members[0].labels[1:]
        assert scored(ensemble).num_tags == len(members[0].labels) - 1
        with pytest.raises(
            ConfigurationError,
            match=rf"different labels. These labels are not common to all: {tagger_archive} has \['.*'\]; "
            rf"{fewer} has \['OTHER'\]. Set labels to 'shared'",
        ):
            _ = EnsembleTeacher(members).labels

    def test_from_a_configuration(self, tagger_archive):
        member = {"type": "archive", "archive_file": tagger_archive}
        config = {"type": "ensemble", "teachers": [member, dict(member)], "weights": [1, 3]}
        teacher = Teacher.from_params(Params(config))
        assert scored(teacher).num_tags == len(teacher.labels)
        assert teacher.name == f"the ensemble of {tagger_archive}, {tagger_archive}"

    def test_nothing_of_it_reaches_the_students_vocabulary(self, members):
        made = [instance(words) for words in SENTENCES]
        expected = Vocabulary.from_instances(made).get_token_to_index_vocabulary()
        EnsembleTeacher(members).attach(made)
        found = Vocabulary.from_instances(made)
        assert found.get_token_to_index_vocabulary() == expected
        assert not found.get_namespaces()
        field = made[0][Teacher.FIELD]
        assert len(field) == 3 and len(field.human_readable_repr()) == 2
        assert len(field.field.empty_field()) == 0


class TestTrees:
    @pytest.fixture
    def members(self, plain_parser, wide_parser):
        return [opened(plain_parser), opened(wide_parser)]

    def aligned(self, members, labels):
        potentials = []
        for member in members:
            found = member.potentials(collated_trees(member))
            potentials.append(found.select_tags([member.labels.index(each) for each in labels]))
        return potentials

    def test_mean_of_scores(self, members):
        ensemble = EnsembleTeacher(members, weights=[1, 3])
        found = ensemble.potentials(collated_trees(ensemble))
        assert isinstance(found.labels, FactoredLabels)
        assert found.labels.head.shape[2] == 6 + 4
        one, other = self.aligned(members, ensemble.labels)
        cells = found.arc_mask
        expected = (0.25 * one.label_scores() + 0.75 * other.label_scores())[cells]
        torch.testing.assert_close(found.label_scores()[cells], expected)
        arcs = [log_head_probabilities(each).masked_fill(~cells, 0) for each in (one, other)]
        expected = (0.25 * arcs[0] + 0.75 * arcs[1]).masked_fill(~cells, float("-inf"))
        torch.testing.assert_close(
            log_head_probabilities(found)[found.mask], expected[found.mask].log_softmax(1)
        )

    def test_mean_of_marginals(self, members):
        ensemble = EnsembleTeacher(members, combine="marginals")
        found = ensemble.potentials(collated_trees(ensemble))
        expected = [
            log_head_probabilities(each).exp() for each in self.aligned(members, ensemble.labels)
        ]
        torch.testing.assert_close(
            log_head_probabilities(found).exp()[found.mask], (sum(expected) / 2)[found.mask]
        )

    @pytest.mark.parametrize("dtype,tolerance", [("float32", 1e-5), ("float16", 4e-3)])
    def test_a_store_holds_its_answer(self, dtype, tolerance, members, tmp_path):
        live = EnsembleTeacher(members)
        expected = live.potentials(collated_trees(live))
        StoreTeacher(str(tmp_path / "store"), live, dtype=dtype).fill(WORDS)
        stored = StoreTeacher(str(tmp_path / "store"))
        found = stored.potentials(collated_trees(stored))
        assert stored.labels == live.labels
        assert stored._open().header["takes_tags"]  # one of the members does
        cells = expected.arc_mask
        for name in ("arcs", "label_scores"):
            one, other = (getattr(each, name) for each in (found, expected))
            one, other = (each if name == "arcs" else each() for each in (one, other))
            torch.testing.assert_close(one[cells], other[cells], rtol=tolerance, atol=tolerance)

    def test_a_store_cannot_hold_mean_marginals(self, members, tmp_path):
        ensemble = EnsembleTeacher(members, combine="marginals")
        with pytest.raises(
            ConfigurationError,
            match='combine "marginals" lacks: the ensemble of .*Set combine to "potentials"',
        ):
            StoreTeacher(str(tmp_path / "store"), ensemble).fill(WORDS)
        assert not list(tmp_path.glob("store/*"))

    @pytest.mark.parametrize("combine", ["potentials", "marginals"])
    def test_teaches(self, combine, members):
        """In training, and where the student's decisions are compared with its own."""
        made = [student_instance(sentence) for sentence in WORDS]
        for target, source in zip(made, instances()):
            for name in ("head_tags", "head_indices"):
                target.add_field(name, source[name])
        vocab = Vocabulary.from_instances(made)
        ensemble = EnsembleTeacher(members, combine=combine)
        ensemble.attach(made)
        student = parser("biaffine_parser_student", vocab)
        model = Distillation(vocab, student, ensemble, alpha=0.5)
        batch = Batch(made)
        batch.index_instances(vocab)
        loss = model(**batch.as_tensor_dict())["loss"]
        loss.backward()
        gradients = [each.grad for each in model.parameters() if each.grad is not None]
        assert torch.isfinite(loss) and all(torch.isfinite(each).all() for each in gradients)
        model.eval()(**batch.as_tensor_dict())
        assert 0 <= model.get_metrics(reset=True)["agreement"] <= 1


def test_of_converted_parsers(plain_parser, wide_parser):
    """They are told the student's tags; the reader's side, which is not, does without."""
    members = [opened(plain_parser), opened(wide_parser)]
    tags = [f"{offset}@{label}" for offset in ("-1", "+1", "0") for label in members[0].labels]
    reading, ensemble = (
        EnsembleTeacher([ConvertedTeacher(member, "relative_heads") for member in members])
        for _ in "ab"
    )
    ensemble.introduce(tags)
    assert ensemble.labels == tags and ensemble.structure == "chain"
    inputs = collated_trees(reading)
    found = ensemble.potentials(inputs)
    parts = []
    for number, member in enumerate(members):
        one = ConvertedTeacher(member, "relative_heads")
        one.introduce(tags)
        parts.append(one.potentials(inputs[str(number)]).emissions)
    expected = sum(parts) / 2
    possible = torch.isfinite(expected)
    sums = expected.masked_fill(~possible, 0).sum(dim=2, keepdim=True)
    expected = expected - sums / possible.sum(dim=2, keepdim=True)  # the canonical form
    torch.testing.assert_close(found.emissions[found.mask], expected[found.mask])
    assert (~possible & found.mask.unsqueeze(2)).any()


class TestErrors:
    def test_what_was_read_for_another_teacher(self, tagger_archive, other_tagger_archive):
        members = [ArchiveTeacher(tagger_archive), ArchiveTeacher(other_tagger_archive)]
        ensemble = EnsembleTeacher(members)
        for reading, has in (
            (members[0], "tokens, sentence, archive"),
            (EnsembleTeacher([*members, members[0]]), "0, 1, 2"),
        ):
            inputs = collated(reading)["value"]
            with pytest.raises(
                ConfigurationError,
                match=f"has the members 0, 1, .* read for another teacher .with {has}.: dataset",
            ):
                ensemble.potentials(inputs)

    def test_no_member(self):
        with pytest.raises(ConfigurationError, match="needs at least one teacher, found none"):
            EnsembleTeacher([])

    def test_number_of_weights(self):
        with pytest.raises(ConfigurationError, match="of 1 teachers needs 1 weights, found 2"):
            EnsembleTeacher([ArchiveTeacher("here")], weights=[1, 1])

    @pytest.mark.parametrize("wrong", [0, -1.5, float("nan"), float("inf")])
    def test_weights(self, wrong):
        with pytest.raises(ConfigurationError, match=f"greater than 0, found .*{wrong}"):
            EnsembleTeacher([ArchiveTeacher("a"), ArchiveTeacher("b")], weights=[1, wrong])

    def test_unknown_combination(self):
        with pytest.raises(
            ConfigurationError, match="combine must be one of potentials, marginals, found 'votes'"
        ):
            EnsembleTeacher([ArchiveTeacher("here")], combine="votes")

    def test_unknown_policy(self, tagger_archive):
        with pytest.raises(
            ConfigurationError, match="labels must be one of same, shared, found 'any'"
        ):
            _ = EnsembleTeacher([ArchiveTeacher(tagger_archive)], labels="any").labels

    def test_structures(self, tagger_archive, plain_parser):
        ensemble = EnsembleTeacher([ArchiveTeacher(tagger_archive), opened(plain_parser)])
        message = f"the same structure, found {tagger_archive}: chain, {plain_parser}: tree"
        with pytest.raises(ConfigurationError, match=message):
            ensemble.attach([instance(SENTENCES[0])])

    @pytest.mark.parametrize("policy", ["same", "shared"])
    def test_no_common_label(self, policy, tagger_archive, tmp_path):
        other = relabelled(
            tagger_archive, tmp_path / "other", lambda labels: [f"X-{each}" for each in labels]
        )
        ensemble = EnsembleTeacher(
            [ArchiveTeacher(tagger_archive), ArchiveTeacher(other)], labels=policy
        )
        with pytest.raises(
            ConfigurationError,
            match=rf"no common label: {tagger_archive} has \['.*'\]; {other} has \['X-.*'\]",
        ):
            _ = ensemble.labels

    def test_a_store_of_an_ensemble_of_stores(self, tagger_archive, tmp_path):
        inner = StoreTeacher(str(tmp_path / "inner"), ArchiveTeacher(tagger_archive))
        outer = StoreTeacher(str(tmp_path / "outer"), EnsembleTeacher([inner]))
        with pytest.raises(
            ConfigurationError, match=f"ensemble of archives, but one of .* is {tmp_path}/inner"
        ):
            outer.fill(KEYS)

    def test_a_store_of_a_store(self, tagger_archive, tmp_path):
        inner = StoreTeacher(str(tmp_path / "inner"), ArchiveTeacher(tagger_archive))
        with pytest.raises(
            ConfigurationError, match="an archive or an ensemble of archives, found StoreTeacher"
        ):
            StoreTeacher(str(tmp_path / "outer"), inner)
