"""Routes of songs that are sent to be separated, under c/<slug>/separate/."""

from django.urls import path, re_path

from hub.pages.separate import pages, sounds

urlpatterns = [
    path("", pages.songs, name="separate"),
    path("files/", pages.files, name="sent-files"),
    path("<uuid:key>/", pages.song, name="sent-song"),
    path("<uuid:key>/file/", pages.file, name="sent-file"),
    path("<uuid:key>/again/", pages.again, name="separate-again"),
    path("<uuid:key>/remove/", pages.remove, name="remove-sent-song"),
    path("<uuid:key>/differences.json", sounds.differences, name="sent-differences"),
    path("<uuid:key>/<slug:sound>/", sounds.whole, name="sent-sound"),
    path("<uuid:key>/<slug:sound>/shape.json", sounds.shape, name="sent-shape"),
    path("<uuid:key>/<slug:sound>/<int:number>.ogg", sounds.part, name="sent-part"),
    path("<uuid:key>/<slug:sound>/<int:number>.png", sounds.picture, name="sent-picture"),
    re_path("^(?P<key>[0-9a-f-]{36})/(?P<sound>[a-z]+)[.](?P<kind>flac|wav)$", sounds.download, name="sent-download"),
]
