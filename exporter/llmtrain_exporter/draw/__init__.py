"""Pictures of a run for those who have no screen at hand that draws: reports and chat messages."""
