from django.db import migrations, models

ADD_UP = """
UPDATE annotation_consensus SET seconds = added.up
FROM (SELECT consensus_id, sum("end" - start) AS up FROM annotation_consensusregion GROUP BY consensus_id) AS added
WHERE added.consensus_id = annotation_consensus.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0034_threads"),
    ]

    operations = [
        migrations.AddField(
            model_name="consensus",
            name="seconds",
            field=models.FloatField(default=0.0, help_text="in its regions together, which never change: added up once"),
        ),
        migrations.RunSQL(ADD_UP, migrations.RunSQL.noop),
    ]
