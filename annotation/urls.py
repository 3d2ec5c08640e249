"""Routes of annotators."""

from django.urls import path, re_path

from annotation import api, finishing, own, people, review_pages, views, welcome

urlpatterns = [
    path("", views.queue, name="queue"),
    path("c/<slug:slug>/annotate/", views.annotate, name="annotate"),
    path("c/<slug:slug>/welcome/", welcome.welcome, name="welcome"),
    path("c/<slug:slug>/welcome/practice/<int:number>/", welcome.practice, name="welcome-practice"),
    path("c/<slug:slug>/welcome/sounds/<slug:name>.flac", welcome.sound, name="welcome-sound"),
    path("c/<slug:slug>/welcome/<slug:name>/", welcome.step, name="welcome-step"),
    path("c/<slug:slug>/finished/", finishing.finished, name="finished"),
    path("c/<slug:slug>/me/", own.own_page, name="own-page"),
    path("c/<slug:slug>/me/appeal/", own.appeal, name="appeal"),
    path("c/<slug:slug>/me/withdraw/", own.withdraw, name="withdraw-consent"),
    path("c/<slug:slug>/leaderboard/", own.leaderboard, name="leaderboard"),
    re_path(r"^media/changed/(?P<submission_id>[0-9]{1,18})/(?P<which>before|after|mix)\.ogg$", own.changed_sound, name="changed-sound"),
    path("reviews/waiting/", review_pages.links, name="review-links"),
    path("c/<slug:slug>/review/", review_pages.queue, name="reviews"),
    path("c/<slug:slug>/review/<int:task_id>/", review_pages.page, name="review"),
    path("c/<slug:slug>/people/", people.people, name="people"),
    path("c/<slug:slug>/people/pauses/<int:pause_id>/", people.decide, name="decide-pause"),
    re_path(r"^media/tasks/(?P<task_id>[0-9]{1,18})/(?P<which>vocals|mix|removed)\.ogg$", views.clip, name="clip"),
    path("media/tasks/<int:task_id>/vocals.png", views.clip_picture, name="clip-picture"),
    path("api/campaigns/<slug:slug>/next/", api.NextTask.as_view(), name="next-task"),
    path("api/campaigns/<slug:slug>/prefetch/", api.PrefetchTasks.as_view(), name="prefetch-tasks"),
    path("api/campaigns/<slug:slug>/history/", api.History.as_view(), name="history"),
    path("api/tasks/<int:task_id>/submission/", api.TaskSubmission.as_view(), name="task-submission"),
    path("api/tasks/<int:task_id>/draft/", api.TaskDraft.as_view(), name="task-draft"),
    path("api/tasks/<int:task_id>/skip/", api.SkipTask.as_view(), name="task-skip"),
    path("api/tasks/<int:task_id>/review/", review_pages.TaskReview.as_view(), name="task-review"),
    path("api/tasks/<int:task_id>/review/undo/", review_pages.UndoReview.as_view(), name="undo-review"),
    path("api/tasks/<int:task_id>/lease/", api.TaskLease.as_view(), name="task-lease"),
]
