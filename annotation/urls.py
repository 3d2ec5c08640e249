"""Routes of annotators."""

from django.urls import path, re_path

from annotation.pages import api, chosen, clips, crowd_links, finished, first_visit, my_page, people, practice, queue, reviews

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("c/<slug:slug>/annotate/", queue.annotate, name="annotate"),
    path("c/<slug:slug>/welcome/", first_visit.first_visit, name="first-visit"),
    path("c/<slug:slug>/welcome/practice/", practice.practice, name="practice"),
    path("c/<slug:slug>/welcome/sounds/<slug:name>.flac", first_visit.sound, name="first-visit-sound"),
    path("c/<slug:slug>/welcome/sounds/<slug:name>.png", first_visit.picture, name="first-visit-picture"),
    path("c/<slug:slug>/welcome/<slug:name>/", first_visit.step, name="first-visit-step"),
    path("c/<slug:slug>/finished/", finished.finished, name="finished"),
    path("c/<slug:slug>/me/", my_page.my_page, name="my-page"),
    path("c/<slug:slug>/me/appeal/", my_page.appeal, name="appeal"),
    path("c/<slug:slug>/me/withdraw/", my_page.withdraw, name="withdraw-consent"),
    path("c/<slug:slug>/leaderboard/", my_page.leaderboard, name="leaderboard"),
    re_path(
        r"^media/changed/(?P<submission_id>[0-9]{1,18})/(?P<which>before|after|mix)\.ogg$", my_page.changed_sound, name="changed-sound"
    ),
    path("reviews/waiting/", reviews.links, name="review-links"),
    path("c/<slug:slug>/review/", reviews.queue, name="reviews"),
    path("c/<slug:slug>/review/<int:task_id>/", reviews.page, name="review"),
    path("c/<slug:slug>/clips.csv", chosen.export, name="clips-csv"),
    path("c/<slug:slug>/marks.csv", chosen.export_marks, name="marks-csv"),
    path("c/<slug:slug>/regions.csv", chosen.export_regions, name="regions-csv"),
    path("c/<slug:slug>/people/", people.people, name="people"),
    path("c/<slug:slug>/people/<int:member_id>/", people.change, name="change-person"),
    path("c/<slug:slug>/people/pauses/<int:pause_id>/", people.decide, name="decide-pause"),
    path("c/<slug:slug>/people/<int:member_id>/practice/", people.practise_again, name="practise-again"),
    path("c/<slug:slug>/links/", crowd_links.links, name="links"),
    path("c/<slug:slug>/links/payout.csv", crowd_links.payout, name="payout"),
    path("c/<slug:slug>/links/<int:link_id>/revoke/", crowd_links.revoke, name="revoke-link"),
    path("c/<slug:slug>/links/<int:link_id>/limit/", crowd_links.limit, name="link-limit"),
    path("c/<slug:slug>/links/<int:link_id>/export/", crowd_links.export, name="link-export"),
    path("c/<slug:slug>/links/participations/<int:participation_id>/", crowd_links.decide, name="decide-participation"),
    re_path(r"^media/tasks/(?P<task_id>[0-9]{1,18})/(?P<which>[a-z]{1,20})\.ogg$", clips.clip, name="clip"),
    re_path(r"^media/tasks/(?P<task_id>[0-9]{1,18})/(?P<which>[a-z]{1,20})\.png$", clips.clip_picture, name="clip-picture"),
    path("api/campaigns/<slug:slug>/next/", api.NextTask.as_view(), name="next-task"),
    path("api/campaigns/<slug:slug>/practice/next/", practice.NextClip.as_view(), name="practice-next"),
    path("api/campaigns/<slug:slug>/practice/<int:n>/", practice.PracticeAnswer.as_view(), name="practice-answer"),
    path("api/campaigns/<slug:slug>/prefetch/", api.PrefetchTasks.as_view(), name="prefetch-tasks"),
    path("api/campaigns/<slug:slug>/history/", api.History.as_view(), name="history"),
    path("api/campaigns/<slug:slug>/clips/", chosen.Clips.as_view(), name="clips-json"),
    path("api/tasks/<int:task_id>/submission/", api.TaskSubmission.as_view(), name="task-submission"),
    path("api/tasks/<int:task_id>/draft/", api.TaskDraft.as_view(), name="task-draft"),
    path("api/tasks/<int:task_id>/skip/", api.SkipTask.as_view(), name="task-skip"),
    path("api/tasks/<int:task_id>/review/", reviews.TaskReview.as_view(), name="task-review"),
    path("api/tasks/<int:task_id>/review/undo/", reviews.UndoReview.as_view(), name="undo-review"),
    path("api/tasks/<int:task_id>/lease/", api.TaskLease.as_view(), name="task-lease"),
]
