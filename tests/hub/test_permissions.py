"""Who may come in where: every route of the site, by every role, of this campaign and of another one.

A route that has no line in `LEAST` fails, so that nobody adds a door without saying for whom it is.
"""

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from annotation.models import Campaign, Membership
from annotation.services.people import roles_given_by
from hub.home import ROOT
from tests import worlds
from tests.hub.addresses import ROLES, address, names_in, routes, world

ANYBODY, SIGNED_IN = "anybody", "signed in"
ANNOTATOR, REVIEWER, RESEARCHER, MANAGER, OWNER, SITE = *ROLES, "site admin"
SEES_PEOPLE = "sees people"
LETS_IN = {
    ANYBODY: {"anonymous", "stranger", *ROLES},
    SIGNED_IN: {"stranger", *ROLES},
    ANNOTATOR: {*ROLES},
    REVIEWER: {"reviewer", "manager", "owner"},
    RESEARCHER: {"researcher", "manager", "owner"},
    SEES_PEOPLE: {"reviewer", "researcher", "manager", "owner"},
    MANAGER: {"manager", "owner"},
    OWNER: {"owner"},
    SITE: set[str](),
}
"""For whom a door is -> who of these finds it."""

LEAST = {
    ANYBODY: """
        sign-in account_login sign-out language join invitation first-admin quick-worker account_inactive mfa_authenticate
        account_reset_password account_reset_password_done account_reset_password_from_key account_reset_password_from_key_done
        register registered ml-health ml-setup ml-versions ml-predict ml-webhook clip-for-a-while
        account_confirm_email socialaccount_login_cancelled socialaccount_login_error openid_connect_login openid_connect_callback
        ls-health ls-version ls-refresh-token
    """,
    SIGNED_IN: """
        ls-whoami ls-counts ls-views ls-order-views ls-reset-views ls-actions
        ls-tasks ls-predictions ls-backends ls-webhooks ls-webhook-actions
        preview preview-sound preview-next preview-answer
        compare front home queue notices bell mark-notices notice-choices
        review-links schema own-songs account mfa_index sign-out-there account_change_password account_set_password account_email
        account_reauthenticate mfa_reauthenticate mfa_reauthenticate_webauthn mfa_activate_totp mfa_deactivate_totp
        v1-schema v1-me api-docs tokens mfa_view_recovery_codes mfa_generate_recovery_codes mfa_add_webauthn socialaccount_connections
    """,
    ANNOTATOR: """
        annotate quick quick-manifest first-visit first-visit-picture practice practice-next practice-answer
        first-visit-sound first-visit-step finished my-page my-data my-answers appeal withdraw-consent leaderboard
        campaign campaign-section round round-clips checkpoint next-task prefetch-tasks history clip clip-picture told-sound
        task-submission task-draft task-skip task-lease task-notes
        listen listening-sound listening-answer
        ls-next ls-validate ls-annotations ls-drafts ls-sound
        v1-campaign v1-round v1-checkpoints v1-checkpoint v1-figures v1-next-task v1-submit v1-clip-sound
    """,
    REVIEWER: "reviews review task-review undo-review notes reply-note accept-reviews undo-reviews misread task-comments",
    RESEARCHER: """
        clips-csv marks-csv regions-csv clips-json proposals-json checkpoint-file checkpoint-card listening-csv over-effort
        data export-file remove-export
        ls-export ls-formats ls-snapshots ls-snapshot ls-convert ls-download
        separate sent-files write-checkpoint written-checkpoint v1-separate
        v1-tracks v1-track v1-tasks v1-task v1-submissions v1-marks v1-regions
    """,
    SEES_PEOPLE: "crowd crowd-clips v1-people",
    MANAGER: """
        ls-import ls-import-predictions ls-project-tasks ls-files ls-models
        ls-backend ls-backend-versions ls-train ls-interactive
        people change-person practise-again decide-pause invitations revoke-invitation
        audit kept-bases
        person decide-people
        links payout revoke-link link-limit link-export decide-participation
        told-sounds remove-told-sound
        campaign-settings campaign-study choose-base try-base tried-sound pause resume roll-back freeze
        jobs job cancel-job retry-job make-current judged-song judged-sound remake-checkpoint hear-checkpoints checkpoint-marks
        task search label-studio
        tracks tracks-csv tracks-import edit-tracks edit-track put-all-back set-aside put-back
        track track-sound track-shape track-part track-picture track-differences separate-track
        listening-tests listening-test listening-again end-listening
        imports import
        ls-webhook webhooks webhook test-webhook rotate-webhook remove-webhook send-again
        add-songs intake intake-take-in intake-discard intake-files intake-file
        v1-pause v1-resume v1-freeze v1-jobs v1-job v1-cancel-job v1-retry-job v1-events
    """,
    OWNER: "closing",
    SITE: """
        site new-campaign study site-audit server-folder upload-base uploaded-base check-base base-files base-file
        machine machine-disk move-job
    """,
}
OF_ONE_PERSON = {
    "v1-separation",
    "v1-remove-separation",
    "v1-separated-sound",
    "sent-song",
    "sent-file",
    "separate-again",
    "remove-sent-song",
    "sent-differences",
    "sent-sound",
    "sent-shape",
    "sent-part",
    "sent-picture",
    "sent-download",
    "mfa_remove_webauthn",
    "revoke-token",
    "v1-campaigns",
    "v1-rounds",
    "changed-sound",
    "task-effect",
    "my-answer",
    "write-on",
    "follow-notice",
    "own-song",
    "mend-own-song",
    "remove-own-song",
    "own-song-labels",
    "own-song-file",
    *("ls-users", "ls-own-token", "ls-reset-token", "ls-tokens", "ls-rotate-token", "ls-blacklist-token", "ls-view"),
    "ls-projects",
    "ls-project",
    "ls-task",
    "ls-annotation",
    "ls-draft",
    "ls-prediction",
}
"""What belongs to one person, whatever others' roles, or is for fewer to change than to read: tests of their own say so."""

