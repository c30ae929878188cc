from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0014_model_names"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="phase",
            field=models.CharField(
                choices=[
                    ("freezing", "Freezing the choice"),
                    ("preparing", "Preparing"),
                    ("stamping", "Time-stamping"),
                    ("rendering", "Rendering"),
                    ("signing", "Signing"),
                    ("packing", "Packing"),
                    ("self_verifying", "Checking the result"),
                    ("issuing", "Issuing"),
                    ("ready", "Ready"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="preparing",
                max_length=16,
            ),
        ),
    ]
