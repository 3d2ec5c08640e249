"""Routes of songs of one's own, under mine/."""

from django.urls import path, re_path

from hub.pages import own_songs

urlpatterns = [
    path("", own_songs.mine, name="own-songs"),
    path("<slug:slug>/", own_songs.song, name="own-song"),
    path("<slug:slug>/mend/", own_songs.mend, name="mend-own-song"),
    path("<slug:slug>/remove/", own_songs.remove, name="remove-own-song"),
    path("<slug:slug>/labels.txt", own_songs.labels, name="own-song-labels"),
    re_path("^(?P<slug>[-a-z0-9]+)/(?P<when>before|after)/(?P<name>[a-z]+)$", own_songs.file, name="own-song-file"),
]
