from django.db import migrations, models
from django.db.models import Max

FROZEN = ("feedback.frozen", "round.empty")


def note_rounds_so_far(apps, schema_editor):
    """Rounds were frozen before anybody wrote down when; their events tell."""
    Event, Campaign = apps.get_model("annotation", "Event"), apps.get_model("annotation", "Campaign")
    latest = Event.objects.filter(what__in=FROZEN).order_by().values("campaign").annotate(frozen=Max("when"))
    for campaign_id, frozen in latest.values_list("campaign", "frozen"):
        Campaign.objects.filter(pk=campaign_id).update(frozen=frozen)


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0010_names_as_long_as_paths"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="frozen",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="when feedback was frozen last: answers given before can be changed no more",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="lease_until",
            field=models.DateTimeField(help_text="by the database's clock; of a skip, when that was"),
        ),
        migrations.AlterField(
            model_name="submission",
            name="lead_time",
            field=models.FloatField(
                default=0, help_text="seconds that the page was before somebody's eyes, with those of the answers that it changes"
            ),
        ),
        migrations.RunPython(note_rounds_so_far, migrations.RunPython.noop, elidable=True),
    ]
