from contextlib import suppress

import numpy as np
import pytest

from grounding.errors import DataError, InputError, StorageError
from grounding.library import Entry, Hit, Library
from tests.library.conftest import DIM, MODALITIES, HashedSpace, direction, make_entry, unit


def by_hand(entries, query, against=MODALITIES):
    """The definition: the cosine of the query with each stored modality, averaged."""
    scores = []
    for entry in entries:
        present = [unit(entry.vectors[name]) for name in against if name in entry.vectors]
        if present:
            scores.append((float(np.mean([unit(query) @ vector for vector in present])), entry.id))
    return sorted(scores, key=lambda pair: -pair[0])


def test_entries_come_back_exactly(library, space):
    assert len(library) == 30
    assert library.ids() == [f"demo-{number:04d}" for number in range(30)]
    reopened = Library.open(library.path, space)
    for number in (0, 7, 29):
        wanted, found = make_entry(number), reopened.get(f"demo-{number:04d}")
        for name in ("id", "task", "meaning", "instruction", "rate", "metadata"):
            assert getattr(found, name) == getattr(wanted, name)
        np.testing.assert_array_equal(found.trajectory, wanted.trajectory)
        assert found.trajectory.dtype == np.float32
        assert list(found.vectors) == list(MODALITIES)
        for name in MODALITIES:
            np.testing.assert_allclose(found.vectors[name], unit(wanted.vectors[name]), atol=1e-6)
        assert list(found.extras) == ["part", "ids"]
        np.testing.assert_array_equal(found.extras["part"], wanted.extras["part"])
        assert found.extras["ids"].dtype == np.arange(2).dtype


def test_scores_follow_the_definition(library, generator):
    entries = [make_entry(number) for number in range(30)]
    query = generator.normal(size=DIM)
    for against in (MODALITIES, ("points",), ("text", "trajectory")):
        hits = library.search({"text": query}, k=30, against=against)
        wanted = by_hand(entries, query, against)
        assert [hit.id for hit in hits] == [identifier for _, identifier in wanted]
        np.testing.assert_allclose([hit.score for hit in hits], [score for score, _ in wanted], atol=1e-5)
    assert hits[0] == Hit(hits[0].id, hits[0].score, library.get(hits[0].id).task, library.get(hits[0].id).instruction)


def test_several_queries_are_weighted(library, generator):
    text, points = generator.normal(size=(2, DIM))
    entries = [make_entry(number) for number in range(30)]
    hits = library.search({"text": text, "points": points}, weights={"text": 3.0}, k=4)
    wanted = by_hand(entries, 0.75 * unit(text) + 0.25 * unit(points))
    assert [hit.id for hit in hits] == [identifier for _, identifier in wanted[:4]]
    scale = np.linalg.norm(0.75 * unit(text) + 0.25 * unit(points))
    np.testing.assert_allclose([hit.score for hit in hits], [scale * score for score, _ in wanted[:4]], atol=1e-5)
    equal = library.search({"text": text, "points": points}, k=4)
    assert equal == library.search({"text": text, "points": points}, weights={"text": 7, "points": 7}, k=4)
    alone = library.search({"text": text, "points": points}, weights={"points": 0}, k=4)
    assert [hit.id for hit in alone] == [hit.id for hit in library.search({"text": text}, k=4)]


def test_missing_modalities_are_left_out_of_the_mean(tmp_path, space, generator):
    sets = [("text",), ("text", "points"), ("image",), (), MODALITIES]
    entries = [make_entry(number, modalities) for number, modalities in enumerate(sets)]
    library = Library.create(tmp_path / "library", space)
    library.add(entries)
    query = generator.normal(size=DIM)
    for against in (("text", "points"), ("image",), MODALITIES):
        hits = library.search({"text": query}, k=10, against=against)
        assert [hit.id for hit in hits] == [identifier for _, identifier in by_hand(entries, query, against)]
    vectors = library.vectors("points")
    assert vectors.shape == (5, DIM)
    assert vectors.dtype == np.float32
    assert np.isnan(vectors).all(axis=1).tolist() == [True, False, True, True, False]
    np.testing.assert_allclose(vectors[1], unit(entries[1].vectors["points"]), atol=1e-6)


