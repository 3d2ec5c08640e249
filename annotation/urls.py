"""Routes of annotators."""

from django.urls import path, re_path

from annotation import api, views

urlpatterns = [
    path("", views.queue, name="queue"),
    path("c/<slug:slug>/annotate/", views.annotate, name="annotate"),
    re_path(r"^media/tasks/(?P<task_id>\d+)/(?P<which>vocals|mix|removed)\.ogg$", views.clip, name="clip"),
    path("media/tasks/<int:task_id>/vocals.png", views.clip_picture, name="clip-picture"),
    path("api/campaigns/<slug:slug>/next/", api.NextTask.as_view(), name="next-task"),
    path("api/campaigns/<slug:slug>/prefetch/", api.PrefetchTasks.as_view(), name="prefetch-tasks"),
    path("api/tasks/<int:task_id>/submission/", api.TaskSubmission.as_view(), name="task-submission"),
    path("api/tasks/<int:task_id>/draft/", api.TaskDraft.as_view(), name="task-draft"),
    path("api/tasks/<int:task_id>/skip/", api.SkipTask.as_view(), name="task-skip"),
    path("api/tasks/<int:task_id>/lease/", api.TaskLease.as_view(), name="task-lease"),
]
