"""What a link asks for, what panels send in addresses, and what they export. Real rows."""

import re

import pytest
from django.core.exceptions import ValidationError

from annotation.core import panels
from annotation.core.panels import BadExport, BadVisit
from annotation.models import Link, Membership, Participation
from annotation.services import crowd_links
from tests.annotation import comers
from tests.annotation.comers import come, invitation, prolific

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return comers.owner()


class TestWhatALinkSays:
    def test_tokens_are_long_and_never_the_same(self, owner: Membership) -> None:
        tokens = {invitation(owner).token for _ in range(20)}
        assert len(tokens) == 20 and all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)

    def test_a_prolific_link_has_a_code_and_must_ask_for_tasks(self, owner: Membership) -> None:
        assert re.fullmatch("[0-9A-F]{8}", prolific(owner).completion_code)
        with pytest.raises(ValidationError, match="number of tasks"):
            prolific(owner, tasks_asked=None)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("completion_code", "a b"), ("return_url", "javascript:alert(1)"), ("max_uses", 0), ("currency", "euro"), ("pay_per_task", -1)],
    )
    def test_what_cannot_be_is_refused_by_its_field(self, owner: Membership, field: str, value: object) -> None:
        with pytest.raises(ValidationError) as refused:
            crowd_links.create_link(campaign=owner.campaign, who=owner, kind="external", **{field: value})
        assert field in refused.value.message_dict

    def test_an_invitation_asks_for_no_number(self, owner: Membership) -> None:
        with pytest.raises(ValidationError, match="invitation"):
            invitation(owner, tasks_asked=3)

    @pytest.mark.parametrize(
        "value",
        [
            *(
                "{ID}",
                "{{id}}",
                "%7B%7BID%7D%7D",
                "{{%PROLIFIC_PID%}}",
                "${worker_id}",
                "[worker_id]",
                "<id>",
                "$id",
                "#{id}",
                "%id%",
                "ID",
            ),
            *("undefined", "null", "NULL", "None", "nil", "nan", "NaN", "void", "true", "False", "[object Object]", "(null)", "<null>"),
            *("undefined-undefined", "null_null", "unknown", "anonymous", "00000000-0000-0000-0000-000000000000"),
            *("PROLIFIC_PID", "STUDY_ID", "id", "pid", "your_id", "YOUR-ID", "YourID", "workerId", "participant.id", "insert_your_id_here"),
            *("ASSIGNMENT_ID_NOT_AVAILABLE", "xxx", "XXXXXXXX", "xxxx-xxxx"),
        ],
    )
    def test_a_placeholder_that_nobody_filled_in_is_nobodys_id(self, value: str) -> None:
        assert Link(kind=Link.Kind.EXTERNAL).query == "?id={ID}"
        with pytest.raises(BadVisit, match="id in the address is a placeholder that was not filled in"):
            panels.external_visit({"id": [value]})

    @pytest.mark.parametrize(
        "value",
        [
            *(
                "0",
                "1",
                "7",
                "0000007",
                "5f0000000000000000000001",
                "f" * 24,
                "A1B2C3D4E5F6G7",
                "test",
                "demo-3",
                "worker-7",
                "id7",
                "ID_12",
            ),
            *("david", "sid", "heidi", "Nona", "nilsson", "nullmeyer", "nana", "undefined2", "xx7", "ada@lab.example", "na", "hit3", "max"),
            *("00000000-0000-0000-0000-000000000001", "2f1e0c1a-9d7b-4f0e-8a53-0a6c1e5b7d11"),
        ],
    )
    def test_an_id_that_only_looks_like_a_placeholder_is_an_id(self, value: str) -> None:
        assert panels.external_visit({"id": [value]}).external_id == value

    @pytest.mark.parametrize("name", ["PROLIFIC_PID", "STUDY_ID", "SESSION_ID"])
    def test_an_address_that_names_two_people_lets_in_neither(self, name: str) -> None:
        query = {"PROLIFIC_PID": ["5f1"], "STUDY_ID": ["s"], "SESSION_ID": ["x"]}
        with pytest.raises(BadVisit, match=f"{name} is in the address 2 times") as bad:
            panels.prolific_visit(query | {name: ["5f1", "5f2"]})
        assert bad.value.field == name

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
            ({"PROLIFIC_PID": "p", "SESSION_ID": "x"}, "STUDY_ID"),
            ({"PROLIFIC_PID": "p", "STUDY_ID": "s"}, "SESSION_ID"),
            ({"PROLIFIC_PID": "{{%PROLIFIC_PID%}}", "STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
            ({"PROLIFIC_PID": "=1+1", "STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
            ({"PROLIFIC_PID": "p\x00", "STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
            ({"PROLIFIC_PID": "p" * 65, "STUDY_ID": "s", "SESSION_ID": "x"}, "PROLIFIC_PID"),
        ],
    )
    def test_a_missing_or_odd_parameter_is_named(self, query: dict[str, str], field: str) -> None:
        with pytest.raises(BadVisit, match=field) as bad:
            panels.prolific_visit({name: [value] for name, value in query.items()})
        assert bad.value.field == field


EXPORT = """\ufeffSubmission id,Participant id,Status,Started at
s-a,aaa,RETURNED,2026
s-b,bbb,TIMED-OUT,2026
s-c,ccc,APPROVED,2026
s-d,ddd,AWAITING REVIEW,2026
s-e,eee,REJECTED,2026
s-f,fff,RETURNED,2026
s-g,ggg,ABDUCTED,2026
"""


class TestProlificsExport:
    def test_it_reclaims_and_settles_and_says_what_it_did(self, owner: Membership) -> None:
        link = prolific(owner)
        for one in ("aaa", "bbb", "ccc", "ddd", "eee", "ggg"):
            come(link, one, session=f"s-{one[0]}")
        rows = panels.read_export(EXPORT.encode())
        told = crowd_links.apply_export(link=link, rows=rows, who=owner)
        assert (told.changed, told.same, told.unknown, told.not_understood) == (4, 2, 1, ("ABDUCTED",))
        states = dict(Participation.objects.values_list("external_id", "state"))
        assert states == {
            "aaa": "returned", "bbb": "timed out", "ccc": "approved", "ddd": "under way", "eee": "rejected", "ggg": "under way",
        }  # fmt: skip
        assert Link.objects.get().uses == 4
        assert crowd_links.apply_export(link=link, rows=rows, who=owner).changed == 0

    def test_an_earlier_session_says_nothing_about_a_new_one(self, owner: Membership) -> None:
        link = prolific(owner)
        come(link, "aaa", session="s-a")
        crowd_links.apply_export(link=link, rows=panels.read_export(EXPORT.encode()), who=owner)
        come(link, "aaa", session="s-later")
        crowd_links.apply_export(link=link, rows=panels.read_export(EXPORT.encode()), who=owner)
        assert Participation.objects.get().state == "under way"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("line", ["\n", "\r\n"])
    def test_a_spreadsheet_may_have_saved_it_in_its_own_way(self, encoding: str, separator: str, line: str) -> None:
        mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
        rows = [["Submission id", "Participant id", "Status", "Note, of ours; or not"], ["7b01", "5f01", "RETURNED", ""]]
        for first in ("", f"sep={separator}{line}"):
            file = mark + first + "".join(separator.join(f'"{cell}"' for cell in row) + line for row in rows)
            assert panels.read_export(file.encode(encoding)) == [panels.Exported("5f01", "RETURNED", "7b01")]

    @pytest.mark.parametrize(
        ("file", "said"),
        [
            (b"", "Participant id"), (b"Participant id\nx", "Status"), (b"\xff\xfe\x00", "UTF-8"), (b"\xe9t\xe9;", "UTF-8"),
            ("Participant id,Status".encode("utf-16-le"), "UTF-16"), (b"Participant id|Status\nx|RETURNED", "commas, semicolons or tabs"),
            (b'Participant id,Status\n"x,RETURNED', "CSV"), (b"x" * 5_000_001, "larger than 5 MB"),
        ],
    )  # fmt: skip
    def test_another_file_is_refused_in_words(self, file: bytes, said: str) -> None:
        with pytest.raises(BadExport, match=said):
            panels.read_export(file)
