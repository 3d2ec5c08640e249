"""Routes of a campaign's pages, under c/<slug>/."""

from django.urls import path

from hub.dashboard import tracks, views

urlpatterns = [
    path("", views.campaign, name="campaign"),
    path("parts/<slug:name>/", views.section, name="campaign-section"),
    path("pause/", views.pause, name="pause"),
    path("resume/", views.resume, name="resume"),
    path("roll-back/", views.roll_back, name="roll-back"),
    path("tracks/", tracks.tracks, name="tracks"),
    path("tracks/put-back/", tracks.put_all_back, name="put-all-back"),
    path("tracks/<int:track_id>/set-aside/", tracks.set_aside, name="set-aside"),
    path("tracks/<int:track_id>/put-back/", tracks.put_back, name="put-back"),
    path("rounds/<int:number>/", views.round_page, name="round"),
    path("rounds/<int:number>/freeze/", views.freeze, name="freeze"),
]
