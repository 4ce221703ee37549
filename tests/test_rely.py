"""The page "What you can rely on" counts the tests that there are."""

import csv

import promises
import pytest


@pytest.mark.process
def test_table_of_promises_counts_the_tests_that_there_are():
    with promises.FILE.open(encoding="utf-8", newline="") as file:
        header, *rows = [tuple(row) for row in csv.reader(file)]
    assert header == ("promise", "what is tried", "how often")
    assert rows == promises.table(), "write it anew: python tests/promises.py"
