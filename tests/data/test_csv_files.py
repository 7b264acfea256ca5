"""Text files as people have them: exactly the table, or an error with the line or the option."""

import csv
import gzip
import io
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bayesgmm.data.dialects import Dialect
from bayesgmm.data.names import clean_name
from bayesgmm.data.new_rows import rows_like
from bayesgmm.data.rows import observations
from bayesgmm.data.tables import table_of

LENGTHS, DEPTHS = [39.1, 39.5, 40.3], [18.7, 17.4, 18.0]
ROWS = np.column_stack([LENGTHS, DEPTHS])


@pytest.fixture
def reading(tmp_path):
    """Reads text, or bytes, from a file of this name."""

    def read(content, name="table.csv", **options):
        path = tmp_path / name
        content = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return observations(path, **options)

    return read


def text_of(separator=",", decimal=".", header=True, end="\n"):
    lines = [["length", "depth"]] if header else []
    lines += [[str(value).replace(".", decimal) for value in row] for row in ROWS.tolist()]
    return "".join(separator.join(fields) + end for fields in lines)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (text_of(), "t.csv", ""),
        (text_of(), "t.txt", ""),
        (text_of(), "t.csv.gz", ""),
        (text_of(end="\r\n"), "t.csv", ""),
        (text_of(end="\r"), "t.csv", ""),
        (text_of(", "), "t.csv", ""),
        (text_of(end="\n\n"), "t.csv", ""),
        ("# measured in May\n\n" + text_of(), "t.csv", ""),
        (text_of().encode("utf-8-sig"), "t.csv", ""),
        (text_of(";", ","), "t.csv", "separator ';', decimal ','"),
        (text_of(";"), "t.csv", "separator ';'"),
        (text_of("|"), "t.txt", "separator '|'"),
        (text_of("\t"), "t.tsv", r"separator '\t'"),
        (text_of("\t", ","), "T.TSV", r"separator '\t', decimal ','"),
        (text_of("   "), "t.txt", "separator ' '"),
        (text_of(" ", ","), "t.txt", "separator ' ', decimal ','"),
        (text_of().encode("utf-16"), "t.csv", "encoding 'utf-16'"),
        (text_of().encode("utf-32"), "t.csv", "encoding 'utf-32'"),
    ],
)
def test_how_a_file_is_written_is_found_out_and_said(reading, content, name, said):
    x = reading(content, name)
    assert x.features == ("length", "depth")
    np.testing.assert_array_equal(x.values, ROWS)
    assert x.reading == said
    assert ("read with " + said in repr(x)) == bool(said)


def test_a_column_of_decimal_commas_is_no_table_of_two(reading):
    x = reading("waiting\n3,60\n1,80\n3,33\n")
    assert x.features == ("waiting",)
    np.testing.assert_array_equal(x.values[:, 0], [3.60, 1.80, 3.33])
    assert reading("waiting\n3,60\nNA\n3\n", drop_missing=True).values.tolist() == [[3.6], [3.0]]


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("a;b\n1.234,5;5\n12.345,5;6\n", [[1234.5, 5], [12345.5, 6]]),
        ('a,b\n"1,234.5",5\n"1,234,567",6\n', [[1234.5, 5], [1234567, 6]]),
        ("a\tb\n1 234\t5\n2\u202f345\t6\n", [[1234, 5], [2345, 6]]),
        ("a;b\n1'234.5;5\n2'345.5;6\n", [[1234.5, 5], [2345.5, 6]]),
        ("a;b\n+1,5;5,0e-3\n−2,5;6e2\n", [[1.5, 5e-3], [-2.5, 600]]),
        ('"a","b"\n"1,5","2,5"\n"3,5","4,5"\n', [[1.5, 2.5], [3.5, 4.5]]),
        ("a,b\n9007199254740993,5\n2,6\n", [[2.0**53, 5], [2, 6]]),
        ("a;b\n" + "1;2\n" * 300 + "1,5;2\n", [[1, 2]] * 300 + [[1.5, 2]]),
    ],
)
def test_numbers_as_people_write_them(reading, content, values):
    np.testing.assert_array_equal(reading(content).values, values)