def test_words_clouds_pictures_and_motions_are_encoded(library, space):
    cloud = np.linspace(0, 1, 512 * 7, dtype=np.float32).reshape(512, 7)
    picture = np.full((8, 8, 3), 7, np.uint8)
    motion = make_entry(3).trajectory
    library.add(
        [
            make_entry(100, vectors={"text": direction("open the drawer")}),
            make_entry(101, vectors={"points": direction(cloud)}),
            make_entry(102, vectors={"image": direction(picture)}),
            make_entry(103, vectors={"trajectory": direction(motion)}),
        ]
    )
    for query, wanted in (
        ({"text": "open it"}, "demo-0100"),
        ({"points": cloud}, "demo-0101"),
        ({"image": picture}, "demo-0102"),
        ({"trajectory": motion}, "demo-0103"),
    ):
        best = library.search(**query, k=1)[0]
        assert best.id == wanted
        assert best.score == pytest.approx(1, abs=1e-5)
    both = library.search(text="open it", points=cloud, k=2)
    assert {hit.id for hit in both} == {"demo-0100", "demo-0101"}
    mixed = library.search({"points": direction(cloud)}, text="open it", k=2)
    assert both == mixed


def test_the_filter_comes_before_the_search(library, generator):
    query = generator.normal(size=DIM)
    everything = library.search({"text": query}, k=30)
    for where, keep in (
        ("task = 'OpenDrawer'", lambda n: n % 3 == 0),
        ("task = 'TurnKnob' AND split = 'train'", lambda n: n % 3 == 2 and n % 2),
        ("seed BETWEEN 3 AND 5 OR id = 'demo-0029'", lambda n: n in (3, 4, 5, 29)),
        ("meaning LIKE 'meaning 4' -- a remark", lambda n: n % 5 == 4),
        ("rate > 19 AND instruction != 'instruction 0'", lambda n: n != 0),
        ("split IS NULL", lambda n: False),
    ):
        wanted = [hit for hit in everything if keep(int(hit.id[-4:]))]
        hits = library.search({"text": query}, k=30, where=where)
        assert [hit.id for hit in hits] == [hit.id for hit in wanted]
        np.testing.assert_allclose([hit.score for hit in hits], [hit.score for hit in wanted], atol=1e-6)


@pytest.mark.parametrize(
    "where",
    [
        "",
        "tasks = 1",
        "task =",
        "1); DELETE FROM demonstrations; --",
        "1; DROP TABLE vectors",
        "id IN (SELECT name FROM sqlite_master)",
        "id IN (SELECT content FROM vectors)",
        "metadata = '{}'",
        "load_extension('x')",
        "task = 'a\0b'",
        "EXISTS (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT * FROM c)",
    ],
)
def test_a_bad_condition_names_the_columns_and_changes_nothing(library, where, generator):
    with pytest.raises(InputError, match="id, task, meaning, instruction, split, seed, rate"):
        library.search({"text": generator.normal(size=DIM)}, where=where)
    assert len(library) == 30


def test_a_condition_cannot_write(library, generator):
    before = library._file.read_bytes()
    for where in ("1=1) UNION SELECT (5", "zeroblob(10) IS NULL", "task = (SELECT max(task) FROM demonstrations)"):
        with suppress(InputError):
            library.search({"text": generator.normal(size=DIM)}, where=where)
    assert library._file.read_bytes() == before


def test_many_queries_give_what_single_ones_give(library, generator):
    queries = generator.normal(size=(300, DIM))
    many = library.search_many(queries, k=3, where="task != 'TurnKnob'")
    assert len(many) == 300
    for row in (0, 255, 256, 299):
        single = library.search({"text": queries[row]}, k=3, where="task != 'TurnKnob'")
        assert [hit.id for hit in many[row]] == [hit.id for hit in single]
    with pytest.raises(InputError, match="query 1: 1 values are NaN"):
        library.search_many(np.vstack([queries[:1], np.r_[np.nan, queries[0, 1:]][None]]))
    with pytest.raises(InputError, match=r"queries: shape \(16,\)"):
        library.search_many(queries[0])


