"""Routes of `/api/v1/`."""

from django.urls import path

from hub.api.v1 import lists, separations, sounds, verbs
from hub.api.v1.doors import one_of

CAMPAIGN = "campaigns/<slug:slug>/"
urlpatterns = [
    path("me/", lists.Me.as_view(), name="v1-me"),
    path("campaigns/", verbs.Campaigns.as_view(), name="v1-campaigns"),
    path(CAMPAIGN, one_of(lists.Campaigns).as_view(), name="v1-campaign"),
    path(f"{CAMPAIGN}pause/", verbs.Pause.as_view(), name="v1-pause"),
    path(f"{CAMPAIGN}resume/", verbs.Resume.as_view(), name="v1-resume"),
    path(f"{CAMPAIGN}tracks/", lists.Tracks.as_view(), name="v1-tracks"),
    path(f"{CAMPAIGN}tracks/<int:track_id>/", one_of(lists.Tracks).as_view(), name="v1-track"),
    path(f"{CAMPAIGN}tasks/", lists.Tasks.as_view(), name="v1-tasks"),
    path(f"{CAMPAIGN}tasks/next/", verbs.NextTask.as_view(), name="v1-next-task"),
    path(f"{CAMPAIGN}tasks/<int:task_id>/", one_of(lists.Tasks).as_view(), name="v1-task"),
    path(f"{CAMPAIGN}tasks/<int:task_id>/submissions/", verbs.Submissions.as_view(), name="v1-submit"),
    path(f"{CAMPAIGN}tasks/<int:task_id>/sounds/<slug:sound>.ogg", sounds.ClipSound.as_view(), name="v1-clip-sound"),
    path(f"{CAMPAIGN}submissions/", lists.Submissions.as_view(), name="v1-submissions"),
    path(f"{CAMPAIGN}marks/", lists.Marks.as_view(), name="v1-marks"),
    path(f"{CAMPAIGN}regions/", lists.Regions.as_view(), name="v1-regions"),
    path(f"{CAMPAIGN}people/", lists.People.as_view(), name="v1-people"),
    path(f"{CAMPAIGN}rounds/", verbs.Rounds.as_view(), name="v1-rounds"),
    path(f"{CAMPAIGN}rounds/<int:number>/", one_of(lists.Rounds, "number").as_view(), name="v1-round"),
    path(f"{CAMPAIGN}rounds/<int:number>/freeze/", verbs.Freeze.as_view(), name="v1-freeze"),
    path(f"{CAMPAIGN}checkpoints/", lists.Checkpoints.as_view(), name="v1-checkpoints"),
    path(f"{CAMPAIGN}checkpoints/<str:digest>/", one_of(lists.Checkpoints, "hash").as_view(), name="v1-checkpoint"),
    path(f"{CAMPAIGN}figures/", lists.Figures.as_view(), name="v1-figures"),
    path(f"{CAMPAIGN}jobs/", lists.Jobs.as_view(), name="v1-jobs"),
    path(f"{CAMPAIGN}jobs/<int:job_id>/", one_of(lists.Jobs).as_view(), name="v1-job"),
    path(f"{CAMPAIGN}jobs/<int:job_id>/cancel/", verbs.Cancel.as_view(), name="v1-cancel-job"),
    path(f"{CAMPAIGN}jobs/<int:job_id>/retry/", verbs.Retry.as_view(), name="v1-retry-job"),
    path(f"{CAMPAIGN}separate/", separations.Separate.as_view(), name="v1-separate"),
    path(f"{CAMPAIGN}separations/<uuid:key>/", separations.Separation.as_view(), name="v1-separation"),
    path(f"{CAMPAIGN}separations/<uuid:key>/remove/", separations.Remove.as_view(), name="v1-remove-separation"),
    path(f"{CAMPAIGN}separations/<uuid:key>/<slug:sound>.<slug:kind>", separations.Sound.as_view(), name="v1-separated-sound"),
    path(f"{CAMPAIGN}events/", lists.Events.as_view(), name="v1-events"),
]