def test_what_a_comma_means_is_asked(reading):
    content = "mass\n1,234\n5,678\n"
    with pytest.raises(ValueError, match=r"table.csv.*1\.234 or 1234.*--decimal"):
        reading(content)
    assert reading(content, decimal=",").values.tolist() == [[1.234], [5.678]]
    assert reading(content, decimal=".").values.tolist() == [[1234], [5678]]
    # Another row or column tells.
    assert reading(content + "2,5\n").values.tolist() == [[1.234], [5.678], [2.5]]
    other = 'mass,x\n"1,234",0.5\n"5,678",0.7\n'
    assert reading(other).values.tolist() == [[1234, 0.5], [5678, 0.7]]


def test_what_a_point_before_three_digits_means_is_asked(reading):
    for content in ("mass\n1.234\n987\n12.345\n", "a;b\n1.234;2\n987;3\n", "a;b\n1.234;2.345\n"):
        with pytest.raises(ValueError, match=r"table.csv.*1\.234' may be 1.234 or 1234.*--decimal"):
            reading(content)
        assert reading(content, decimal=",").values[0, 0] == 1234
        assert reading(content, decimal=".").values[0, 0] == 1.234
    # Three decimals in every word, or a word that tells.
    assert reading("a,b\n1.234,2.345\n3.456,4.567\n").values[0, 0] == 1.234
    for word in ("0.5", "12.5", "0.250", "1234.5", "1e3"):
        assert reading(f"mass\n1.234\n987\n{word}\n").values[:, 0].tolist() == [
            1.234, 987, float(word)
        ]  # fmt: skip
    assert reading("a;b\n1.234;2.5\n987;3.5\n").values.tolist() == [[1.234, 2.5], [987, 3.5]]


def test_columns_with_other_decimal_marks_are_refused(reading):
    content = "a;b\n1.234;5,5\n2.345;6,5\n"
    with pytest.raises(ValueError, match=r"decimal points, others decimal commas.*--decimal"):
        reading(content)
    assert reading(content, decimal=",").values.tolist() == [[1234, 5.5], [2345, 6.5]]


@pytest.mark.parametrize(
    "content",
    [
        "3.6,79\n1.8,54\n",
        "Adelie,39.1\nAdelie,39.5\n",
        "NA,x\n1,2\n",
        "0x10,0x11\n1,2\n",
        "NAN,Nan\n1,2\n",
    ],
)
def test_a_first_row_of_data_is_not_taken_for_names(reading, content):
    with pytest.raises(ValueError, match=r"table.csv.*line 1.*--no-header.*--header"):
        reading(content)
    assert table_rows(reading, content, header=False) == content.count("\n")
    assert table_rows(reading, content, header=True) == content.count("\n") - 1


@pytest.mark.parametrize("first", ["inf,-inf", "<5,<3", "10 %,20 %", "$3,a", "-Infinity,a"])
def test_a_first_row_like_data_is_not_taken_for_names(reading, first):
    with pytest.raises(ValueError, match=r"table.csv.*line 1.*--no-header.*--header"):
        reading(f"{first}\n1,2\n3,4\n")
    assert len(reading(f"{first}\n1,2\n3,4\n", header=True).values) == 2


def table_rows(reading, content, **options):
    x = reading(content, drop_missing=True, **options)
    assert (x.reading == "no header") != options["header"]
    return x.n_rows


def test_without_names_features_are_numbered(reading):
    x = reading(text_of(header=False), header=False)
    assert x.features == ("x1", "x2")
    np.testing.assert_array_equal(x.values, ROWS)
    np.testing.assert_array_equal(rows_like(pd.DataFrame(ROWS), x.features), ROWS)


