"""What every example needs and none is about: flags, run directories, checkpoints, progress, downloads, reports."""
