"""`allennlp kd-init`: write the configuration of a distillation."""

import argparse
import json
import os
import shlex
from pathlib import Path
from typing import Any, List

from allennlp.commands.subcommand import Subcommand
from overrides import overrides

from allennlp_kd.commands.console import quiet_console
from allennlp_kd.commands.errors import one_line_errors

STUDENTS = ("small", "medium", "large")
PROCESSORS = ("ner", "pos", "depparse")


@Subcommand.register("kd-init")
class KdInit(Subcommand):
    """Writes one complete, commented configuration from a teacher and a corpus.

    It checks formats and labels, prints the size of the corpus, and estimates how long scoring and
    training will take on this machine.
    """

    @overrides
    def add_subparser(self, parser: argparse._SubParsersAction) -> argparse.ArgumentParser:
        description = "Write the configuration of a distillation from a teacher and a corpus."
        subparser = parser.add_parser(self.name, description=description, help=description)
        subparser.add_argument(
            "teacher",
            help="an AllenNLP archive, a transformers checkpoint (a folder or a name on the "
            "Hugging Face Hub), a Stanza model, or a file of annotations",
        )
        subparser.add_argument("--train", required=True, help="the annotated training file")
        subparser.add_argument("--dev", required=True, help="the annotated development file")
        subparser.add_argument(
            "--text",
            nargs="+",
            default=[],
            help="files of unlabeled text for the teacher to annotate",
        )
        subparser.add_argument(
            "--language", default="en", help="the language of the text, as spaCy's code"
        )
        subparser.add_argument(
            "--processor",
            choices=PROCESSORS,
            help="which of Stanza's models is the teacher, where a folder has several",
        )
        subparser.add_argument(
            "--student", choices=STUDENTS, default="small", help="the size of the student"
        )
        subparser.add_argument(
            "--tenth",
            action="store_true",
            help="train on the gold of a tenth of the sentences; the teacher scores all of them",
        )
        subparser.add_argument(
            "--transformer",
            metavar="FOLDER",
            help="the folder of the transformer that the archive names",
        )
        subparser.add_argument(
            "--trust",
            action="store_true",
            help="let the teacher's archive name files and models outside itself",
        )
        subparser.add_argument(
            "--output", default="distill.jsonnet", help="the configuration to write"
        )
        subparser.add_argument(
            "--force", action="store_true", help="replace an existing configuration"
        )
        subparser.add_argument(
            "--no-estimate",
            action="store_true",
            help="skip the time estimate, which needs a timed sample",
        )
        subparser.add_argument(
            "--explain", action="store_true", help="print the reason for each choice"
        )
        one_line_errors(subparser, _init)
        return subparser


def _init(arguments: argparse.Namespace) -> None:
    # The imports below are slow, and every `allennlp` command imports this module.
    from allennlp.common import Params
    from allennlp.common.checks import ConfigurationError

    from allennlp_kd.init_config.configuration import Choices, configuration, gaps, metric
    from allennlp_kd.init_config.corpus_profile import profile_corpus, reader_for
    from allennlp_kd.init_config.explanation import explanation, warnings_of
    from allennlp_kd.init_config.teacher_profile import profile_teacher
    from spacy_bridge.atomic_file import atomic_file

    quiet_console()
    output = Path(arguments.output)
    if output.exists() and not arguments.force:
        raise ConfigurationError(f"{output} already exists: give --force to replace it")
    for path in (arguments.train, arguments.dev, *arguments.text):
        if not os.path.isfile(path):
            what = "is a folder, expected a file" if os.path.isdir(path) else "does not exist"
            raise ConfigurationError(f"the file {path} {what}")
    print(f"Opening the teacher {arguments.teacher} ...", flush=True)
    teacher = profile_teacher(
        arguments.teacher,
        arguments.transformer,
        arguments.trust,
        arguments.language,
        arguments.processor,
    )
    print(_teacher_line(teacher))
    corpora: List[Any] = []
    for name in ("train", "dev"):
        path = getattr(arguments, name)
        corpora.append(profile_corpus(reader_for(teacher, arguments.train), path))
        print(f"{name}: {corpora[-1].sentences:,} sentences, {corpora[-1].words:,} words ({path})")
    text_words = sum(_count_words(path) for path in arguments.text)
    if arguments.text:
        print(f"text: about {text_words:,} words of unlabeled text")
    for corpus, path in zip(corpora, (arguments.train, arguments.dev)):
        for warning in warnings_of(teacher, corpus, path, whole=corpus is corpora[0]):
            print(f"warning: {warning}")
    choices = Choices(
        train=arguments.train,
        dev=arguments.dev,
        text=arguments.text,
        text_words=text_words,
        student=arguments.student,
        tenth=arguments.tenth,
        language=arguments.language,
        output=str(output),
        run=f"runs/{output.stem}",
    )
    content = configuration(teacher, corpora[0], choices)
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(output) as file:
        file.write(content.encode("utf-8"))
    # Read the written file exactly as `allennlp train` will.
    config = Params.from_file(str(output)).as_dict(quiet=True)
    if arguments.explain:
        print(explanation(teacher, choices, metric(teacher)))
    if not arguments.no_estimate:
        from allennlp_kd.init_config.estimate import estimate

        print("Timing a sample ...", flush=True)
        found = estimate(json.loads(json.dumps(config)))
        taught = corpora[0].words + text_words
        scoring = found.scoring * (taught + corpora[1].words)
        training = found.training * taught * config["trainer"]["num_epochs"]
        print(f"On this machine: scoring about {_time(scoring)}, training about {_time(training)}")
    for gap in gaps(teacher):
        print(f"check: {gap}")
    command = ["allennlp", "kd-distill", str(output), "-s", choices.run, "--package", "NAME"]
    if arguments.language != "en":
        command += ["--language", arguments.language]
    print(f"Wrote {output}. Next: {shlex.join(command)}")


def _teacher_line(teacher: Any) -> str:
    kind = {"chain": "tagger", "tree": "parser"}[teacher.structure]
    encoded = f" in {teacher.encoding}" if teacher.encoding else ""
    return f"teacher: a {kind} ({teacher.kind}) with {len(teacher.labels)} labels{encoded}"


def _count_words(path: str) -> int:
    with open(path, encoding="utf-8", errors="replace") as lines:
        return sum(len(line.split()) for line in lines)


def _time(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1:
        return "1 minute"
    return f"{minutes:,.0f} minutes" if minutes < 120 else f"{minutes / 60:,.1f} hours"
