"""Archives that mean harm, one a kind of attack."""

import tarfile
from collections import OrderedDict
from typing import NamedTuple

import torch

from tests.archives.building import (
    EMBEDDER,
    Build,
    Runs,
    at,
    by_name,
    carrying,
    configured,
    file_and_folder,
    file_named,
    hand_made_pickle,
    large,
    large_header,
    linked,
    many,
    oldest_format,
    packed_vocabulary,
    pax_of_digits,
    piped,
    program,
    read_differently,
    repeated,
    sparse,
    special,
    storage_beyond_its_bytes,
    through_a_linked_folder,
    tokenizer,
    weights,
    weights_bomb,
)


class Attack(NamedTuple):
    """
    # Parameters

    kind, name : `str`
    build : `Build`
        Makes the archive from `folder` and `outside`, and returns its path.
    message : `str`
        What the refusal says.
    """

    kind: str
    name: str
    build: Build
    message: str


INDEXER = "dataset_reader.token_indexers.tokens"
MISMATCHED = {"type": "pretrained_transformer_mismatched", "model_name": "some/model"}
LAYERS = {"type": "pretrained_transformer_layers", "model_name": "gone"}
INSIDE = "not a plain file inside it"
DAMAGED = "are damaged, or contain more than tensors"
JSON = "is not JSON"


def nested(depth: int) -> str:
    return '{"model": ' + "[" * depth + "]" * depth + "}"


