import copy
import tarfile
from pathlib import Path

import pytest
import torch
from allennlp.common import Params, cached_transformers
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, Instance, Token, TokenIndexer, Vocabulary
from allennlp.data.fields import TextField
from allennlp.modules import TokenEmbedder
from allennlp.modules.token_embedders import PretrainedTransformerMismatchedEmbedder
from torch.nn import ModuleList
from transformers import AutoModel

from allennlp_kd.modules.carried_transformer import FOLDER
from allennlp_kd.modules.pretrained_transformer_layers_embedder import (
    PretrainedTransformerLayersEmbedder,
)
from allennlp_kd.modules.pretrained_transformer_layers_indexer import (
    PretrainedTransformerLayersIndexer,
)

SENTENCES = [
    ["the", "cats", "running", "."],
    ["dog"],
    ["a", "\u200b", "dogs", "sleeping", "the", "cat"],
]


def tensors(indexer: TokenIndexer, sentences=SENTENCES):
    fields = [TextField([Token(word) for word in words], {"t": indexer}) for words in sentences]
    batch = Batch([Instance({"text": field}) for field in fields])
    batch.index_instances(Vocabulary())
    return batch.as_tensor_dict()["text"]["t"]


def layers(embedder) -> int:
    transformer = embedder._matched_embedder.transformer_model
    return len(transformer.encoder.layer)


def embedded(embedder, inputs):
    with torch.no_grad():
        return embedder.eval()(**copy.deepcopy(inputs))


class TestForward:
    @pytest.mark.parametrize("kind", ["bert", "electra", "distilbert", "roberta"])
    @pytest.mark.parametrize("chosen", [2, [0, 2], [3, 1], None])
    def test_equals_a_transformer_cut_by_hand(self, checkpoint, kind, chosen):
        name = checkpoint(kind)
        inputs = tensors(PretrainedTransformerLayersIndexer(name))
        cut = AutoModel.from_pretrained(name).eval()
        inner = cut.transformer if kind == "distilbert" else cut.encoder
        indices = range(chosen) if isinstance(chosen, int) else chosen or range(4)
        inner.layer = ModuleList([inner.layer[index] for index in indices])
        with torch.no_grad():
            mask = inputs["wordpiece_mask"].float()
            pieces = cut(input_ids=inputs["token_ids"], attention_mask=mask).last_hidden_state
        for mode in ("avg", "first"):
            embedder = PretrainedTransformerLayersEmbedder(name, chosen, sub_token_mode=mode)
            found = embedded(embedder, inputs)
            assert embedder.get_output_dim() == 8
            assert found.shape == (3, 6, 8)
            for row, words in enumerate(SENTENCES):
                for column in range(len(words)):
                    first, last = inputs["offsets"][row, column].tolist()
                    span = pieces[row, first : last + 1] if first >= 0 else torch.zeros(1, 8)
                    expected = span.mean(0) if mode == "avg" else span[0]
                    torch.testing.assert_close(found[row, column], expected, atol=1e-5, rtol=0)

    def test_long_sentences_are_folded_as_stock_does(self, checkpoint):
        name = checkpoint("bert")
        inputs = tensors(PretrainedTransformerLayersIndexer(name, max_length=6))
        assert inputs["token_ids"].shape[1] > 6
        stock = PretrainedTransformerMismatchedEmbedder(name, max_length=6)
        ours = PretrainedTransformerLayersEmbedder(name, max_length=6)
        torch.testing.assert_close(embedded(ours, inputs), embedded(stock, inputs))

    def test_a_scalar_mix_is_over_the_chosen_layers(self, checkpoint):
        name = checkpoint("bert")
        embedder = PretrainedTransformerLayersEmbedder(name, [0, 2], last_layer_only=False)
        assert embedder._matched_embedder._scalar_mix.mixture_size == 2
        assert embedded(embedder, tensors(PretrainedTransformerLayersIndexer(name))).shape[2] == 8

    def test_every_trained_weight_gets_a_gradient(self, checkpoint):
        name = checkpoint("bert")
        embedder = PretrainedTransformerLayersEmbedder(name, 2).train()
        embedder(**tensors(PretrainedTransformerLayersIndexer(name))).square().sum().backward()
        assert [key for key, value in embedder.named_parameters() if value.grad is None] == []

    def test_frozen(self, checkpoint):
        embedder = PretrainedTransformerLayersEmbedder(checkpoint(), 1, train_parameters=False)
        assert not any(parameter.requires_grad for parameter in embedder.parameters())


