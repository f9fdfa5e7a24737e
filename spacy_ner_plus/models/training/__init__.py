"""Learning: passes, optimizer, loss, schedules."""
