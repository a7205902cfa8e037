from tests.teachers.conftest import (  # noqa: F401
    other_tagger_archive,
    tagged_parser,
    tagger_archive,
)