@pytest.mark.parametrize(
    ("content", "options", "values"),
    [
        ("3,60\n1,80\n", {"separator": ","}, [[3, 60], [1, 80]]),
        ("3,60\n1,80\n", {"decimal": ","}, [[3.6], [1.8]]),
        ("3,5 4,5\n1,5 2,5\n", {"separator": " "}, [[3.5, 4.5], [1.5, 2.5]]),
        ("length, cm\n3,60\n1,80\n", {"decimal": ",", "header": True}, [[3.6], [1.8]]),
        ("length, cm\n3,60\n1,80\n", {"separator": ",", "header": True}, [[3, 60], [1, 80]]),
    ],
)
def test_a_file_that_may_be_cut_in_two_ways_is_refused(reading, content, options, values):
    with pytest.raises(ValueError, match=r"table.csv.*--separator"):
        reading(content, header=False)
    assert reading(content, **{"header": False} | options).values.tolist() == values


@pytest.mark.parametrize("n", [1, 300])
@pytest.mark.parametrize(
    ("row", "found"), [("1,4,\n", "3 fields"), ("1\n", "1 field "), ("# no\n", "1 field ")]
)
def test_a_row_that_does_not_fit_is_named(reading, row, found, n):
    with pytest.raises(ValueError, match=rf"table.csv.*line {n + 3} has {found}.*2 fields"):
        reading("a,b\n\n" + "1,2\n" * n + row)


def test_a_wrong_separator_does_not_hide_that_a_row_does_not_fit(reading):
    with pytest.raises(ValueError, match=r"table.csv.*--separator"):
        reading("a;b;length, cm;7\n;;0,5\n;;1,5\n")


def test_a_separator_that_separates_nothing_makes_no_decimal_commas(reading):
    content = "a,b\n1,2\n3,4\n"
    with pytest.raises(ValueError, match=r"table.csv.*';' separates nothing.*'a,b'.*--separator"):
        reading(content, separator=";")
    assert reading(content, separator=";", decimal=",").values.tolist() == [[1.2], [3.4]]
    assert reading("length, cm\n1,2\n", separator=";").values.tolist() == [[1.2]]


@pytest.mark.parametrize("line", ["sep=;\n", '"sep=;"\n', "SEP=;\r\n"])
def test_a_spreadsheet_says_what_separates(reading, line):
    x = reading(line + "a;b\n1,5;2\n3,5;4\n")
    assert (x.features, x.values.tolist()) == (("a", "b"), [[1.5, 2], [3.5, 4]])
    with pytest.raises(ValueError, match="line 4 has 1 field "):
        reading(line + "a;b\n1,5;2\n3\n")


def test_a_title_above_the_names_is_told_from_them(reading):
    content = "Old Faithful\na,b,c\n1,2,3\n3,4,5\n"
    with pytest.raises(ValueError, match=r"line 2 has 3 fields.*title.*'#'"):
        reading(content)
    assert reading("# " + content).values.tolist() == [[1, 2, 3], [3, 4, 5]]


def test_a_field_without_end_is_named(reading):
    with pytest.raises(ValueError, match=r"line 3 a field has more than 131072 characters"):
        reading('a,n\n1,2\n3,"' + "x" * 200_000 + '"\n4,5,6\n')


def test_the_text_of_a_table_is_no_path():
    with pytest.raises(ValueError, match=r"data is text of several lines.*StringIO"):
        observations("a,b\n" + "1,2\n" * 3000)


def test_rows_that_all_have_a_field_more_than_the_names_are_refused(reading):
    with pytest.raises(ValueError, match=r"line 2 has 3 fields.*first line 2 fields"):
        reading("a,b\n1,4,\n2,5,\n3,9,\n")
    x = reading("a,b,\n1,4,\n2,5,\n")
    assert x.features == ("a", "b")
    assert x.ignored == {"Unnamed: 2": "no values"}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('a,b\n1,"2\n3,4\n', 2),
        ('a,note\n1,x\n2,"y\n3,z\n', 3),
        ('a,note\n1,"x\n3,"y"\n4,z\n', 2),
        ('a,"b";\n1,2\n', 1),
    ],
)
def test_an_open_quote_swallows_no_rows(reading, content, line):
    with pytest.raises(ValueError, match=rf"table.csv.*in line {line} a quote"):
        reading(content)


def test_quoted_lines_may_cross_the_parts_of_a_large_file(reading, monkeypatch):
    monkeypatch.setattr("bayesgmm.data.csv_files.BLOCK", 64)
    x = reading("note,a\n" + "".join(f'"one\nand two",{n * n}\n' for n in range(50)))
    assert x.values[:, 0].tolist() == [n * n for n in range(50)]


