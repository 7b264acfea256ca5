"""Columns of whole numbers that tell rows apart and measure nothing."""

import re

import numpy as np

from bayesgmm.data.table import Table

UNNAMED = "Unnamed: 0"
"""What pandas calls a first column without a name, in which it and R write the rows' labels."""

ROW_LABELS = "row labels"
"""What is said of it."""

IDENTIFIER = re.compile(r"(?i:id|.*[\W_]id)|.*[a-z]I[Dd]")
"""Names such as id, patient_id, sample.id, patientID."""

ROW_NUMBER = re.compile(
    r"(?i)index|idx|no\.?|nr\.?|#|row|row[\W_]?(?:names?|numbers?|no|nr|id|index)|rownum"
)
"""Names that a column of measurements might have too."""

ENOUGH = 10
"""Rows that are counted one by one hardly by chance."""


def identifiers(table: Table) -> dict[str, str]:
    """Numeric columns that are left out unless asked for, and what they are.

    They are whole numbers by type, and identifiers by name, or count the rows one by one from any
    number on. A name that a measurement may have too (``index``) does not suffice where a value
    comes twice, nor does counting in a short table. A table's only column is never among them.
    """
    found = {}
    for j, name in enumerate(table.names if len(table.names) > 1 else ()):
        if j == 0 and name == UNNAMED and name in table.numeric:
            found[name] = ROW_LABELS
        elif name in table.integers:
            values = table.column(name)
            if IDENTIFIER.fullmatch(name):
                found[name] = "identifier"
            elif len(values) >= ENOUGH and (np.diff(values) == 1).all():
                found[name] = "counts the rows"
            elif ROW_NUMBER.fullmatch(name) and len(np.unique(values)) == len(values):
                found[name] = "identifier"
    return found
