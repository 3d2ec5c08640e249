"""Routes of a campaign's pages, under c/<slug>/."""

from django.urls import include, path

from hub.pages import audit, bases, campaign_form, campaigns, checkpoints, closing, jobs, over_effort, rounds, side_by_side, songs, uploads
from hub.pages.brought import kept, uploaded
from hub.pages.lineage import marks
from hub.pages.starting import fit, study

urlpatterns = [
    path("", campaigns.campaign, name="campaign"),
    path("parts/<slug:name>/", campaigns.section, name="campaign-section"),
    path("over-effort/", over_effort.over_effort, name="over-effort"),
    path("settings/", campaign_form.change, name="campaign-settings"),
    path("closing/", closing.closing, name="closing"),
    path("study/", study.study_of, name="campaign-study"),
    path("base/", bases.choose, name="choose-base"),
    path("base/kept/", kept.kept, name="kept-bases"),
    path("base/upload/", uploaded.uploads, name="upload-base"),
    path("base/upload/<int:base_id>/", uploaded.base, name="uploaded-base"),
    path("base/upload/<int:base_id>/check/", uploaded.check, name="check-base"),
    path("base/upload/<int:base_id>/files/", uploaded.files, name="base-files"),
    path("base/upload/<int:base_id>/files/one/", uploaded.file, name="base-file"),
    path("base/try/", fit.try_base, name="try-base"),
    path("base/tried/<int:song_id>/<slug:which>/", fit.sound, name="tried-sound"),
    path("audit/", audit.of_campaign, name="audit"),
    path("pause/", campaigns.pause, name="pause"),
    path("resume/", campaigns.resume, name="resume"),
    path("checkpoints/<str:digest>/", checkpoints.checkpoint, name="checkpoint"),
    path("checkpoints/<str:digest>/card.md", checkpoints.card_of, name="checkpoint-card"),
    path("checkpoints/<str:digest>/make-current/", checkpoints.make_current, name="make-current"),
    path("checkpoints/<str:digest>/hear/", side_by_side.hear, name="hear-checkpoints"),
    path("checkpoints/<str:digest>/marks/", marks.marks, name="checkpoint-marks"),
    path("checkpoints/<str:digest>/remake/", checkpoints.remake, name="remake-checkpoint"),
    path("checkpoints/<str:digest>.safetensors", checkpoints.download, name="checkpoint-file"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<int:job_id>/", jobs.job, name="job"),
    path("jobs/<int:job_id>/cancel/", jobs.cancel, name="cancel-job"),
    path("jobs/<int:job_id>/retry/", jobs.retry, name="retry-job"),
    path("roll-back/", rounds.roll_back, name="roll-back"),
    path("tracks/add/", uploads.add, name="add-songs"),
    path("tracks/add/<int:intake_id>/", uploads.intake, name="intake"),
    path("tracks/add/<int:intake_id>/take-in/", uploads.take_in, name="intake-take-in"),
    path("tracks/add/<int:intake_id>/discard/", uploads.discard, name="intake-discard"),
    path("tracks/add/<int:intake_id>/files/", uploads.files, name="intake-files"),
    path("tracks/add/<int:intake_id>/files/<int:upload_id>/", uploads.file, name="intake-file"),
    path("tracks/", include("hub.pages.tracks.urls")),
    path("listening-tests/", include("hub.pages.listening.urls")),
    path("rounds/<int:number>/", rounds.round_page, name="round"),
    path("judged/<int:song_id>/", songs.song, name="judged-song"),
    path("judged/<int:song_id>/<slug:which>/", songs.sound, name="judged-sound"),
    path("rounds/<int:number>/freeze/", rounds.freeze, name="freeze"),
]
