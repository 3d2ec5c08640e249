"""What leaks and what is missing, on the annotate page."""

import pytest

from tests.browser.annotating import CLIP, Contexts, Desk, add, drag, hear_all, until, until_marks
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SAYS = "JSON.stringify(unbleed.editor.regions().map(({ start, missing, tag }) => [Math.round(start), missing ?? false, tag ?? '']))"


@pytest.fixture(scope="module")
def tagging(product: Product) -> Desk:
    rules = "tags=['strings', 'drums'], collects_missing=True"
    product.shell(f"from tests.browser.desk import set_up\nset_up('tagging', 2, {CLIP}, {rules})")
    return Desk(product, "tagging")


def test_a_mark_gets_its_tag_by_a_key_or_in_the_table_and_its_opposite_is_another_mark(open_context: Contexts, tagging: Desk) -> None:
    page = tagging.open(open_context("ann", viewport={"width": 1440, "height": 1000}))
    drag(page, 1, 2)
    until_marks(page, 1)
    page.keyboard.press("Shift+Digit2")
    until(page, f"{SAYS} === '[[1,false,\"drums\"]]'", "tag of the mark that was made last")
    add(page, 5, 6)
    page.locator("#regions-rows select").last.select_option("strings")
    until(page, f'{SAYS} === \'[[1,false,"drums"],[5,false,"strings"]]\'', "tag chosen in the table")
    page.click("h1")
    page.keyboard.press("z")
    until(page, f'{SAYS} === \'[[1,false,"drums"],[5,false,""]]\'', "tag taken back in one step")
    page.keyboard.press("Shift+z")
    page.keyboard.press("k")
    page.keyboard.press("Shift+Digit1")
    until(page, f'{SAYS} === \'[[1,false,"strings"],[5,false,"strings"]]\'', "tag of the selected mark")
    assert page.evaluate("unbleed.editor.regions().map(({ selected }) => selected)") == [True, False], "it stays selected"
    page.keyboard.press("Shift+Digit2")
    until(page, f'{SAYS} === \'[[1,false,"drums"],[5,false,"strings"]]\'', "another tag of the mark that is still selected")
    page.keyboard.press("u")
    page.keyboard.press("o")
    assert page.get_attribute("#opposite", "aria-pressed") == "true"
    drag(page, 1.5, 3)
    until(page, f'{SAYS} === \'[[1,false,"drums"],[2,true,""],[5,false,"strings"]]\'', "mark of what is missing, which joins no other")
    wait_for(lambda: [len(draft) for (draft,) in tagging.drafts()] == [5], "draft with three marks and two tags")
    hear_all(page)
    page.reload()
    until(page, f"document.getElementById('annotate')?.dataset.state === 'ready' && {SAYS}.includes('strings')", "marks after a reload")
    page.keyboard.press("Enter")
    wait_for(lambda: len(tagging.answers()) == 1, "answer")
    (sent,) = [result for _, _, result, *_ in tagging.answers()]
    kinds = sorted((one["type"], *(one["value"].get("labels") or one["value"]["choices"])) for one in sent)
    assert kinds == [
        ("choices", "drums"), ("choices", "strings"),
        ("labels", "False positive vocals"), ("labels", "False positive vocals"), ("labels", "Missing vocals"),
    ]  # fmt: skip
    of_marks = "SELECT tag FROM annotation_mark WHERE submission_id = %s ORDER BY tag"
    assert tagging.product.sql(of_marks, tagging.answers()[0][0]) == [("drums",), ("strings",)]
