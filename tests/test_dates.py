"""Dates as intervals, and what only looks like one."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.dates import find, infer_order, parse_iso

NOTE = datetime.date(2025, 11, 20)  # a Thursday


def spans(text, **options):
    return [(text[d.start : d.end], d.earliest.isoformat(), d.latest.isoformat()) for d in find(text, NOTE, **options)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("last durvalumab 10/02/25", [("10/02/25", "2025-10-02", "2025-10-02")]),
        ("le 12 août 2025", [("12 août 2025", "2025-08-12", "2025-08-12")]),
        ("am 13. März 2024", [("13. März 2024", "2024-03-13", "2024-03-13")]),
        ("JAN 08, 2025@10:14", [("JAN 08, 2025", "2025-01-08", "2025-01-08")]),
        ("dx 10/2022", [("10/2022", "2022-10-01", "2022-10-31")]),
        ("in March 2025", [("March 2025", "2025-03-01", "2025-03-31")]),
        ("mid March 2025", [("mid March 2025", "2025-03-11", "2025-03-20")]),
        ("late March 2025", [("late March 2025", "2025-03-21", "2025-03-31")]),
        ("since 2019", [("2019", "2019-01-01", "2019-12-31")]),
        ("TNM (8th edition, 2016)", []),
        ("positive for cytokeratin 8/18", []),
        ("bone metastases 1 year and 9 months ago", [("1 year and 9 months ago", "2024-02-01", "2024-02-29")]),
        ("she stayed on octreotide for about 1 year", []),
        ("no progression for 15 months", []),
        ("he has remained on it for 2 years", [("for 2 years", "2023-11-20", "2025-11-20")]),
        ("3 weeks ago", [("3 weeks ago", "2025-10-30", "2025-10-30")]),
        ("18 years ago, approximately 1989", [("1989", "1989-01-01", "1989-12-31")]),
        ("2 weeks ago (11/5)", [("11/5", "2025-11-05", "2025-11-05")]),
        ("in the year of 2000, and", [("2000", "2000-01-01", "2000-12-31")]),
        ("a 10-1/2 week pregnancy", []),
        ("In 11/91 she received BCNU", [("11/91", "1991-11-01", "1991-11-30")]),
        ("four courses (3/92, 6/92)", [("3/92", "1992-03-01", "1992-03-31"), ("6/92", "1992-06-01", "1992-06-30")]),
        ("6 months ago", [("6 months ago", "2025-05-01", "2025-05-31")]),
        ("1/2024-3/2024", [("1/2024-3/2024", "2024-01-01", "2024-03-31")]),
        ("APR-JUN 2025", [("APR-JUN 2025", "2025-04-01", "2025-06-30")]),
        ("4-7 March 2024", [("4-7 March 2024", "2024-03-04", "2024-03-07")]),
        ("2018-present", [("2018-present", "2018-01-01", "2025-11-20")]),
        ("C3D1 on 1/12", [("1/12", "2025-01-12", "2025-01-12")]),
        ("WBRT completed 9/20", [("9/20", "2025-09-20", "2025-09-20")]),
        ("yesterday", [("yesterday", "2025-11-19", "2025-11-19")]),
        ("cough for 2 weeks", [("for 2 weeks", "2025-11-06", "2025-11-20")]),
        ("scheduled 11/25", [("11/25", "2025-11-25", "2025-11-25")]),
        ("x4 3/24-6/24, PD 11/24", [("3/24-6/24", "2024-03-01", "2024-06-30"), ("11/24", "2024-11-01", "2024-11-30")]),
        ("seen 3/2-6/2", [("3/2-6/2", "2025-03-02", "2025-06-02")]),
        ("4 courses (2024/5/10-2024/7/25)", [("2024/5/10-2024/7/25", "2024-05-10", "2024-07-25")]),
        ("AMR 2025/3-2025/6", [("2025/3-2025/6", "2025-03-01", "2025-06-30")]),
        ("CT du 05/02/2024", [("05/02/2024", "2024-02-05", "2024-02-05")]),
        ("chimiothérapie de mars à juin 2023", [("mars à juin 2023", "2023-03-01", "2023-06-30")]),
        ("von Januar bis März 2023", [("Januar bis März 2023", "2023-01-01", "2023-03-31")]),
        ("du 3 au 21 avril 2023", [("3 au 21 avril 2023", "2023-04-03", "2023-04-21")]),
        ("between 2015 and 2018", [("2015 and 2018", "2015-01-01", "2018-12-31")]),
        ("in 2015 and 2018", [("2015", "2015-01-01", "2015-12-31"), ("2018", "2018-01-01", "2018-12-31")]),
        ("Mar-2023, 05JAN2024", [("Mar-2023", "2023-03-01", "2023-03-31"), ("05JAN2024", "2024-01-05", "2024-01-05")]),
        ("contrôle dans 3 mois", [("dans 3 mois", "2026-02-01", "2026-02-28")]),
        ("12 de febrero de 2024", [("12 de febrero de 2024", "2024-02-12", "2024-02-12")]),
        ("a couple of weeks ago", [("a couple of weeks ago", "2025-11-06", "2025-11-06")]),
        ("for the last year", [("for the last year", "2024-11-20", "2025-11-20")]),
        ("ce matin", [("ce matin", "2025-11-20", "2025-11-20")]),
        ("2/3 of the liver, care 24/7, PI-RADS 4/5, pain scale 8/10", []),
        ("SOFA 8/24, PHQ-9 12/27, segments 5/8, French 12/14, days 1/8/15", []),
        ("from February through May 2023", [("February through May 2023", "2023-02-01", "2023-05-31")]),
        ("between January and March 2023", [("January and March 2023", "2023-01-01", "2023-03-31")]),
        ("le 3 mars dernier", [("3 mars", "2025-03-03", "2025-03-03")]),
        ("pain 2-3/10, Fuhrman 2/4, METAVIR 2/4, page 2/5, a 5/8\" suture", []),
        ("vor 3 Wochen", [("vor 3 Wochen", "2025-10-30", "2025-10-30")]),
        ("3 weken geleden", [("3 weken geleden", "2025-10-30", "2025-10-30")]),
        ("le mois dernier", [("le mois dernier", "2025-10-01", "2025-10-31")]),
        ("l'an dernier", [("l'an dernier", "2024-01-01", "2024-12-31")]),
        ("gisteren", [("gisteren", "2025-11-19", "2025-11-19")]),
        ("12 maart 2025", [("12 maart 2025", "2025-03-12", "2025-03-12")]),
        ("3 enero 2025", [("3 enero 2025", "2025-01-03", "2025-01-03")]),
        ("CBC 3/2: WBC 3.8", [("3/2", "2025-03-02", "2025-03-02")]),
        ("mycophenolate added 1/9", [("1/9", "2025-01-09", "2025-01-09")]),
    ],
)
def test_dates(text, expected):
    assert spans(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80", "LN 2/12 positive", "Take 1/2 tab", "5/5 strength", "POD 3", "week 12", "Day +28", "CN II-XII", "10-20 mitoses per 10 HPF", "ANA 1:320",
        "T2N0M0", "Ki-67 80-90%", "calcitonin 2010 pg/mL", "WBRT 30/10", "500 mg BID x 7 days", "continue for 2 years", "call 617-555-2019", "1.5 years ago", "osteoma mar 3 mm", "13/13/2025", "31/02/2025",
    ],
)  # fmt: skip
def test_look_alikes_are_refused(text):
    assert spans(text) == []


def test_a_date_that_can_be_read_two_ways():
    assert spans("on 03/04/2025") == [("03/04/2025", "2025-03-04", "2025-03-04")]
    assert spans("on 03/04/2025", date_order="dmy") == [("03/04/2025", "2025-04-03", "2025-04-03")]
    assert spans("on 03/04/2025", date_order="ambiguous") == [("03/04/2025", "2025-03-04", "2025-04-03")]
    assert spans("on 03/04/2025, then 25/04/2025")[0] == ("03/04/2025", "2025-04-03", "2025-04-03")


@pytest.mark.parametrize(
    ("text", "note_date", "order"),
    [("25/04/2025", None, "dmy"), ("4/25/2025", None, "mdy"), ("3/4/2025", None, None), ("25/04/2025 and 4/25/2025", None, None), ("seen 05/11/2025", datetime.date(2025, 11, 5), "dmy")],
)
def test_order_is_inferred(text, note_date, order):
    assert infer_order(text, note_date) == order


def test_without_a_note_date_only_absolute_dates():
    assert [d.earliest.isoformat() for d in find("yesterday, on 3/4, in March, 3/4/2025", None)] == ["2025-03-04"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2025-03-01", "2025-03-01"), ("2025-03-01 10:15", "2025-03-01"), ("20250301", "2025-03-01"), (datetime.datetime(2025, 3, 1, 9), "2025-03-01"), ("soon", None), (None, None), (float("nan"), None)],
)
def test_parse_iso(value, expected):
    found = parse_iso(value)
    assert (found.isoformat() if found else None) == expected


PIECES = st.sampled_from(["3/4", "2023", "March ", "early ", "3 weeks ago", " in 999 years", "Feb 30, 2023", "20240304", "-", " to ", "present", "x 3 days", "'09", "12. ", "é", "\n", "a"])


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), st.dates())
def test_offsets_and_intervals_always_hold(text, note_date):
    for span in find(text, note_date):
        assert 0 <= span.start < span.end <= len(text)
        assert span.earliest <= span.latest


def test_days_told_one_after_the_other_are_dates():
    found = find("Filgrastim 300 mcg 9/6, 9/7 and 9/8.", datetime.date(2025, 9, 30))
    assert [d.earliest.day for d in found] == [6, 7, 8]
    assert find("Motor 4/5 in the arms, 5/5 in the legs.", datetime.date(2025, 9, 30)) == []


def test_dates_without_a_year_that_are_recent_only_with_the_day_first():
    day = datetime.date(2026, 4, 9)
    assert [str(d.earliest) for d in find("02/04 Plt 22. 08/04 seen.", day)] == ["2026-04-02", "2026-04-08"]
    assert [str(d.earliest) for d in find("On 02/04 Plt 22. Seen on 04/08.", day)] == ["2026-02-04", "2026-04-08"]
