"""The files of a `transformers` checkpoint."""

import hashlib
import json
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import torch
from allennlp.common.checks import ConfigurationError

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.carried_files import read_transformer_file, without_places
from allennlp_kd.archives.tensors import load_tensors

CONFIG, INDEX = "config.json", "model.safetensors.index.json"
WEIGHTS, PICKLED = "model.safetensors", "pytorch_model.bin"
TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "spm.model",
)  # fmt: skip
UNNAMED = re.compile(r"LABEL_\d+")


class CheckpointFiles:
    """The folder of a checkpoint; only files with known names are read.

    # Parameters

    folder : `Path`
    where : `str`
        The checkpoint's name, for errors.
    trust : `bool`
        Whether weights may be read from a pickle (only tensors), and tokenizers and architectures may
        be of any class of `transformers`.
    """

    def __init__(self, folder: Path, where: str, trust: bool) -> None:
        self.folder = folder
        self.where = where
        self._trust = trust
        self.config = self._json(CONFIG)
        for name in (CONFIG, "tokenizer_config.json"):
            if (folder / name).is_file() and "auto_map" in self._json(name):
                raise ConfigurationError(
                    f"{where}: {name} asks for code from the checkpoint (auto_map), which is never "
                    "run"
                )
        architectures = self.config.get("architectures") or []
        if not any(str(each).endswith("ForTokenClassification") for each in architectures):
            raise ConfigurationError(
                f"{where} is not a token classifier: its config.json has the architectures "
                f"{architectures}, expected one that ends in ForTokenClassification"
            )

    @classmethod
    def find(cls, name: str, revision: Optional[str], trust: bool) -> "CheckpointFiles":
        """Finds the checkpoint in a folder or on the Hugging Face Hub.

        # Raises

        ConfigurationError
            If there is none.
        """
        if Path(name).is_dir():
            if revision is not None:
                raise ConfigurationError(
                    f"revision needs a name on the Hugging Face Hub, but {name} is a folder; found "
                    f"'{revision}'"
                )
            return cls(Path(name), name, trust)
        from huggingface_hub import snapshot_download

        wanted = [CONFIG, INDEX, "*.safetensors", *TOKENIZER, *([PICKLED] if trust else [])]
        try:
            folder = snapshot_download(name, revision=revision, allow_patterns=wanted)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{name} is neither a folder nor a checkpoint on the Hugging Face Hub that can be "
                f"opened: {error}"
            ) from error
        return cls(Path(folder), name, trust)

    def labels(self, names: Optional[List[str]] = None) -> List[str]:
        """The names of the labels in the order of the logits.

        # Raises

        ConfigurationError
            If they have no names, or the given ones are not as many.
        """
        given = self.config.get("id2label")
        if not isinstance(given, dict) or {*given} != {str(n) for n in range(len(given))}:
            raise ConfigurationError(
                f"{self.where}: id2label in config.json must name the labels 0, 1, ..., found {given}"
            )
        found = [str(given[str(number)]) for number in range(len(given))]
        if names is not None:
            if len(names) != len(found):
                raise ConfigurationError(
                    f"{self.where} has {len(found)} labels, but label_names has {len(names)}"
                )
            return list(names)
        if any(UNNAMED.fullmatch(label) for label in found):
            raise ConfigurationError(
                f"{self.where} has labels without names ({', '.join(found[:3])}, ...): set "
                "label_names to their names, in order"
            )
        if len(set(found)) < len(found):
            raise ConfigurationError(f"{self.where} has the same name for several labels: {found}")
        return found

    def weight_files(self) -> List[Path]:
        """Returns the files with the weights.

        # Raises

        ConfigurationError
            If there are none that may be read.
        """
        if (self.folder / WEIGHTS).is_file():
            return [self.folder / WEIGHTS]
        if (self.folder / INDEX).is_file():
            names = sorted(set(map(str, self._json(INDEX).get("weight_map", {}).values())))
            outside = [name for name in names if Path(name).name != name]
            if outside or not names:
                raise ConfigurationError(
                    f"{self.where}: {INDEX} must name files in the same folder, found "
                    f"{outside or 'none'}"
                )
            return [self.folder / name for name in names]
        if (self.folder / PICKLED).is_file():
            if self._trust:
                return [self.folder / PICKLED]
            raise ConfigurationError(
                f"{self.where} has its weights only in {PICKLED}. Set `trust: true` to read its "
                "tensors, or save it with safe_serialization=True"
            )
        raise ConfigurationError(f"{self.where} has no weights: {WEIGHTS} is missing")

    def weights(self) -> Dict[str, torch.Tensor]:
        """Reads the weights to the CPU.

        # Raises

        ConfigurationError
            If a file is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        found: Dict[str, torch.Tensor] = {}
        for path in self.weight_files():
            try:
                if path.suffix == ".safetensors":
                    found.update(load_file(str(path)))
                else:
                    found.update(load_tensors(path, self.where))
            except (ArchiveError, OSError) as error:
                raise ConfigurationError(f"{self.where}: {error}") from error
            except SafetensorError as error:
                raise ConfigurationError(
                    f"{self.where}: {path.name} is damaged: {error}"
                ) from error
        return found

    @contextmanager
    def cleaned(self) -> Iterator[Path]:
        """A temporary folder with the files of the tokenizer and the architecture, for the duration
        of the context. With `trust`, it is the checkpoint's own folder.

        They name only known classes. What they say of places is left out: it is of the machine that
        saved them, and would be opened.

        # Raises

        ConfigurationError
            If a file names another class, is not JSON, or is a tokenizer that could take more than
            linear time or memory.
        """
        if self._trust:
            yield self.folder
            return
        with tempfile.TemporaryDirectory(prefix="allennlp-kd-") as made:
            for name in (CONFIG, *TOKENIZER):
                if not (self.folder / name).is_file():
                    continue
                content = (self.folder / name).read_bytes()
                if name.endswith(".json"):
                    try:
                        settings = read_transformer_file(name, content, self.where)
                    except ArchiveError as error:
                        raise ConfigurationError(str(error)) from error
                    if settings:
                        content = json.dumps(without_places(settings)).encode()
                (Path(made) / name).write_bytes(content)
            yield Path(made)

    def digest(self) -> str:
        """Returns a digest of all files that the scores depend on."""
        digest = hashlib.blake2b(digest_size=16)
        paths = [self.folder / name for name in (CONFIG, *TOKENIZER)] + self.weight_files()
        for path in paths:
            if path.is_file():
                digest.update(f"{path.name} {path.stat().st_size} ".encode())
                with open(path, "rb") as file:
                    for block in iter(lambda: file.read(1 << 20), b""):
                        digest.update(block)
        return digest.hexdigest()

    def _json(self, name: str) -> Dict[str, Any]:
        try:
            content = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigurationError(f"{self.where}: {name} is missing") from None
        except (ValueError, OSError, RecursionError) as error:
            raise ConfigurationError(f"{self.where}: {name} is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise ConfigurationError(f"{self.where}: {name} must contain an object")
        return content