def test_equal_scores_keep_their_order(tmp_path, space):
    vector = np.ones(DIM)
    library = Library.create(tmp_path / "library", space)
    library.add(make_entry(number, vectors={"text": vector}) for number in range(20))
    assert [hit.id for hit in library.search({"text": vector}, k=5)] == [f"demo-{n:04d}" for n in range(5)]


def test_results_are_fresh_after_an_addition_by_another_object(library, space, generator):
    other = Library.open(library.path, space)
    query = generator.normal(size=DIM)
    assert len(other.search({"text": query}, k=100)) == 30
    library.add([make_entry(500, vectors={"text": query})])
    assert other.search({"text": query}, k=100)[0].id == "demo-0500"
    assert len(list(library.path.glob("matrix-*.npy"))) == 1


def test_a_damaged_or_missing_matrix_is_made_anew(library, space, generator):
    query = generator.normal(size=DIM)
    wanted = library.search({"text": query})
    (matrix,) = library.path.glob("matrix-*.npy")
    for content in (b"", b"noise" * 100, matrix.read_bytes()[:-50], None):
        matrix.unlink() if content is None else matrix.write_bytes(content)
        assert Library.open(library.path, space).search({"text": query}) == wanted
    assert matrix.is_file()


def test_adding_is_all_or_nothing(library):
    bad = [make_entry(50), make_entry(51), make_entry(3)]
    with pytest.raises(InputError, match="'demo-0003' is stored already"):
        library.add(bad)
    assert len(library) == 30
    assert library.add([]) == 0
    assert library.add(bad[:2]) == 2

    def interrupted():
        yield make_entry(60)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.add(interrupted())
    assert len(library) == 32


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": ""}, "id is ''"),
        ({"instruction": " "}, "instruction is ' '"),
        ({"rate": 0}, "rate is 0"),
        ({"metadata": {"split": 3}}, "split is 3"),
        ({"metadata": {"a": {1, 2}}}, "cannot be stored as JSON"),
        ({"trajectory": np.zeros((4, 8))}, "trajectory of entry 'demo-0099'.*quaternion"),
        ({"vectors": {"text": np.full(DIM, np.nan)}}, "'demo-0099', text vector: 16 values are NaN"),
        ({"vectors": {"text": np.zeros(DIM)}}, "all zeros"),
        ({"vectors": {"text": np.ones(DIM + 1)}}, r"shape \(17,\); expected \(16,\)"),
        ({"vectors": {"": np.ones(DIM)}}, "modality ''"),
        ({"extras": {"x": np.array([None])}}, "extra 'x' is not an array of numbers"),
    ],
)
def test_unusable_entries_are_named(library, changes, words):
    with pytest.raises(InputError, match=words):
        library.add([make_entry(99, **changes)])
    assert len(library) == 30


def test_numpy_values_in_metadata_become_plain(library):
    library.add([make_entry(80, metadata={"seed": np.int64(4), "size": np.float32(0.5), "box": np.arange(3)})])
    assert library.get("demo-0080").metadata == {"seed": 4, "size": 0.5, "box": [0, 1, 2]}
    assert [hit.id for hit in library.search({"text": np.ones(DIM)}, where="seed = 4 AND split IS NULL")] == [
        "demo-0080"
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "nothing to search for"),
        ({"text": "  ?! "}, "expected an instruction with words"),
        ({"text": "open", "k": 0}, "k is 0"),
        ({"text": "open", "k": 2.5}, "k is 2.5"),
        ({"text": "open", "k": True}, "k is True"),
        ({"text": "open", "against": ("smell",)}, r"no vectors of \['smell'\]; expected some of: text, image"),
        ({"text": "open", "against": ()}, "no vectors of no modality"),
        ({"text": "open", "weights": {"image": 1}}, r"weights name \['image'\]"),
        ({"text": "open", "weights": {"text": -1}}, "numbers of at least 0"),
        ({"text": "open", "weights": {"text": 0}}, "one of them greater"),
        ({"text": "open", "vectors": {"text": np.ones(DIM)}}, "given both as vectors and to be encoded"),
        ({"vectors": {"text": np.ones(3)}}, r"query text: shape \(3,\); expected \(16,\)"),
        ({"vectors": {"text": np.full(DIM, np.inf)}}, "query text: 16 values are NaN"),
        ({"vectors": {"text": ["a"] * DIM}}, "query text: not a vector of numbers"),
        ({"points": np.zeros((512, 3))}, r"query points: shape \(512, 3\); expected \(N, 7\)"),
        ({"points": np.full((512, 7), np.nan)}, "query points: has NaN"),
        ({"points": np.zeros((0, 7))}, r"query points: shape \(0, 7\)"),
        ({"image": np.zeros((8, 8))}, r"query image: shape \(8, 8\)"),
        ({"trajectory": np.zeros((8, 7))}, "query trajectory: shape"),
    ],
)
def test_unusable_queries_say_why(library, arguments, words):
    with pytest.raises(InputError, match=words):
        library.search(**arguments)


