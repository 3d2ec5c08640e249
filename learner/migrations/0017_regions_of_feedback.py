from django.db import migrations, models

COUNT = """
UPDATE learner_feedbackset SET regions = counted.n
FROM (
    SELECT item.feedback_set_id, count(*) AS n FROM learner_feedbackitem AS item
    JOIN learner_feedbackclip AS clip ON clip.id = item.clip_id WHERE NOT clip.kept_apart GROUP BY item.feedback_set_id
) AS counted
WHERE counted.feedback_set_id = learner_feedbackset.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("learner", "0016_job_priority"),
    ]

    operations = [
        migrations.AddField(
            model_name="feedbackset",
            name="regions",
            field=models.PositiveIntegerField(default=0, help_text="that are learned from; they never change: counted once"),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
