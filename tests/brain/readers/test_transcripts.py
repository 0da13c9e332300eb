import json

import numpy as np
import pytest

from grounding.brain.readers.transcripts import read_events, read_json, read_textgrid, read_transcript
from grounding.errors import DataError, InputError

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 3
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "{tier}"
        xmin = 0
        xmax = 3
        intervals: size = 4
        intervals [1]:
            xmin = 0
            xmax = 1
            text = "sp"
        intervals [2]:
            xmin = 1
            xmax = 1.5
            text = "down"
        intervals [3]:
            xmin = 1.5
            xmax = 2
            text = ""
        intervals [4]:
            xmin = 2
            xmax = 3
            text = "went"
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 3
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 3
            text = "d"
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
3
<exists>
1
"IntervalTier"
"anything"
0
3
3
0
1
"<p:>"
1
1.5
"down"
2
3
"went"
"""


def written(path, content):
    path.write_text(content)
    return path


def same(transcript):
    assert transcript.words == ("down", "went")
    np.testing.assert_allclose(transcript.onsets, [1, 2])
    np.testing.assert_allclose(transcript.offsets, [1.5, 3])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "onset\tduration\tword\n1\t0.5\tdown\n1.6\t0.1\tsp\n2\t1\twent\n"),
        ("a.csv", "word,onset,offset\ndown,1,1.5\nwent,2,3\n"),
        ("a.TextGrid", LONG.format(tier="Word")),
        ("b.TextGrid", SHORT),
        ("a.json", json.dumps([{"word": "down", "start": 1, "end": 1.5}, {"word": " went ", "start": 2, "end": 3}])),
        (
            "gentle.json",
            json.dumps(
                {
                    "transcript": "down well went",
                    "words": [
                        {"word": "down", "start": 1, "end": 1.5, "case": "success"},
                        {"word": "well", "case": "not-found-in-audio"},
                        {"word": "went", "start": 2, "end": 3, "case": "success"},
                    ],
                }
            ),
        ),
        (
            "whisper.json",
            json.dumps(
                {
                    "segments": [
                        {"text": "down", "words": [{"word": " down", "start": 1, "end": 1.5}]},
                        {"text": "went", "words": [{"word": " went", "start": 2, "end": 3}]},
                    ]
                }
            ),
        ),
    ],
)
def test_every_layout_says_the_same(tmp_path, name, content):
    same(read_transcript(written(tmp_path / name, content)))


def test_a_tier_is_chosen_by_name(tmp_path):
    path = written(tmp_path / "a.TextGrid", LONG.format(tier="orthography"))
    with pytest.raises(DataError, match="no single tier named word or words; there are orthography, phones; give tier"):
        read_transcript(path)
    same(read_textgrid(path, tier="orthography"))
    with pytest.raises(DataError, match="no interval tier named 'x'"):
        read_textgrid(path, tier="x")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "onset\tduration\tword\n2\t1\twent\n1\t1\tdown\n", "begins before the word in front of it"),
        ("a.tsv", "onset\toffset\tword\n2\t1\twent\n", "ends before it begins"),
        ("a.tsv", "onset\tword\n2\twent\n", "no column 'duration'"),
        ("a.tsv", "onset\tduration\ttoken\n2\t1\twent\n", "no column 'word'; there are onset, duration, token"),
        ("a.tsv", "onset\tduration\tword\n2\t1\tsil\n", "no word with a time"),
        ("a.TextGrid", "nothing of the kind", "cannot be read as a Praat TextGrid"),
        ("a.json", "{", "not valid JSON"),
        ("a.json", '{"segments": [{"text": "no times"}]}', "must be told to write word times"),
        ("a.json", '[{"text": "down", "start": 1, "end": 2}]', "word 0: no key 'word'"),
        ("a.json", '[{"word": "down", "start": "x", "end": 2}]', "no number"),
        ("a.json", "[]", "no word with a time"),
    ],
)
def test_transcripts_refuse(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_transcript(written(tmp_path / name, content))


def test_another_ending(tmp_path):
    with pytest.raises(InputError, match="no transcript is read from .docx"):
        read_transcript(tmp_path / "a.docx")


def test_keys_of_another_name(tmp_path):
    assert read_json(written(tmp_path / "a.json", '[{"text": "a", "start": 0, "end": 1}]'), words="text").words == (
        "a",
    )


EVENTS = (
    "onset\tduration\ttrial_type\tword\n"
    "3\tn/a\tword\twent\n0\t9\tblock\tn/a\n1\t0.5\tword\tdown\nn/a\t1\tword\tlost\n5\t1\tpicture\tcat\n"
)


def test_events_come_in_order_of_time(tmp_path):
    path = written(tmp_path / "events.tsv", EVENTS)
    assert read_events(path).words == ("down", "went", "cat")
    of_type = read_events(path, types=["word"])
    assert of_type.words == ("down", "went")
    assert of_type.onsets.tolist() == [1, 3] and of_type.offsets.tolist() == [1.5, 3]
    assert read_events(path, words="trial_type").words == ("block", "word", "word", "picture")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"words": "text"}, "no column 'text'; there are onset, duration, trial_type, word"),
        ({"types": ["sound"]}, "no event with trial_type one of sound"),
    ],
)
def test_events_refuse(tmp_path, arguments, message):
    with pytest.raises(DataError, match=message):
        read_events(written(tmp_path / "events.tsv", EVENTS), **arguments)


def test_events_refuse_negative_durations(tmp_path):
    with pytest.raises(DataError, match="row 3: duration -1 found"):
        read_events(written(tmp_path / "events.tsv", "onset\tduration\tword\n0\t1\ta\n1\t-1\tb\n"))


@pytest.mark.realdata
def test_alice(data_folder):
    folder = data_folder / "neural/alice_fmri_brennan2016/alice_stim_shared"
    transcript = read_transcript(next(folder.glob("*.TextGrid")))
    assert len(transcript) == 2127
    assert transcript.words[:3] == ("Alice", "was", "beginning")
    assert transcript.onsets[0] == pytest.approx(20.0589, abs=1e-4)
