"""The pages of the admin, read from its URL names, so that a page that is added later is in the screenshots too."""

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import get_resolver, resolve
from playwright.sync_api import Page, expect

from distribution.models import Enrollment
from routing.models import DispatchControl
from tests.support.admin_pages import page as path_of

# Names without a page of their own, and why.
LEFT_OUT = {
    "autocomplete": "answers a menu",
    "jsi18n": "a script",
    "logout": "shows the login page",
    "view_on_site": "no model has a page outside the admin",
    "distribution_returnrequest_file": "a download",
    "distribution_buyerstatement_pdf": "a download",
    "distribution_call_recording": "a sound",
    "distribution_returnrequest_next": "leads to the page of a return",
    "second_factor": "needs a password that was just entered: tests/functional/login",
}
KINDS = ("changelist", "change", "add", "history", "delete")


def names_of_admin() -> set[str]:
    found = get_resolver().namespace_dict["admin"][1].reverse_dict
    return {name for name in found if isinstance(name, str) and not name.endswith("_check")}


def find_missing(seen: set[str], *, refused: set[str]) -> set[str]:
    """Return the names of pages that were neither seen nor refused to a superuser, nor left out with a reason."""
    return names_of_admin() - seen - refused - LEFT_OUT.keys()


def name_at(path: str) -> str:
    return resolve(path.partition("?")[0]).url_name or ""


def model_pages(client: Client) -> tuple[dict[str, str], set[str]]:
    """Return the pages of every registered model by file name, and the URL names that this user is refused."""
    pages, refused, names = {}, set(), names_of_admin()
    for model in admin.site._registry:
        for kind in KINDS:
            name = f"{model._meta.app_label}_{model._meta.model_name}_{kind}"
            path = find_path(model, kind) if name in names else None
            if path is None:
                continue
            if client.get(path).status_code == 403:
                refused.add(name)
            else:
                pages[f"{model._meta.model_name}-{kind}"] = path
    return pages, refused


def find_path(model: type[Model], kind: str) -> str | None:
    if kind in ("changelist", "add"):
        return path_of(model, kind)
    row = shown_row(model)
    return path_of(model, kind, row.pk) if row else None


def shown_row(model: type[Model]) -> Model | None:
    rows = model._default_manager.order_by("pk")
    return rows.filter(day_leads__gt=0).first() if model is Enrollment else rows.first()


def lists_with_deletion(client: Client) -> dict[str, str]:
    """Return the lists whose action "delete selected" a user can choose."""
    found = {}
    for model in admin.site._registry:
        if model is not DispatchControl:
            path = path_of(model, "changelist")
            if 'value="delete_selected"' in client.get(path).content.decode():
                found[str(model._meta.model_name)] = path
    return found


def ask_to_delete(page: Page, path: str) -> None:
    """Select the first row of a list and choose "delete selected"."""
    page.goto(path)
    page.locator(".action-select").first.check()
    page.locator("select[name=action]").select_option("delete_selected")
    page.locator(".actions button").first.click()
    expect(page.locator("#content h1")).to_be_visible()


def password_page(user: User) -> str:
    return f"{path_of(User, 'changelist')}{user.pk}/password/"
