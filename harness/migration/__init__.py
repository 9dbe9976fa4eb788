"""The migration itself: plan, stages, journal, engine, rollback."""