class TestDepthInOneProcess:
    @pytest.mark.parametrize("student_first", [True, False])
    def test_stock_teacher_and_student_have_their_own(self, checkpoint, student_first):
        name = checkpoint("bert", depth=4)
        build = {
            4: lambda: PretrainedTransformerMismatchedEmbedder(name),
            2: lambda: PretrainedTransformerLayersEmbedder(name, 2),
            1: lambda: PretrainedTransformerLayersEmbedder(name, [3]),
        }
        depths = sorted(build, reverse=not student_first)
        built = {depth: build[depth]() for depth in depths}
        assert {depth: layers(embedder) for depth, embedder in built.items()} == {4: 4, 2: 2, 1: 1}

    def test_nothing_is_left_in_the_cache(self, checkpoint):
        before = set(cached_transformers._model_cache), set(cached_transformers._tokenizer_cache)
        name = checkpoint("bert")
        PretrainedTransformerLayersEmbedder(name, 2)
        PretrainedTransformerLayersIndexer(name)
        after = set(cached_transformers._model_cache), set(cached_transformers._tokenizer_cache)
        assert after == before

    def test_a_poisoned_cache_is_not_read(self, checkpoint):
        name = checkpoint("bert", depth=4)
        shallow = {"num_hidden_layers": 1}
        PretrainedTransformerMismatchedEmbedder(name, transformer_kwargs=shallow)
        assert layers(PretrainedTransformerLayersEmbedder(name, 3)) == 3


class TestTeachersWeights:
    @pytest.fixture
    def archive(self, checkpoint, tmp_path):
        """A stock teacher, as its archive holds it, that left its checkpoint behind."""
        name = checkpoint("bert", depth=4)
        teacher = PretrainedTransformerMismatchedEmbedder(name)
        with torch.no_grad():
            for parameter in teacher.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        state = {"embedder." + key: value.half() for key, value in teacher.state_dict().items()}
        torch.save(state, tmp_path / "weights.th")
        with tarfile.open(tmp_path / "teacher.tar.gz", "w:gz") as file:
            file.add(tmp_path / "weights.th", arcname="weights.th")
        return name, str(tmp_path / "teacher.tar.gz"), teacher

    def test_are_taken_layer_by_layer(self, archive):
        name, path, teacher = archive
        student = PretrainedTransformerLayersEmbedder(name, [1, 3], from_archive=path)
        mine, theirs = student._transformer, teacher._matched_embedder.transformer_model
        pairs = [(mine.embeddings, theirs.embeddings)]
        pairs += [(mine.encoder.layer[i], theirs.encoder.layer[j]) for i, j in ((0, 1), (1, 3))]
        for one, other in pairs:
            other = dict(other.named_parameters())
            for key, value in one.named_parameters():
                assert value.dtype == torch.float32
                assert torch.equal(value, other[key].half().float()), key

    def test_layers_are_counted_in_the_archive(self, archive):
        name, path, _ = archive
        with pytest.raises(ConfigurationError, match="from 0 to 3.*found 4"):
            PretrainedTransformerLayersEmbedder(name, [0, 4], from_archive=path)

    def test_another_architecture_is_refused(self, archive, checkpoint):
        _, path, _ = archive
        other = checkpoint("electra", name="other")
        with pytest.raises(ConfigurationError, match="teacher.tar.gz.*no embeddings_project"):
            PretrainedTransformerLayersEmbedder(other, 2, from_archive=path)


