"""Run renders that can be stopped and resumed: job folders, workers, interrupts."""