WITHOUT_A_NAME = {"favicon.ico"}
NOT_HERE = {
    "export-file",
    "register",
    "registered",
    *("ml-health", "ml-setup", "ml-versions", "ml-predict", "ml-webhook", "clip-for-a-while"),
    "track-sound",
    "track-shape",
    "track-part",
    "track-picture",
    "track-differences",
    "separate-track",
    "write-checkpoint",
    "written-checkpoint",
    "mfa_authenticate",
    "socialaccount_login_error",
    "openid_connect_login",
    "openid_connect_callback",
    "finished",
    "first-visit-sound",
    "first-visit-picture",
    "own-songs",
    "review",
    "task-review",
    "task-comments",
    "undo-review",
    "clip",
    "clip-picture",
    "roll-back",
    "practice-next",
    "practise-again",
    "invitation",
    "tried-sound",
    "judged-song",
    "judged-sound",
    "preview-next",
    "preview-answer",
    "preview-sound",
    "listening-sound",
    "ls-sound",
    "v1-clip-sound",
    "ls-snapshot",
    "ls-convert",
    "ls-download",
}
"""What the campaign of these tests does not have, so that 404 is right for everybody: only that others find no door is looked at."""

IN_WORDS = {
    "listen, mark, and read one's own page": "annotate quick my-page my-answers",
    "compare two checkpoints blind, where a listening test is open": "listen",
    "see how the rounds stand and what they changed": "campaign round",
    "hear any clip, decide what others disagreed on, answer notes": "reviews review notes reply-note",
    "download marks, regions, how clips were chosen, and checkpoints": "marks-csv regions-csv clips-csv checkpoint-file",
    "have songs of their own separated, unless the campaign opens that to all": "separate",
    "steer the rounds: pause, freeze, roll back": "pause resume freeze roll-back",
    "change the campaign's rules, choose its base": "campaign-settings choose-base",
    "bring songs, set them aside": "tracks add-songs set-aside",
    "begin and end listening tests": "listening-tests end-listening",
    "end, archive and delete the campaign, and undo that": "closing",
    "decide about people; make crowd links, pay": "people change-person decide-pause links payout",
    "make a campaign": "new-campaign",
}
"""What doors are for, as the table in docs/people.md has it."""

NOBODY = {401, 403, 404}
RULES = {name: least for least, names in LEAST.items() for name in names.split()}


def test_every_route_says_for_whom_it_is() -> None:
    named = {name or route for route, name in routes()}
    assert named == RULES.keys() | OF_ONE_PERSON | WITHOUT_A_NAME


def test_the_table_for_people_who_run_campaigns_says_the_same() -> None:
    roles, rows = ROLES, []
    for words, names in IN_WORDS.items():
        (group,) = {RULES[name] for name in names.split()}
        rows.append((words, [role in LETS_IN[group] for role in roles]))
    for given in roles:
        giving = [role in ("manager", "owner") and given in roles_given_by(Membership(role=role)) for role in roles]
        rows.append((f"let somebody in as {given}, give or take that role", giving))
    table = [f"| | {' | '.join(roles)} | site admin |", f"|---{'|:-:' * (len(roles) + 1)}|"]
    table += [f"| {words} | {' | '.join('yes' if one else '' for one in may)} | {'yes' if not any(may) else ''} |" for words, may in rows]
    assert "\n".join(table) in (ROOT / "docs" / "people.md").read_text(), "docs/people.md should have:\n" + "\n".join(table)


@pytest.fixture
def campaign(db: None, settings: Any, tmp_path: Path) -> Campaign:
    settings.HOME = tmp_path
    return world(tmp_path)


@pytest.fixture
def named(campaign: Campaign) -> dict[str, Any]:
    return names_in(campaign)


def asked(client: Client, method: str, url: str) -> int:
    """The status of the answer; whatever the request did is undone."""
    with transaction.atomic():
        answer = client.generic(method, url, b"{}" if method != "GET" else b"", "application/json", headers={"Tus-Resumable": "1.0.0"})
        transaction.set_rollback(True)
    answer.getvalue()  # read to its end, so that a file behind it is closed
    if answer.status_code == 302 and "/sign-in/" in answer["Location"]:
        return 401
    return answer.status_code


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"sign-out"}))
def test_those_below_it_find_no_door_and_the_others_do(campaign: Campaign, named: dict[str, Any], name: str) -> None:
    url, lets_in = address(name, named), LETS_IN[RULES[name]]
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE") if url.startswith("/api/") or "/files/" in url else ("GET", "POST")
    clients = {who: worlds.signed_in(worlds.user(who)) for who in (*ROLES, "stranger")} | {"anonymous": Client()}
    for who, client in clients.items():
        statuses = {method: asked(client, method, url) for method in methods}
        inside = {method: status for method, status in statuses.items() if status not in NOBODY | {405}}
        if who not in lets_in:
            assert inside == {}, (who, statuses)
        elif name not in NOT_HERE:
            assert inside, (who, statuses)
            assert not {401, 403} & set(statuses.values()), (who, statuses)
