"""Routes of Label Studio's API, each with and without a slash at its end: its SDK writes both, its legacy client none."""

from django.urls import re_path

from hub.api.label_studio import annotations, backends, drafts, exports, imports, predictions, projects, snapshots, sounds, tasks, users
from hub.api.webhooks import label_studio as webhooks

PROJECT, TASK = r"^api/projects/(?P<project_id>[0-9]{1,9})", r"^api/tasks/(?P<task_id>[0-9]{1,9})"
SNAPSHOT = rf"{PROJECT}/exports/(?P<export_id>[0-9]{{1,9}})"
ANNOTATION, DRAFT = r"^api/annotations/(?P<annotation_id>[0-9]{1,9})", r"^api/drafts/(?P<draft_id>[0-9]{1,9})"

urlpatterns = [
    re_path(r"^health$", users.health, name="ls-health"),
    re_path(r"^api/version/?$", users.Version.as_view(), name="ls-version"),
    re_path(r"^api/current-user/whoami/?$", users.WhoAmI.as_view(), name="ls-whoami"),
    re_path(r"^api/users/?$", users.Users.as_view(), name="ls-users"),
    re_path(r"^api/projects/?$", projects.Projects.as_view(), name="ls-projects"),
    re_path(r"^api/projects/counts/?$", projects.Counted.as_view(), name="ls-counts"),
    re_path(rf"{PROJECT}/?$", projects.OneProject.as_view(), name="ls-project"),
    re_path(rf"{PROJECT}/validate/?$", projects.ValidateConfig.as_view(), name="ls-validate"),
    re_path(rf"{PROJECT}/tasks/?$", projects.ProjectTasks.as_view(), name="ls-project-tasks"),
    re_path(rf"{PROJECT}/next/?$", tasks.NextTask.as_view(), name="ls-next"),
    re_path(rf"{PROJECT}/import/?$", imports.Import.as_view(), name="ls-import"),
    re_path(rf"{PROJECT}/import/predictions/?$", predictions.ImportPredictions.as_view(), name="ls-import-predictions"),
    re_path(rf"{PROJECT}/export/?$", exports.Export.as_view(), name="ls-export"),
    re_path(rf"{PROJECT}/export/formats/?$", exports.Formats.as_view(), name="ls-formats"),
    re_path(rf"{PROJECT}/exports/?$", snapshots.Snapshots.as_view(), name="ls-snapshots"),
    re_path(rf"{SNAPSHOT}/?$", snapshots.OneSnapshot.as_view(), name="ls-snapshot"),
    re_path(rf"{SNAPSHOT}/convert/?$", snapshots.Convert.as_view(), name="ls-convert"),
    re_path(rf"{SNAPSHOT}/download/?$", snapshots.Download.as_view(), name="ls-download"),
    re_path(r"^api/ml/?$", backends.Backends.as_view(), name="ls-backends"),
    re_path(r"^api/tasks/?$", tasks.Tasks.as_view(), name="ls-tasks"),
    re_path(rf"{TASK}/?$", tasks.OneTask.as_view(), name="ls-task"),
    re_path(rf"{TASK}/annotations/?$", annotations.Annotations.as_view(), name="ls-annotations"),
    re_path(rf"{TASK}/drafts/?$", drafts.Drafts.as_view(), name="ls-drafts"),
    re_path(rf"{ANNOTATION}/?$", annotations.OneAnnotation.as_view(), name="ls-annotation"),
    re_path(rf"{DRAFT}/?$", drafts.OneDraft.as_view(), name="ls-draft"),
    # Before the page's route of the same address, which knows no tokens.
    re_path(r"^media/tasks/(?P<task_id>[0-9]{1,9})/(?P<which>[a-z]{1,20})\.ogg$", sounds.sound, name="ls-sound"),
    re_path(r"^api/webhooks/?$", webhooks.Webhooks.as_view(), name="ls-webhooks"),
    re_path(r"^api/webhooks/info/?$", webhooks.Info.as_view(), name="ls-webhook-actions"),
    re_path(r"^api/webhooks/(?P<webhook_id>[0-9]{1,9})/?$", webhooks.OneWebhook.as_view(), name="ls-webhook"),
    re_path(r"^api/predictions/?$", predictions.Predictions.as_view(), name="ls-predictions"),
    re_path(r"^api/predictions/(?P<prediction_id>[0-9]{1,9})/?$", predictions.OnePrediction.as_view(), name="ls-prediction"),
]
