"""The phases of an export, one file each: ``run(job, at)``, safe to run again after a kill."""