def test_unknown_ids_and_modalities(library):
    with pytest.raises(InputError, match="no demonstration 'nobody'"):
        library.get("nobody")
    with pytest.raises(InputError, match="no vectors of"):
        library.vectors("smell")
    assert library.modalities == MODALITIES


def test_an_empty_library_says_what_to_do(tmp_path, space):
    library = Library.create(tmp_path / "library", space)
    assert len(library) == 0
    assert library.ids() == []
    for ask in (lambda: library.search(text="open"), lambda: library.vectors("text")):
        with pytest.raises(DataError, match="no embedded demonstrations; run `grounding index`"):
            ask()
    library.add([make_entry(0, modalities=())])
    with pytest.raises(DataError, match="no embedded demonstrations"):
        library.search(text="open")


def test_another_space_is_refused_naming_both(library):
    with pytest.raises(DataError, match="the space space one, opened with the space space two"):
        Library.open(library.path, HashedSpace("space two"))


def test_missing_and_foreign_files(tmp_path, space, library):
    with pytest.raises(DataError, match="no library here"):
        Library.open(tmp_path / "nowhere", space)
    content = library._file.read_bytes()
    for harm in (b"", b"noise" * 1000, content[:100] + b"\xff" * 4000 + content[4100:], content[:5000]):
        folder = tmp_path / f"harm{len(harm)}{harm[:3]!r}"
        folder.mkdir()
        (folder / "library.sqlite").write_bytes(harm)
        with pytest.raises(DataError, match="library.sqlite.*run `grounding index` again"):
            Library.open(folder, space).search(text="open")


def test_creating_does_not_overwrite(library, space, tmp_path):
    with pytest.raises(InputError, match="already holds a library of 30 demonstrations"):
        Library.create(library.path, space)
    assert len(library) == 30
    empty = Library.create(tmp_path / "empty", space)
    again = Library.create(tmp_path / "empty", HashedSpace("space two"))
    again.add([make_entry(1)])
    with pytest.raises(DataError, match="space two"):
        Library.open(empty.path, space)
    assert not list(tmp_path.rglob("*.tmp*"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        Library.create(tmp_path / "file" / "library", space)


def test_of_ten_thousand_the_nearest_are_found_within_any_condition(tmp_path, space):
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(10_000, 256)).astype(np.float32)
    motion = make_entry(0).trajectory
    library = Library.create(tmp_path / "library", space)
    library.add(
        Entry(f"{n}", "A" if n % 50 else "B", "m", "i", motion, 20.0, vectors={"points": vector})
        for n, vector in enumerate(vectors)
    )
    query = generator.normal(size=256)
    cosines = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    nearest = np.argsort(-cosines)
    for where, meant in (
        (None, nearest),
        ("task = 'B'", nearest[nearest % 50 == 0]),
        ("task = 'A'", nearest[nearest % 50 > 0]),
    ):
        hits = library.search({"points": query}, k=10, where=where)
        assert [hit.id for hit in hits] == [f"{n}" for n in meant[:10]]