def test_quoted_fields_may_hold_lines(reading):
    x = reading('a,note\n1,"x\ny"\n3,"z, ""w"""\n4,n.d.\n')
    assert x.values.tolist() == [[1], [3], [4]]
    with pytest.raises(ValueError, match=r"'b' \('n.d.' in line 4 of 'table.csv'\)"):
        reading('note,b\n"x\ny",1\nz,n.d.\nz,2\n')


def test_a_word_among_numbers_is_refused_and_other_columns_are_not(reading):
    content = "a,b\n1,2\n3,n.d.\n4,5\n"
    with pytest.raises(ValueError, match=r"'b' \('n.d.' in line 3 of 'table.csv'\).*--columns"):
        reading(content)
    assert reading(content, columns="a").values.tolist() == [[1], [3], [4]]
    assert reading("a,b\n1,2\n3,x\n4,y\n").ignored == {"b": "text, as 'x'"}
    for words in ("<0.1,<0.1,0.3", "<0.1,>5,≥ 7", "10%,20%,30%", "$3,$4,5 €"):
        lines = [f"{i * i},{word}" for i, word in enumerate(words.split(","))]
        with pytest.raises(ValueError, match=r"words among numbers: 'b'.*--columns"):
            reading("\n".join(["a,b", *lines]))


@pytest.mark.parametrize("word", ["", "NA", " NA ", "N/A", "-", ".", "?", "NaN", "null", '""'])
def test_words_for_a_missing_value(reading, word):
    x = reading(f"a,b\n1,2\n3,{word}\n", drop_missing=True)
    assert x.values.tolist() == [[1, 2]]
    assert x.n_missing == 1


def test_a_blank_line_in_a_single_column_is_a_missing_value(reading):
    x = reading("a\n1\n\n3\n\n\n", drop_missing=True)
    assert (x.values.tolist(), x.n_missing) == ([[1], [3]], 1)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman"])
def test_names_in_old_encodings(reading, encoding):
    content = "Größe µm,b\n1,2\n3,4\n".encode(encoding)
    x = reading(content, encoding=encoding)
    assert x.features == ("Größe µm", "b")
    assert "encoding" in x.reading
    if encoding != "mac-roman":
        assert reading(content).features == x.features
        assert reading(content).reading == "encoding 'cp1252'"


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (text_of().encode("utf-16-le"), {}),
        (b"\x81,b\n1,2\n", {}),
        (b"\xff\xfe\x00\x01,", {}),
        ("µ,b\n1,2\n".encode("latin-1"), {"encoding": "utf-8"}),
        (text_of(), {"encoding": "klingon"}),
        (text_of(), {"encoding": "hex"}),
    ],
)
def test_what_is_no_text_is_refused(reading, content, options):
    with pytest.raises(ValueError, match=r"table.csv.*not text in .*--encoding"):
        reading(content, **options)


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n", "a,b", "a,b\n\n"])
def test_a_file_without_rows_is_refused(reading, content):
    with pytest.raises(ValueError, match=r"table.csv.*expected .*rows of numbers"):
        reading(content)


