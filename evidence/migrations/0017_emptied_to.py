"""How far the rows of an erased series are emptied; those erased before are, as a whole."""

from django.db import migrations, models
from django.db.models import F


def those_erased_before(apps, schema_editor):
    series = apps.get_model("evidence", "Series")
    series.objects.filter(erased_at__isnull=False).update(emptied_to=F("size"))


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0016_artifact_within_a_blob"),
    ]

    operations = [
        migrations.AddField(
            model_name="series",
            name="emptied_to",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.RunPython(those_erased_before, migrations.RunPython.noop, elidable=True),
    ]
