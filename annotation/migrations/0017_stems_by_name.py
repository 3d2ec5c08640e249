from django.db import migrations, models

STEMS = [("vocals", "vocals"), ("drums", "drums"), ("bass", "bass"), ("other", "other instruments"), ("accompaniment", "accompaniment")]


def back_to_vocals(apps, schema_editor):
    """A campaign on a stem that songs have not could never begin."""
    apps.get_model("annotation", "Campaign").objects.exclude(stem__in=dict(STEMS)).update(stem="vocals")


def speak_of_the_accompaniment(apps, schema_editor):
    """Marks in campaigns on the accompaniment bore the names of vocals, which nobody may send there from now on."""
    for model in (apps.get_model("annotation", name) for name in ("Submission", "Draft")):
        for row in model.objects.filter(task__campaign__stem="accompaniment"):
            for mark in row.result:
                mark |= {"to_name": "accompaniment", "value": mark["value"] | {"labels": ["False positive accompaniment"]}}
            if hasattr(row, "played"):
                row.played = {"accompaniment" if name == "vocals" else name: heard for name, heard in row.played.items()}
            row.save()


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0016_words_of_the_admin"),
    ]

    operations = [
        migrations.RunPython(back_to_vocals, migrations.RunPython.noop),
        migrations.RunPython(speak_of_the_accompaniment, migrations.RunPython.noop),
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
