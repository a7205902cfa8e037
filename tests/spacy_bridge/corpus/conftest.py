from tests.teachers.conftest import tagged_parser, tagger_archive  # noqa: F401
