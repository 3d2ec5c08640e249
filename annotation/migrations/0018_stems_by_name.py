from django.db import migrations, models

STEMS = [("vocals", "vocals"), ("drums", "drums"), ("bass", "bass"), ("other", "other instruments"), ("accompaniment", "accompaniment")]


def back_to_vocals(apps, schema_editor):
    """A campaign on a stem that songs have not could never begin."""
    apps.get_model("annotation", "Campaign").objects.exclude(stem__in=dict(STEMS)).update(stem="vocals")


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0016_words_of_the_admin"),
    ]

    operations = [
        migrations.RunPython(back_to_vocals, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="campaign",
            name="stem",
            field=models.CharField(
                choices=STEMS,
                default="vocals",
                help_text="what the model extracts and people listen to; the same from the first song on",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="submission",
            name="heard",
            field=models.JSONField(
                default=list, help_text="stretches of what was extracted that were played: [[start, end], …] in track seconds"
            ),
        ),
    ]
