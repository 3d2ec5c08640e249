"""Routes of the site; `hub.health` answers before them."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from hub.accounts.first_admin import first_admin
from hub.accounts.invited import invited
from hub.accounts.joining import join
from hub.accounts.registering import register, registered
from hub.accounts.sign_in import SignIn
from hub.api.ml_backend import for_a_while
from hub.api.tokens import pages as tokens
from hub.api.v1 import docs
from hub.notices import pages as notices
from hub.pages import audit, campaign_form, comparing, home, machine
from hub.pages.starting import preview, study
from hub.schema import Schema

handler400, handler403 = "hub.requests.bad_request", "hub.requests.forbidden"
handler404, handler500 = "hub.requests.page_not_found", "hub.errors.failed"
urlpatterns: list[URLPattern | URLResolver] = [
    path("favicon.ico", RedirectView.as_view(url=static("hub/icon.svg"))),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-in/", SignIn.as_view(), name="account_login"),  # as allauth calls it
    path("sign-out/", auth.LogoutView.as_view(), name="sign-out"),
    path("account/", include("hub.accounts.own.urls")),
    path("account/tokens/", tokens.tokens, name="tokens"),
    path("account/tokens/<int:token_id>/revoke/", tokens.revoke, name="revoke-token"),
    path("language/", set_language, name="language"),
    path("join/<str:token>/", join, name="join"),
    path("join/as/<str:token>/", invited, name="invitation"),
    path("register/", register, name="register"),
    path("register/<str:token>/", registered, name="registered"),
    path("first-account/<str:token>/", first_admin, name="first-admin"),
    path("admin/", admin.site.urls),
    path("", home.front, name="front"),
    path("campaigns/", home.home, name="home"),
    path("campaigns/new/", campaign_form.new, name="new-campaign"),
    path("campaigns/compare/", comparing.comparing, name="compare"),
    path("campaigns/all/", comparing.site, name="site"),
    path("campaigns/study/", study.study, name="study"),
    path("campaigns/preview/", preview.preview, name="preview"),
    path("campaigns/preview/sound/<slug:stem>/<slug:name>/", preview.sound, name="preview-sound"),
    path("campaigns/preview/<str:token>/practice/next/", preview.next_clip, name="preview-next"),
    path("campaigns/preview/<str:token>/practice/<int:n>/", preview.answer, name="preview-answer"),
    path("audit/", audit.of_site, name="site-audit"),
    path("machine/", machine.page, name="machine"),
    path("machine/disk/", machine.disk_of_all, name="machine-disk"),
    path("machine/jobs/<int:job_id>/move/", machine.move, name="move-job"),
    path("notices/", notices.notices, name="notices"),
    path("notices/bell/", notices.bell, name="bell"),
    path("notices/mark/", notices.mark, name="mark-notices"),
    path("notices/choices/", notices.choices, name="notice-choices"),
    path("notices/<int:notice_id>/", notices.follow, name="follow-notice"),
    path("", include("hub.api.label_studio.urls")),
    path("api/schema/", Schema.as_view(), name="schema"),
    path("api/v1/schema/", docs.Document.as_view(), name="v1-schema"),
    path("api/docs/", docs.page, name="api-docs"),
    path("api/v1/", include("hub.api.v1.urls")),
    path("mine/", include("hub.pages.own_songs_urls")),
    path("ml/<slug:slug>/<str:secret>/", include("hub.api.ml_backend.urls")),
    path("media/for-a-while/<str:signed>.ogg", for_a_while.clip, name="clip-for-a-while"),
    path("", include("annotation.urls")),
    path("c/<slug:slug>/", include("hub.pages.urls")),
]