class TestOptions:
    def test_registered(self, checkpoint):
        params = {"type": "pretrained_transformer_layers", "model_name": checkpoint()}
        assert isinstance(
            TokenIndexer.from_params(Params(dict(params))), PretrainedTransformerLayersIndexer
        )
        for chosen, depth in ((3, 3), ([0, 2], 2)):
            embedder = TokenEmbedder.from_params(Params({**params, "layers": chosen}))
            assert layers(embedder) == depth

    def test_a_bad_mode(self, checkpoint):
        with pytest.raises(ConfigurationError, match="'avg' or 'first', found 'last'"):
            PretrainedTransformerLayersEmbedder(checkpoint(), 1, sub_token_mode="last")

    def test_a_prefix_without_an_archive(self, checkpoint):
        with pytest.raises(
            ConfigurationError, match="archive_prefix needs from_archive, found archive_prefix 'x.'"
        ):
            PretrainedTransformerLayersEmbedder(checkpoint(), 1, archive_prefix="x.")

    def test_a_missing_checkpoint(self, tmp_path):
        path = str(tmp_path / "absent")
        for build in (PretrainedTransformerLayersEmbedder, PretrainedTransformerLayersIndexer):
            with pytest.raises(ConfigurationError, match=f"not a folder: '{path}'"):
                build(path)

    def test_two_depths_need_two_names(self, checkpoint, tmp_path):
        name, run = checkpoint(), dict(serialization_dir=str(tmp_path / "run"), local_rank=0)
        PretrainedTransformerLayersEmbedder(name, 2, **run)
        with pytest.raises(ConfigurationError, match="carried_as of its own"):
            PretrainedTransformerLayersEmbedder(name, 3, **run)
        PretrainedTransformerLayersEmbedder(name, 3, carried_as="deep", **run)
        assert len(list((tmp_path / "run" / FOLDER).iterdir())) == 2


class TestCarried:
    def build(self, name, run, local_rank):
        where = dict(serialization_dir=str(run), local_rank=local_rank)
        kwargs = {"do_lower_case": False}
        indexer = PretrainedTransformerLayersIndexer(name, tokenizer_kwargs=kwargs, **where)
        embedder = PretrainedTransformerLayersEmbedder(
            name, [0, 2], tokenizer_kwargs=kwargs, **where
        )
        return indexer, embedder

    @pytest.mark.parametrize("kind", ["bert", "electra", "distilbert", "roberta"])
    def test_the_carried_files_are_all_that_loading_needs(self, checkpoint, tmp_path, kind):
        name, run = checkpoint(kind), tmp_path / "run"
        indexer, embedder = self.build(name, run, 0)
        carried = run / FOLDER / "transformer"
        assert not any(path.suffix in (".bin", ".safetensors") for path in carried.iterdir())
        assert not any(str(tmp_path) in path.read_text("utf-8") for path in carried.iterdir())
        (tmp_path / "checkpoint").rename(tmp_path / "gone")
        moved = run.rename(tmp_path / "moved")
        loaded_indexer, loaded = self.build(name, moved, None)
        loaded.load_state_dict(embedder.state_dict())
        inputs = tensors(indexer)
        for key, value in tensors(loaded_indexer).items():
            assert torch.equal(value, inputs[key]), key
        assert torch.equal(embedded(loaded, inputs), embedded(embedder, inputs))

    def test_a_resumed_run_starts_from_the_checkpoint_again(self, checkpoint, tmp_path):
        name = checkpoint()
        _, first = self.build(name, tmp_path / "run", 0)
        _, resumed = self.build(name, tmp_path / "run", 0)
        state = first.state_dict()
        assert all(torch.equal(value, state[key]) for key, value in resumed.state_dict().items())

    def test_the_vocabulary_is_read_as_before(self, checkpoint, tmp_path):
        self.build(checkpoint(), tmp_path, 0)
        folder = tmp_path / "vocabulary"
        Vocabulary.empty().save_to_files(str(folder))
        assert Path(folder, ".transformers").is_dir()
        assert set(Vocabulary.from_files(str(folder)).get_namespaces()) == set()