def test_a_broken_archive_is_refused(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_text(text_of())
    with pytest.raises(ValueError, match=r"table.csv.gz' could not be read"):
        observations(path)


def test_options_are_checked_and_are_of_text_files(reading, tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    for option, wrong in [("separator", ":"), ("decimal", "'"), ("header", 1), ("encoding", 8)]:
        with pytest.raises((ValueError, TypeError), match=f"^{option} must be"):
            reading(text_of(), **{option: wrong})
    with pytest.raises(TypeError, match="data is a ndarray; separator"):
        observations(ROWS, separator=";")
    with pytest.raises(ValueError, match=r"rows.npy.*no text file"):
        observations(tmp_path / "rows.npy", header=False)


# Names


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("\x1b[31mlength\x1b[0m", "length"),
        ("len\x00gth", "length"),
        (" length\n(mm)\t", "length (mm)"),
        ("\ufefflength\u200b", "length"),
        ("length\ud800", "length"),
        ("\u202elength", "length"),
        ("a, a", "a, a"),
        ("\x00", "Unnamed: 0"),
    ],
)
def test_names_are_of_one_line_and_visible(name, cleaned):
    frame = pd.DataFrame(ROWS, columns=pd.Index([name, "b"], dtype=object))
    x = observations(frame, columns=list(frame) if cleaned != "Unnamed: 0" else [cleaned, "b"])
    assert x.features == (cleaned, "b")
    np.testing.assert_array_equal(x.values, ROWS)
    np.testing.assert_array_equal(rows_like(frame, x.features), ROWS)
    if cleaned == clean_name(name):  # a column without a name is called by its place
        np.testing.assert_array_equal(rows_like(frame.iloc[0][::-1], x.features), ROWS[:1])


def test_names_that_look_the_same_are_refused(reading):
    with pytest.raises(ValueError, match="data has repeated column names: 'a'"):
        observations(pd.DataFrame(ROWS, columns=["a", "a\u200b"]))
    with pytest.raises(ValueError, match=r"table.csv.*line 2 has repeated column names: 'a'"):
        reading("\na, a\n1, 2\n")


# Identifiers


COUNT = np.arange(7, 19)
SCATTERED = COUNT * 37 % 101


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("id", SCATTERED, "identifier"),
        ("Patient ID", SCATTERED, "identifier"),
        ("patient_id", [1, 1, 2, 2] * 3, "identifier"),
        ("sampleId", SCATTERED, "identifier"),
        ("index", SCATTERED, "identifier"),
        ("rownames", SCATTERED, "identifier"),
        ("visit", COUNT, "counts the rows"),
        ("Unnamed: 0", SCATTERED + 0.5, "row labels"),
        # May be measured.
        ("id", SCATTERED + 0.5, None),
        ("index", [1, 1, 2, 2] * 3, None),
        ("acid", SCATTERED, None),
        ("SOLID", SCATTERED, None),
        ("visit", COUNT[::-1], None),
        ("visit", COUNT * 2, None),
        ("visit", COUNT.astype(float), None),
    ],
)
def test_identifiers_are_left_out_and_named(tmp_path, name, values, why):
    frame = pd.DataFrame({name: values, "glucose": np.sqrt(np.arange(12))})
    frame.to_csv(tmp_path / "t.csv", index=False)
    from_file = tmp_path / "t.csv" if (frame[name] % 1).any() or why else frame
    for data in (frame, from_file):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            x = observations(data)
        assert x.features == (("glucose",) if why else (name, "glucose"))
        assert x.ignored == ({name: why} if why else {})
        assert [str(w.message) for w in caught] == (
            [f"data: left out {name!r} ({why}); to fit such a column, name all features in "
             "bg.observations(…, columns=…)"] if why and why != "row labels" else []
        )  # fmt: skip
        asked = observations(data, columns=[name, "glucose"])
        np.testing.assert_array_equal(asked.values, frame)


def test_the_only_column_is_never_left_out():
    assert observations(pd.DataFrame({"id": COUNT})).features == ("id",)
    assert observations(pd.Series(COUNT, name="id")).features == ("id",)
    with pytest.raises(ValueError, match=r"no numeric column to fit, only 'id' \(identifier\)"):
        observations(pd.DataFrame({"id": COUNT, "who": list("abcdefghijkl")}))


def test_few_rows_in_a_row_may_be_measured():
    assert observations(pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 9]})).features == ("a", "b")


# Any file at all

NAMES = ["length", "depth (mm)", "Größe, µm", "a;b", "x|y", "time stamp"]


