"""Packaging. What `pip install allennlp-kd` installs is what serving needs; training is an extra."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

# What the packaged pipelines run on: no torch, no AllenNLP.
SERVING = [
    "murmurhash>=1.0.2,<1.1",
    "numpy>=1.21",
    "onnxruntime>=1.16,<2",
    "safetensors>=0.4",
    "spacy>=3.3,<3.9",
]

# AllenNLP 2.10.1 pins torch<1.13, spacy<3.4, transformers<4.21, so this resolves on Python 3.10. Newer
# Pythons take requirements/modern-py311.txt with --no-deps. Upper bounds that AllenNLP lacks and needs:
# nltk 3.10 refuses its fixtures' paths, setuptools 81 has no pkg_resources, spaCy 3.3 and torch 1.12 are
# built for numpy 1.
TRAIN = [
    "allennlp==2.10.1",
    "allennlp-models==2.10.1",
    "jsonnet",
    "nltk<3.10",
    "numpy<1.24",
    "onnx>=1.14",
    "overrides>=7.7,<8",
    "setuptools<81",
    "torch",
]

# What reads an archive and builds its ONNX graph: `python -m spacy_bridge package`.
PACKAGE = ["onnx>=1.14", "torch"]

# The teacher `stanza`.
STANZA = ["stanza>=1.8"]

TRANSFORMER = ["tokenizers>=0.12"]

# The page and the plots of `allennlp kd-compare`.
REPORT = ["jinja2>=3", "matplotlib>=3.6"]

# `--workers` and `--scheduler` of the commands that go over a corpus; corpora in Parquet files.
CLUSTER = ["distributed>=2023.10"]
PARQUET = ["pyarrow>=12"]

TEST = ["hypothesis", "pytest"]


def version() -> str:
    text = (HERE / "allennlp_kd" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE).group(1)


setup(
    name="allennlp-kd",
    version=version(),
    description=(
        "Sub-structured knowledge distillation for AllenNLP taggers and dependency parsers, served by spaCy"
    ),
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    project_urls={"Paper": "https://arxiv.org/abs/2203.04825"},
    packages=find_packages(
        include=[
            "allennlp_kd",
            "allennlp_kd.*",
            "spacy_bridge",
            "spacy_bridge.*",
        ]
    ),
    package_data={
        "allennlp_kd.init_config": ["templates/*"],
        "allennlp_kd.report.page": ["templates/*"],
    },
    python_requires=">=3.10,<3.14",
    install_requires=SERVING,
    extras_require={
        "train": TRAIN,
        "package": PACKAGE,
        "stanza": STANZA,
        "transformer": TRANSFORMER,
        "report": REPORT,
        "cluster": CLUSTER,
        "parquet": PARQUET,
        "test": TEST,
    },
    # spaCy finds the components by name, without an import of the bridge.
    entry_points={
        "spacy_factories": [
            "kd_chunker = spacy_bridge.components.chunker:make_chunker",
            "kd_ner = spacy_bridge.components.entities:make_entities",
            "kd_pos_parser = spacy_bridge.components.parser:make_pos_parser",
            "kd_tag_parser = spacy_bridge.components.parser:make_tag_parser",
            "kd_parser = spacy_bridge.components.parser:make_parser",
            "kd_senter = spacy_bridge.components.senter:make_senter",
            "kd_pos_tagger = spacy_bridge.components.tagger:make_pos_tagger",
            "kd_tagger = spacy_bridge.components.tagger:make_tagger",
        ]
    },
    classifiers=[
        "Development Status :: 5 - Production/Stable",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Operating System :: POSIX :: Linux",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Text Processing :: Linguistic",
    ],
)
