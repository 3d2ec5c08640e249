"""Routes of tracks, under c/<slug>/tracks/."""

from django.urls import path

from hub.pages.tracks import changing, from_server, listing, one, sounds

urlpatterns = [
    path("", listing.tracks, name="tracks"),
    path("tracks.csv", listing.export, name="tracks-csv"),
    path("edit/", changing.edit_many, name="edit-tracks"),
    path("import/", changing.take_in_csv, name="tracks-import"),
    path("add/<int:intake_id>/server/", from_server.folder, name="server-folder"),
    path("put-back/", changing.put_all_back, name="put-all-back"),
    path("<int:track_id>/", one.track, name="track"),
    path("<int:track_id>/sounds/<slug:sound>/", sounds.file, name="track-sound"),
    path("<int:track_id>/sounds/<slug:sound>/shape.json", sounds.shape, name="track-shape"),
    path("<int:track_id>/sounds/<slug:sound>/<int:number>.ogg", sounds.part, name="track-part"),
    path("<int:track_id>/sounds/<slug:sound>/<int:number>.png", sounds.picture, name="track-picture"),
    path("<int:track_id>/differences/<slug:before>/<slug:after>/", sounds.differences, name="track-differences"),
    path("<int:track_id>/separate/", one.separate, name="separate-track"),
    path("<int:track_id>/edit/", changing.edit, name="edit-track"),
    path("<int:track_id>/set-aside/", changing.set_aside, name="set-aside"),
    path("<int:track_id>/put-back/", changing.put_back, name="put-back"),
]