ATTACKS = [
    Attack("tar", "absolute", file_named("{outside}/canary"), INSIDE),
    Attack("tar", "parent", file_named("../outside/canary"), INSIDE),
    Attack("tar", "parent of a folder inside", file_named("vocabulary/../../outside/canary"), INSIDE),
    Attack("tar", "parent of another system", file_named("..\\outside\\canary"), INSIDE),
    Attack("tar", "drive of another system", file_named("C:canary"), INSIDE),
    Attack("tar", "symbolic link", special("x", tarfile.SYMTYPE, "{outside}/secret.txt"), INSIDE),
    Attack("tar", "hard link", special("x", tarfile.LNKTYPE, "{outside}/secret.txt"), INSIDE),
    Attack("tar", "file behind a linked folder", through_a_linked_folder, INSIDE),
    Attack("tar", "character device", special("x", tarfile.CHRTYPE), INSIDE),
    Attack("tar", "block device", special("x", tarfile.BLKTYPE), INSIDE),
    Attack("tar", "pipe", special("x", tarfile.FIFOTYPE), INSIDE),
    Attack("tar", "sparse file", sparse, INSIDE),
    Attack("tar", "a file twice", file_named("config.json"), f"the member 'config.json' twice|{JSON}"),
    Attack("tar", "a file that is a folder", file_and_folder, "both a file and a folder"),
    Attack("tar", "size", large, "is larger than 0.002 GiB"),
    Attack("tar", "size of a header", large_header, "has a header of 157"),
    Attack("tar", "number of members", many, "more than 10,000 members"),
    Attack("tar", "a vocabulary to unpack", packed_vocabulary, "lacks vocabulary|no namespace"),
    Attack("folder", "linked weights", linked("weights.th"), "which is a link to .* outside it"),
    Attack("folder", "linked configuration", linked("config.json"), "which is a link to .* outside"),
    Attack("folder", "linked vocabulary", linked("vocabulary"), "which is a link to .* outside it"),
    Attack("folder", "linked labels", linked("vocabulary/labels.txt"), "which is a link to .* outside"),
    Attack("folder", "pipe", piped, INSIDE),
    Attack("weights", "pickle", weights(lambda outside: {"w": Runs(outside)}), DAMAGED),
    Attack("weights", "older pickle", weights(lambda outside: {"w": Runs(outside)},
           _use_new_zipfile_serialization=False), DAMAGED),
    Attack("weights", "pickle beside tensors", weights(lambda outside: OrderedDict(
           w=torch.zeros(2), x=[(1, Runs(outside))])), DAMAGED),
    Attack("weights", "name of a function", by_name, DAMAGED),
    Attack("weights", "module", weights(lambda outside: torch.nn.Linear(1, 1)), DAMAGED),
    Attack("weights", "program", program, DAMAGED),
    Attack("weights", "tar file of links", oldest_format, DAMAGED),
    Attack("weights", "bomb", weights_bomb, DAMAGED),
    Attack("weights", "storage beyond its bytes", storage_beyond_its_bytes, DAMAGED),
    Attack("weights", "tensor beyond its storage",
           weights(lambda outside: {"w": torch.zeros(1).expand(1 << 40)}), DAMAGED),
    Attack("weights", "no tensor", weights(lambda outside: {"w": 1}), "which is not a tensor"),
    Attack("weights", "no state", weights(lambda outside: [torch.zeros(1)]), "expected a dict"),
    Attack("jsonnet", "file", configured(
           lambda c, o: '{"model": importstr "%s"}' % (o / "secret.txt")), JSON),
    Attack("jsonnet", "import", configured(lambda c, o: 'import "%s"' % (o / "secret.txt")), JSON),
    Attack("jsonnet", "environment", configured(lambda c, o: '{"model": std.extVar("HOME")}'), JSON),
    Attack("jsonnet", "computation", configured(lambda c, o: '{"model": std.repeat("x", 1e9)}'), JSON),
    Attack("json", "depth", configured(lambda c, o: nested(100_000)), JSON),
    Attack("json", "a name twice", configured(
           lambda c, o: '{"model": {}, "model": {"type": "from_archive"}}'), "'model' occurs twice"),
    Attack("json", "no number", configured(lambda c, o: '{"model": NaN}'), JSON),
    Attack("class", "encoder", at("model.encoder.type", "hostile_module.Canary"), "the class"),
    Attack("class", "encoder as a string", at("model.encoder", "hostile_module.Canary"), "the class"),
    Attack("class", "model", at("model.type", "hostile_module.Canary"), "the class"),
    Attack("class", "student", at("model", {"type": "distillation", "student": {
           "type": "hostile_module.Canary"}}), "the class"),
    Attack("class", "indexer", at(f"{INDEXER}.type", "hostile_module.Canary"), "the class"),
    Attack("class", "reader", at("dataset_reader.type", "hostile_module.Canary"), "the class"),
    Attack("class", "in a list", at("model.encoder.parts", ["hostile_module.Canary"]), "the class"),
    Attack("class", "vocabulary", at("vocabulary.type", "hostile_module.Canary"), "the class"),
    Attack("class", "odd name", at("model.encoder.type", "hostile_module.*"), "the class"),
    Attack("archive", "model", at("model", {"type": "from_archive", "archive_file": "{outside}/x"}),
           "another archive,"),
    Attack("archive", "part", at("model.encoder", {"_pretrained": {"archive_file": "{outside}/x"}}),
           "names _pretrained,"),
    Attack("archive", "layers' weights", at(EMBEDDER, {"type": "pretrained_transformer_layers",
           "from_archive": "{outside}/x.tar.gz", "model_name": "x"}), "the path|the transformer"),
    Attack("transformer", "hub", at(f"{INDEXER}", MISMATCHED), "names the transformer 'some/model' in"),
    Attack("transformer", "hub, bare", at(EMBEDDER, {**MISMATCHED, "model_name": "bert-base-cased"}),
           "names the transformer 'bert-base-cased' in"),
    Attack("transformer", "absolute", at(f"{EMBEDDER}", {**MISMATCHED, "model_name": "{outside}"}),
           "names the transformer"),
    Attack("transformer", "parent", at(EMBEDDER, {**MISMATCHED, "model_name": "../outside"}),
           "names the transformer"),
    Attack("transformer", "beside", at(EMBEDDER, {**MISMATCHED, "model_name": "outside"}),
           "names the transformer"),
    Attack("transformer", "not carried", at(EMBEDDER, LAYERS), "names the transformer 'gone'"),
    Attack("transformer", "carried elsewhere", at(EMBEDDER, {**LAYERS, "carried_as": "../../outside"}),
           "names the transformer 'gone'|the path"),
    Attack("transformer", "code of the hub", at(EMBEDDER, {"type": "pretrained_transformer",
           "transformer_kwargs": {"trust_remote_code": True}}), "the option trust_remote_code,"),
    Attack("transformer", "tokenizer's file", at(INDEXER, {"type": "pretrained_transformer",
           "tokenizer_kwargs": {"vocab_file": "{outside}/secret.txt"}}), "the option vocab_file,"),
    Attack("transformer", "weights", at(EMBEDDER, {"type": "pretrained_transformer",
           "override_weights_file": "x.th"}), "the class 'x.th'|the file 'x.th'"),
    Attack("carried", "code", carrying(config__json='{"auto_map": {"AutoModel": "code.Model"}}',
           code__py="open('{outside}/canary', 'w')"), "as auto_map in|'vocabulary.*code.py'"),
    Attack("carried", "pickle", carrying(vocab__pkl="x"), "vocab.pkl' in its transformer"),
    Attack("carried", "file", carrying(tokenizer_config__json='{"vocab_file": "{outside}/secret.txt"}'),
           "as vocab_file in"),
    Attack("carried", "hub", carrying(config__json='{"_name_or_path": "some/model"}'),
           "as _name_or_path in"),
    Attack("carried", "kernel", carrying(config__json='{"_attn_implementation": "some/kernel"}'),
           "as _attn_implementation in"),
    Attack("carried", "hub, deeper", carrying(config__json='{"x": [{"backbone": "resnet50"}]}'),
           "as backbone in"),
    Attack("file", "absolute", at("dataset_reader.token_indexers.tokens.namespace",
           "{outside}/secret.txt"), "the path"),
    Attack("file", "parent", at("dataset_reader.coding_scheme", "../secret.txt"), "the path"),
    Attack("file", "home", at("dataset_reader.coding_scheme", "~root"), "the path"),
    Attack("file", "URL", at("dataset_reader.coding_scheme", "https://example.org/x"), "the URL"),
    Attack("file", "embeddings of a reader", at(f"{INDEXER}.pretrained_file", "x"), "the file 'x'"),
    Attack("file", "files", at(f"{INDEXER}.pretrained_files", {"tokens": "x"}), "the files"),
    Attack("file", "list of files", at(f"{INDEXER}.suite_files", ["x"]), "the file 'x'"),
    Attack("file", "ELMo", at(EMBEDDER, {"type": "elmo_token_embedder", "options_file": "x",
           "weight_file": "y"}), "the file 'x'|is downloaded"),
    Attack("file", "spaCy's pipeline", at("dataset_reader.tokenizer", {"type": "spacy",
           "language": "hostile_module"}), "the file 'hostile_module'|is downloaded"),
    Attack("file", "download of ELMo", at(f"{EMBEDDER}.type", "elmo_token_embedder"), "is downloaded"),
    Attack("file", "download of a pipeline", at("dataset_reader.tokenizer", {"type": "spacy"}),
           "is downloaded"),
    Attack("file", "other options", at("model.encoder.x_kwargs", {"a": 1}), "the option a,"),
    Attack("file", "folder to write to", at(f"{EMBEDDER}.serialization_dir", "outside"),
           "names serialization_dir,"),
    Attack("file", "leave to write", at(f"{EMBEDDER}.local_rank", 0), "names local_rank,"),
    Attack("file", "vocabulary", at("model.vocab", {"type": "from_files", "directory": "x"}),
           "names vocab,"),
    Attack("tar", "header of digits", pax_of_digits, "has a header of 3145728 bytes"),
    Attack("weights", "two zip files in one", read_differently, "expected a dict"),
    Attack("weights", "room for a terabyte", hand_made_pickle(b"\x96" + (1 << 40).to_bytes(8, "little")),
           "takes more than 1 GiB of memory"),
    Attack("weights", "list 900 deep", hand_made_pickle(b"]" * 900 + b"a" * 899), "expected a dict"),
    Attack("weights", "100,001 tensors", hand_made_pickle(b"}" + b"".join(
           b"J" + number.to_bytes(4, "little") + b"Ns" for number in range(100_001))), "100,001 tensors"),
    Attack("weights", "one storage shown often", weights(lambda outside: dict.fromkeys(
           map(str, range(40)), torch.zeros(1 << 16))), "its tensors show 10,485,760 bytes"),
    Attack("json", "lists 900 deep", configured(lambda c, o: nested(900)), "nested more than 64 levels deep"),
    Attack("json", "100,000 names, one twice", configured(lambda c, o: "{" + ", ".join(
           f'"{number}": 0' for number in range(100_000)) + ', "99999": 0}'), "'99999' occurs twice"),
    Attack("size", "encoder", at("model.encoder", {"type": "lstm", "input_size": 4, "hidden_size": 20_000}),
           "model larger than its weights|must have the shape"),
    Attack("size", "layers", at("model.encoder", {"type": "lstm", "input_size": 4, "hidden_size": 4,
           "num_layers": 10**9}), "num_layers = 1,000,000,000, but its weights allow at most 1,000,000"),
    Attack("size", "embedding", at(f"{EMBEDDER}.embedding_dim", 10**12), "embedding_dim = 1,000,000,000,000"),
    Attack("fetching", "tokenizer as a string", at("dataset_reader.tokenizer", "spacy"), "is downloaded"),
    Attack("fetching", "tokenizer of an indexer", at(f"{INDEXER}.character_tokenizer", "spacy"),
           "is downloaded"),
    Attack("fetching", "splitter as a string", at("dataset_reader.sentence_splitter", "spacy"),
           "is downloaded"),
    Attack("fetching", "ELMo as a string", at(EMBEDDER, "elmo_token_embedder"), "is downloaded"),
    Attack("carried", "model as the tokenizer", carrying(
           tokenizer_config__json='{"tokenizer_class": "AutoModel"}'), "'AutoModel' as tokenizer_class in"),
    Attack("carried", "other tokenizer", carrying(
           config__json='{"model_type": "bert", "tokenizer_class": "RagTokenizer"}'),
           "'RagTokenizer' as tokenizer_class in"),
    Attack("carried", "architecture of parts", carrying(config__json='{"model_type": "timm_backbone"}'),
           "'timm_backbone' as model_type in"),
    Attack("carried", "list of other files", carrying(pytorch_model__bin__index__json='{"weight_map": {}}'),
           "pytorch_model.bin.index.json' in its transformer"),
    Attack("carried", "adapter", carrying(
           adapter_config__json='{"base_model_name_or_path": "{outside}"}'),
           "adapter_config.json' in its transformer"),
    Attack("carried", "tokenizer that doubles", carrying(tokenizer__json=repeated(40)),
           "make a text 1,099,511,627,776 times longer"),
    Attack("carried", "tokenizer that pads", carrying(tokenizer__json=tokenizer(
           padding={"strategy": {"Fixed": 10**12}})), "padding.strategy.Fixed = 1,000,000,000,000"),
    Attack("carried", "expression without end", carrying(tokenizer__json=tokenizer(
           pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"})),
           "the regular expression '\\(a\\+\\)\\+\\$'"),
    Attack("carried", "huge layers", carrying(
           config__json='{"model_type": "bert", "hidden_size": 1000000000000}'),
           "hidden_size = 1,000,000,000,000"),
    Attack("carried", "settings 900 deep", carrying(config__json=nested(900)), "nested more than 64 levels deep"),
]  # fmt: skip
