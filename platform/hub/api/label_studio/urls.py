"""Routes of Label Studio's API, each with and without a slash at its end: its SDK writes both, its legacy client none."""

from django.urls import re_path

from hub.api.label_studio import annotations, backends, drafts, exports, imports, predictions, projects, snapshots, sounds, tasks, users
from hub.api.label_studio.data_manager import doors as data_manager
from hub.api.tokens import label_studio as tokens
from hub.api.webhooks import label_studio as webhooks

PROJECT, TASK = r"^api/projects/(?P<project_id>[0-9]{1,9})", r"^api/tasks/(?P<task_id>[0-9]{1,9})"
SNAPSHOT = rf"{PROJECT}/exports/(?P<export_id>[0-9]{{1,9}})"
BACKEND = r"^api/ml/(?P<project_id>[0-9]{1,9})"
ANNOTATION, DRAFT = r"^api/annotations/(?P<annotation_id>[0-9]{1,9})", r"^api/drafts/(?P<draft_id>[0-9]{1,9})"

urlpatterns = [
    re_path(r"^health$", users.health, name="ls-health"),
    re_path(r"^api/version/?$", users.Version.as_view(), name="ls-version"),
    re_path(r"^api/current-user/whoami/?$", users.WhoAmI.as_view(), name="ls-whoami"),
    re_path(r"^api/current-user/token/?$", tokens.Own.as_view(), name="ls-own-token"),
    re_path(r"^api/current-user/reset-token/?$", tokens.Reset.as_view(), name="ls-reset-token"),
    re_path(r"^api/token/?$", tokens.Tokens.as_view(), name="ls-tokens"),
    re_path(r"^api/token/refresh/?$", tokens.Refresh.as_view(), name="ls-refresh-token"),
    re_path(r"^api/token/rotate/?$", tokens.Rotate.as_view(), name="ls-rotate-token"),
    re_path(r"^api/token/blacklist/?$", tokens.Blacklist.as_view(), name="ls-blacklist-token"),
    re_path(r"^api/users/?$", users.Users.as_view(), name="ls-users"),
    re_path(r"^api/projects/?$", projects.Projects.as_view(), name="ls-projects"),
    re_path(r"^api/projects/counts/?$", projects.Counted.as_view(), name="ls-counts"),
    re_path(rf"{PROJECT}/?$", projects.OneProject.as_view(), name="ls-project"),
    re_path(rf"{PROJECT}/validate/?$", projects.ValidateConfig.as_view(), name="ls-validate"),
    re_path(rf"{PROJECT}/tasks/?$", projects.ProjectTasks.as_view(), name="ls-project-tasks"),
    re_path(rf"{PROJECT}/next/?$", tasks.NextTask.as_view(), name="ls-next"),
    re_path(rf"{PROJECT}/import/?$", imports.Import.as_view(), name="ls-import"),
    re_path(rf"{PROJECT}/import/predictions/?$", predictions.ImportPredictions.as_view(), name="ls-import-predictions"),
    re_path(rf"{PROJECT}/file-uploads/?$", imports.Files.as_view(), name="ls-files"),
    re_path(rf"{PROJECT}/model-versions/?$", backends.Models.as_view(), name="ls-models"),
    re_path(rf"{PROJECT}/export/?$", exports.Export.as_view(), name="ls-export"),
    re_path(rf"{PROJECT}/export/formats/?$", exports.Formats.as_view(), name="ls-formats"),
    re_path(rf"{PROJECT}/exports/?$", snapshots.Snapshots.as_view(), name="ls-snapshots"),
    re_path(rf"{SNAPSHOT}/?$", snapshots.OneSnapshot.as_view(), name="ls-snapshot"),
    re_path(rf"{SNAPSHOT}/convert/?$", snapshots.Convert.as_view(), name="ls-convert"),
    re_path(rf"{SNAPSHOT}/download/?$", snapshots.Download.as_view(), name="ls-download"),
    re_path(r"^api/ml/?$", backends.Backends.as_view(), name="ls-backends"),
    re_path(rf"{BACKEND}/?$", backends.OneBackend.as_view(), name="ls-backend"),
    re_path(rf"{BACKEND}/versions/?$", backends.Versions.as_view(), name="ls-backend-versions"),
    re_path(rf"{BACKEND}/train/?$", backends.Train.as_view(), name="ls-train"),
    re_path(rf"{BACKEND}/interactive-annotating/?$", backends.Interactive.as_view(), name="ls-interactive"),
    re_path(r"^api/dm/views/?$", data_manager.Views.as_view(), name="ls-views"),
    re_path(r"^api/dm/views/order/?$", data_manager.OrderViews.as_view(), name="ls-order-views"),
    re_path(r"^api/dm/views/reset/?$", data_manager.ResetViews.as_view(), name="ls-reset-views"),
    re_path(r"^api/dm/views/(?P<view_id>[0-9]{1,9})/?$", data_manager.OneView.as_view(), name="ls-view"),
    re_path(r"^api/dm/actions/?$", data_manager.Actions.as_view(), name="ls-actions"),
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
