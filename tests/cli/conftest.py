"""Shared by the tests of commands."""

import pytest

from grcnn_ocr.cli import main


@pytest.fixture
def run(capsys):
    """Run a command; return exit code, standard output and standard error."""

    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        return (caught.value.code or 0, *capsys.readouterr())

    return command