@st.composite
def written_tables(draw, header=st.booleans()):  # noqa: B008
    """Names, numbers (NaN where missing), text, and how it is written."""
    n_columns, n_rows = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    separator, decimal = draw(st.sampled_from(",;\t| ")), draw(st.sampled_from(".,"))
    header, digits = draw(header), draw(st.integers(0, 3))
    # Points between thousands of whole numbers are taken for decimal points.
    dots = "." if decimal == "," and digits else ","
    thousands = draw(st.sampled_from(["", "", " ", "'", dots if dots != decimal else ""]))
    missing = draw(st.sampled_from(["", "NA", "-", ".", "?", "NaN", "null"]))
    number = st.integers(-9_999_999, 9_999_999) | st.integers(-99, 99)
    columns = st.lists(number | st.none(), min_size=n_rows, max_size=n_rows)
    numbers = draw(st.lists(columns, min_size=n_columns, max_size=n_columns))
    marks = str.maketrans({",": thousands, ".": decimal})
    cells = [
        [missing if n is None else f"{n / 10**digits:,.{digits}f}".translate(marks) for n in column]
        for column in numbers
    ]
    names = draw(st.permutations(NAMES))[:n_columns]
    table = np.array([[np.nan if n is None else n / 10**digits for n in c] for c in numbers]).T
    rows = [list(names)] * header + [list(row) for row in zip(*cells, strict=True)]
    text = io.StringIO("# written by nobody\n" * draw(st.booleans()))
    text.seek(0, io.SEEK_END)
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    end = draw(st.sampled_from(["\n", "\r\n"] + ["\n\n"] * (n_columns > 1)))
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"]))
    blank = separator == " " and missing == "" and quoting == csv.QUOTE_MINIMAL  # a cell is lost
    return names, table, text.getvalue(), Dialect(separator, decimal, header, encoding), blank


def written(text, encoding, folder, packed):
    path = Path(folder) / ("table.csv.gz" if packed else "table.csv")
    content = text.encode(encoding)
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def assert_reads(table, names, numbers):
    assert table.names == tuple(names)
    some = [
        name for name, column in zip(names, numbers.T, strict=True) if np.isfinite(column).any()
    ]
    assert table.numeric == tuple(some)
    expected = numbers[:, [names.index(name) for name in some]]
    np.testing.assert_array_equal(table.take(some), expected)


def read_or_refused(read):
    """What is read, or None where the error says in which file something is wrong."""
    try:
        return read()
    except ValueError as error:
        message = str(error)
    assert any(words in message for words in ("table.csv", "missing values", "no numeric column"))
    return None


@given(written_tables(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_file_is_read_exactly_or_refused(case, packed):
    names, numbers, text, dialect, blank = case
    assume(not blank)
    with tempfile.TemporaryDirectory() as folder:
        path = written(text, dialect.encoding, folder, packed)
        table = read_or_refused(lambda: table_of(path, "data"))
        if table is not None:
            assert dialect.header
            assert_reads(table, names, numbers)
        if not dialect.header:
            names = [f"x{j + 1}" for j in range(len(names))]
        assert_reads(table_of(path, "data", dialect), names, numbers)  # options always help


@given(written_tables(header=st.just(True)), st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_exactly_or_refused(case, data):
    names, numbers, text, dialect, blank = case
    assume(len(names) > 1 and not blank)
    lines = [line for line in text.splitlines() if line]
    at = data.draw(st.integers(0, len(lines) - 1))
    kinds = ["field", "separator", "separators", "word", "unit", "title"]
    kind = data.draw(st.sampled_from(kinds))
    if kind == "field":
        lines[at] += f"{dialect.separator}7"
    elif kind == "separator":
        lines[at] += dialect.separator
    elif kind == "separators":
        lines = [line + dialect.separator for line in lines]
    elif kind == "word":
        lines[at] = lines[at].replace("9", "n.d.")
    elif kind == "unit":
        lines = [line.replace("9", "9 cm") for line in lines]
    else:
        lines.insert(0, "Report")
    with tempfile.TemporaryDirectory() as folder:
        path = written("\n".join(lines), dialect.encoding, folder, False)
        x = read_or_refused(lambda: observations(path, drop_missing=True))
        if x is not None:
            for name, column in zip(x.features, x.values.T, strict=True):
                np.testing.assert_array_equal(column, numbers[x.rows, names.index(name)])
            unnamed = {name for name in x.ignored if name.startswith("Unnamed")}
            assert {*x.features, *x.ignored} - unnamed == set(names)
