"""What the machine does, for those who run the site: workers, queues, disk, settings, backups."""
